"""A context and a run, from an application."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from orgsync.context import Context, Sync
from orgsync.records import Record
from orgsync.settings import Settings
from orgsync.store import Run

from .workspace import open_workspace

__all__ = ["open_connection", "run"]


@asynccontextmanager
async def open_connection(name: str, *, settings: Settings | None = None) -> AsyncGenerator[Context]:
    """Open an authenticated way into a connection's org: `async with orgsync.open("acme") as ctx:`.

    It is the context that scripts get. Without a sync there is no checkpoint, so `changes` reads everything.
    """
    async with open_workspace(settings) as workspace:
        yield await workspace.open_context(name)


async def run(sync: Sync[Record], *, connection: str, full: bool = False, settings: Settings | None = None) -> Run:
    """Run a sync on a connection, as `orgsync run` does, and answer with the finished run.

    Raises the OrgsyncError that ended it.
    """
    async with open_workspace(settings) as workspace:
        outcome = await workspace.run(sync, connection, full=full)
        if outcome.problem:
            raise outcome.problem
        return outcome.run
