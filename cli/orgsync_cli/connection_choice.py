"""Which connections a command means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orgsync.errors import ArgumentInvalid, NoConnection

if TYPE_CHECKING:
    from orgsync.project import Project

__all__ = ["choose_connection", "choose_connections"]


async def choose_connections(project: "Project", names: Sequence[str], *, every_one: bool = False) -> list[str]:
    """Return the connections that are named, each once; without a name, the only one.

    Raises ConfigurationProblem for an unknown name, and where none is named and there are several, or none.
    """
    if names and not every_one:
        return [(await project.connections.get(name)).name for name in dict.fromkeys(names)]
    existing = [each.name for each in await project.connections.list()]
    if not existing:
        raise NoConnection
    if len(existing) > 1 and not every_one:
        raise ArgumentInvalid(f"Which connection? There are: {', '.join(existing)}.", "Name one with -c NAME.")
    return existing


async def choose_connection(project: "Project", name: str | None) -> str:
    """Return one connection; without a name, the only one."""
    return (await choose_connections(project, [name] if name else []))[0]
