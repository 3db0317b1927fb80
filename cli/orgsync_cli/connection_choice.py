"""Which connections a command means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orgsync.errors import ArgumentInvalid, NoConnection

if TYPE_CHECKING:
    from orgsync.store import Connection, Store

__all__ = ["choose_connection", "choose_connections"]


async def choose_connections(store: "Store", names: Sequence[str], *, every_one: bool = False) -> "list[Connection]":
    """Read the connections that are named, each once; without a name, the only one there is.

    Raises ConfigurationProblem for an unknown name, and where none is named and there are several, or none.
    """
    if names and not every_one:
        return [await store.connections.get(name) for name in dict.fromkeys(names)]
    there = await store.connections.list()
    if not there:
        raise NoConnection
    if len(there) > 1 and not every_one:
        known = ", ".join(each.name for each in there)
        raise ArgumentInvalid(f"Which connection? There are: {known}.", "Name one with -c NAME.")
    return list(there)


async def choose_connection(store: "Store", name: str | None) -> "Connection":
    """Read one connection; without a name, the only one there is."""
    return (await choose_connections(store, [name] if name else []))[0]
