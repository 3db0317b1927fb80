"""orgsync in an application: `orgsync.open`, `orgsync.run`, `orgsync.reset` and `orgsync.connections`."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import cast

from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid
from orgsync.records import Record
from orgsync.scripts import Org, Sync
from orgsync.settings import Settings
from orgsync.store import Run

from .connections import Connections
from .project import open_project
from .script_sources import GivenScripts
from .view import require_connection

__all__ = ["connections", "connections_of", "open_connection", "reset", "run"]


@asynccontextmanager
async def open_connection(name: str, *, settings: Settings | None = None) -> AsyncGenerator[Org]:
    """Open the authenticated API of a connection's org: `async with orgsync.open("acme") as org:`.

    Raises NameUnknown for an unknown name, and SignInNeeded for a connection that Salesforce has refused. In a folder
    without a database, nothing is made.
    """
    await require_connection(name, settings)
    async with open_project(settings) as project:
        yield await project.open_org(name)


async def run(
    sync: Sync[Record],
    *,
    connection: str,
    full: bool = False,
    reconcile: bool = False,
    settings: Settings | None = None,
) -> Run:
    """Run a sync on a connection, as `orgsync run` does, and return the finished run.

    Raises the OrgsyncError that ended it, ArgumentInvalid for a name in place of the sync itself, and NameUnknown for
    an unknown connection; in a folder without a database, nothing is made.
    """
    if isinstance(cast("object", sync), str):
        raise ArgumentInvalid(
            f"orgsync.run takes the sync itself, not its name {sync!r}.",
            f"Import it from its script; one that comes with orgsync: from orgsync_syncs.{sync} import {sync}.",
        )
    await require_connection(connection, settings)
    async with open_project(settings, scripts=GivenScripts([sync])) as project:
        outcome = await project.execute(Job("sync", sync.name, connection, full=full, reconcile=reconcile))
        if outcome.problem:
            raise outcome.problem
        return outcome.run


async def reset(
    sync: Sync[Record] | str, *, connection: str | None = None, settings: Settings | None = None
) -> Mapping[str, int]:
    """Give up what a sync has copied, as `orgsync reset` does, and return the rows given up in each table.

    With a connection, only that one's rows and positions go. A name will do where the script no longer exists. Raises
    AlreadyRunning while a run of it is under way, NameUnknown for a sync that was never run.
    """
    async with open_project(settings) as project:
        given_up = await project.syncs.reset(sync if isinstance(sync, str) else sync.name, connection)
        return given_up.rows


def connections_of(settings: Settings) -> Connections:
    """Return the connections of the project whose settings are given."""
    return Connections(lambda: open_project(settings))


connections = Connections(open_project)
"""The connections of the project around the working directory."""
