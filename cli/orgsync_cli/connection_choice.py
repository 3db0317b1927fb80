"""Which connections a command means."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from orgsync.errors import ArgumentInvalid, NameUnknown, NoConnection

if TYPE_CHECKING:
    from orgsync.project import Project
    from orgsync.settings import Settings

__all__ = ["choose_connection", "choose_connections", "require_connected", "require_one_choice"]


async def require_connected(names: Sequence[str | None] = (), settings: "Settings | None" = None) -> None:
    """Raise NoConnection, or NameUnknown for a name, where there is no connection at all; no database is made for that.

    Call it before a project is opened, which makes one.
    """
    from anyio import to_thread

    from orgsync.project.view import open_view

    def read() -> None:
        with open_view(settings) as view:
            if view.connections():
                return
            for name in filter(None, names):
                view.connection(name)
            raise NoConnection

    await to_thread.run_sync(read)


async def choose_connections(
    project: "Project", names: Sequence[str], *, tags: Sequence[str] = (), every_one: bool = False
) -> list[str]:
    """Return the connections that are named, each once, or that have one of the tags; without either, the only one.

    Raises ConfigurationProblem for an unknown name or tag, and where none is named and there are several, or none.
    """
    if names and not every_one:
        return [(await project.connections.get(name)).name for name in dict.fromkeys(names)]
    existing = await project.connections.list()
    if not existing:
        raise NoConnection
    if tags:
        known = {tag for each in existing for tag in each.tags}
        for tag in tags:
            if tag not in known:
                none_yet = f"No connection has a tag yet: orgsync connections update {existing[0].name} --tag {tag}."
                raise NameUnknown.among("connection with the tag", tag, known, none_yet=none_yet)
        return [each.name for each in existing if not set(tags).isdisjoint(each.tags)]
    if len(existing) > 1 and not every_one:
        there = ", ".join(each.name for each in existing)
        raise ArgumentInvalid(f"Which connection? Available: {there}.", f"Name one: -c {existing[0].name}.")
    return [each.name for each in existing]


def require_one_choice(names: Sequence[str] | None, tags: Sequence[str] | None, *, every_one: bool) -> None:
    """Raise ArgumentInvalid where connections are chosen by a tag and in another way too."""
    if tags and (names or every_one):
        raise ArgumentInvalid("--tag chooses the connections, and so does -c or --all.", "Give one of the three.")


async def choose_connection(project: "Project", name: str | None) -> str:
    """Return one connection; without a name, the only one."""
    return (await choose_connections(project, [name] if name else []))[0]
