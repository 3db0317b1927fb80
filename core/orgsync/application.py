"""orgsync in an application: what `import orgsync` offers beside the parts of a script."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, cast, overload

from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid
from orgsync.project import Connections, DryRun, GivenScripts, Project, open_dry_run
from orgsync.project.project import open_project
from orgsync.project.view import require_connection
from orgsync.records import Record
from orgsync.scripts import Org, Sync
from orgsync.settings import Settings
from orgsync.store import Run

__all__ = ["connections", "connections_of", "open_connection", "reset", "run"]


@asynccontextmanager
async def open_connection(name: str, *, settings: Settings | None = None) -> AsyncGenerator[Org]:
    """Open the authenticated API of a connection's org: `async with orgsync.open("acme") as org:`.

    Nothing is sent before the first call. Raises NameUnknown for an unknown name, and SignInNeeded for a connection
    that Salesforce has refused. In a folder without a database, none is made.
    """
    await require_connection(name, settings)
    async with open_project(settings) as project:
        yield await project.open_org(name)


@overload
async def run(
    sync: Sync[Record],
    *,
    connection: str,
    full: bool = False,
    reconcile: bool = False,
    dry_run: Literal[False] = False,
    limit: None = None,
    settings: Settings | None = None,
) -> Run: ...


@overload
async def run(
    sync: Sync[Record],
    *,
    connection: str,
    full: bool = False,
    reconcile: bool = False,
    dry_run: Literal[True],
    limit: int | None = None,
    settings: Settings | None = None,
) -> DryRun: ...


async def run(
    sync: Sync[Record],
    *,
    connection: str,
    full: bool = False,
    reconcile: bool = False,
    dry_run: bool = False,
    limit: int | None = None,
    settings: Settings | None = None,
) -> Run | DryRun:
    """Run a sync on a connection, as `orgsync run` does, and return the finished run.

    `full` reads everything instead of what changed since the last run; `reconcile` also compares the copy's Ids with
    the org's. With `dry_run` the sync runs on a temporary copy of the database, and what is returned is a DryRun: the
    run, and every change that it would make, in memory. `limit` stops a dry run at that many changes. What a script
    itself writes to the org is written also in a dry run.

    Raises the OrgsyncError that ended the run, NameUnknown for an unknown connection, AlreadyRunning while another run
    of the sync on the connection is under way (which does not hinder a dry run), and ArgumentInvalid for a name in
    place of the sync, or a limit without `dry_run` or below 1. In a folder without a database, none is made.
    """
    if isinstance(cast("object", sync), str):
        raise ArgumentInvalid(
            f"orgsync.run takes the sync itself, not its name {sync!r}.",
            f"Import it from its script; one that comes with orgsync: from orgsync_syncs.{sync} import {sync}.",
        )
    if limit is not None and (not dry_run or limit < 1):
        raise ArgumentInvalid(
            f"limit={limit} is the number of changes at which a dry run stops.",
            "Pass dry_run=True and a limit of 1 or more, or leave limit out.",
        )
    await require_connection(connection, settings)
    job = Job("sync", sync.name, connection, full=full, reconcile=reconcile)
    async with open_project(settings, scripts=GivenScripts([sync])) as project:
        return await _dry_run(project, job, limit) if dry_run else await _run(project, job)


async def _run(project: Project, job: Job) -> Run:
    outcome = await project.execute(job)
    if outcome.problem:
        raise outcome.problem
    return outcome.run


async def _dry_run(project: Project, job: Job, limit: int | None) -> DryRun:
    async with open_dry_run(project, job, limit=limit) as opened:
        if opened.outcome.problem:
            raise opened.outcome.problem
        return await opened.finished()


async def reset(
    sync: Sync[Record] | str, *, connection: str | None = None, settings: Settings | None = None
) -> Mapping[str, int]:
    """Give up what a sync has copied, as `orgsync reset` does, and return the number of rows given up by table.

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
