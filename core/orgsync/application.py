"""orgsync in an application: what `import orgsync` offers beside the parts of a script."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Literal, TypeVar, cast, overload

from anyio import to_thread

from orgsync.engine import Job, Observer, nobody
from orgsync.errors import ArgumentInvalid
from orgsync.project import (
    Connections,
    DryRun,
    GivenScripts,
    Project,
    ReadSession,
    Schedules,
    open_dry_run,
    open_project,
    open_read_session,
    open_store,
    open_view,
    require_connection,
)
from orgsync.records import Record
from orgsync.scheduler import Scheduler, ScriptWatcher
from orgsync.scripts import Org, Sync
from orgsync.scripts.own_schedules import own_schedules
from orgsync.settings import Settings, find_project, load_settings
from orgsync.store import Run
from orgsync.workers import require_workers_possible

if TYPE_CHECKING:
    from orgsync.workers import Worker

__all__ = [
    "connections",
    "connections_of",
    "open_connection",
    "open_scheduler",
    "open_service",
    "reset",
    "run",
    "schedules",
    "schedules_of",
    "session",
    "up",
]

A = TypeVar("A", bound=Record)


@asynccontextmanager
async def open_connection(name: str, *, settings: Settings | None = None) -> AsyncGenerator[Org]:
    """Open the authenticated API of a connection's org: `async with orgsync.open("acme") as org:`.

    Nothing is sent before the first call. Raises NameUnknown for an unknown name, and SignInNeeded for a connection
    that Salesforce has refused. In a folder without a database, nothing is made.
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
    observe: Observer = nobody,
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
    observe: Observer = nobody,
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
    observe: Observer = nobody,
    settings: Settings | None = None,
) -> Run | DryRun:
    """Run a sync on a connection, as `orgsync run` does, and return the finished run.

    `full` reads everything instead of what changed since the last run; `reconcile` also compares the copy's Ids with
    the org's. With `dry_run` the sync runs on a temporary copy of the database, and what is returned is a DryRun: the
    run, and every change that it would make, in memory. `limit` stops a dry run at that many changes. What a script
    itself writes to the org is written also in a dry run. `observe` is called with each event of the run, in its task.

    Raises the OrgsyncError that ended the run, NameUnknown for an unknown connection, AlreadyRunning while another run
    of the sync on the connection is under way (which does not hinder a dry run), and ArgumentInvalid for a name in
    place of the sync, or a limit without `dry_run` or below 1. In a folder without a database, nothing is made.
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
        return await (_dry_run(project, job, limit, observe) if dry_run else _run(project, job, observe))


async def _run(project: Project, job: Job, observe: Observer) -> Run:
    outcome = await project.execute(job, observe=observe)
    if outcome.problem:
        raise outcome.problem
    return outcome.run


async def _dry_run(project: Project, job: Job, limit: int | None, observe: Observer) -> DryRun:
    async with open_dry_run(project, job, limit=limit, observe=observe) as opened:
        if opened.outcome.problem:
            raise opened.outcome.problem
        return await opened.finished()


async def reset(
    sync: Sync[Record] | str, *, connection: str | None = None, settings: Settings | None = None
) -> Mapping[str, int]:
    """Discard what a sync has copied, as `orgsync reset` does, and return the number of discarded rows by table.

    With a connection, only that one's rows and positions go. A name will do where the script no longer exists. Raises
    AlreadyRunning while a run of it is under way, NameUnknown for a sync that was never run.
    """
    name = sync if isinstance(sync, str) else sync.name
    await to_thread.run_sync(lambda: _require_ran(name, settings))
    async with open_project(settings) as project:
        given_up = await project.syncs.reset(name, connection)
        return given_up.rows


def _require_ran(sync: str, settings: Settings | None) -> None:
    """Raise NameUnknown for a sync that the database does not know; where there is no database, none is made."""
    with open_view(settings) as view:
        view.require_sync(sync)


@asynccontextmanager
async def session(
    *, connection: str | None = None, deleted: bool = False, settings: Settings | None = None
) -> AsyncGenerator[ReadSession]:
    """Open a session that reads the copy: `async with orgsync.session(connection="acme") as session:`.

    `(await session.exec(orgsync.select(Contact))).all()` is the list of live contacts of that connection; without a
    connection, of all. With `deleted`, deleted rows are read too. Only record classes are narrowed in this way, not
    `Contact.__table__` or SQL as text. Runs do not wait for the session, nor it for them.
    Raises NameUnknown for a connection that does not exist, and StoreUnavailable for an unusable database.
    """
    settings = settings or load_settings()
    async with (
        open_store(settings) as store,
        open_read_session(store, settings, connection=connection, deleted=deleted) as opened,
    ):
        yield opened


async def up(
    *,
    syncs: Sequence[str] = (),
    connections: Sequence[str] = (),
    observe: Observer = nobody,
    settings: Settings | None = None,
) -> None:
    """Run every due sync on every connection, as `orgsync up` does, until the task is cancelled.

    The syncs are those of the project's folder that have an `every=`, or those that are named, also ones that packages
    bring; the connections all, also those that are added later, or those that are named. `observe` is called with each
    event of every run (`orgsync.Event`), in the task of the run: it must be quick, and what it raises ends that run.
    Cancelled, each run under way is marked stopped and keeps what it has committed. It logs by structlog.

    Raises NothingScheduled where no sync is ever due, NameUnknown for a sync or connection that does not exist,
    ScriptNotLoaded for a script that cannot be imported, and StoreUnavailable or StoreReplaced where the database
    cannot be used. Whatever goes wrong in a run is logged, and tried again after a pause.
    """
    async with open_service(settings, syncs=syncs, connections=connections, observe=observe) as service:
        await service.run()


@asynccontextmanager
async def open_scheduler(
    settings: Settings | None = None,
    *,
    syncs: Sequence[str] = (),
    connections: Sequence[str] = (),
    observe: Observer = nobody,
) -> AsyncGenerator[Scheduler]:
    """Open a project with its scheduler, which is the only one: none plans with it, as workers do."""
    settings, scripts = _watched_scripts(settings, syncs)
    async with open_project(settings) as project:
        yield Scheduler(project, scripts, connections=connections, observe=observe)


@asynccontextmanager
async def open_service(
    settings: Settings | None = None,
    *,
    syncs: Sequence[str] = (),
    connections: Sequence[str] = (),
    observe: Observer = nobody,
    concurrency: int | None = None,
    as_worker: bool = False,
) -> "AsyncGenerator[Scheduler | Worker]":
    """Open what runs every due sync: on PostgreSQL a worker, which plans where no other does, otherwise a scheduler.

    With `as_worker` it is a worker in any case. Raises as `open_worker` does.
    """
    is_worker = as_worker or (settings or load_settings()).is_on_postgres
    if is_worker:
        require_workers_possible(settings or load_settings())
    settings, scripts = _watched_scripts(settings, syncs)
    if is_worker:
        from orgsync.workers import open_worker

        opening = open_worker(settings, scripts, connections=connections, observe=observe, concurrency=concurrency)
        async with opening as worker:
            yield worker
        return
    async with open_project(settings) as project:
        yield Scheduler(project, scripts, connections=connections, observe=observe)


def _watched_scripts(settings: Settings | None, syncs: Sequence[str]) -> tuple[Settings, ScriptWatcher]:
    """Load the scripts of a project, with its settings; raises as `ScriptWatcher.load` does."""
    watched = None if settings else find_project()
    settings = settings or load_settings()
    with open_view(settings) as view:
        own = own_schedules(view.schedules())
    scheduled = {sync for (sync, _), each in own.items() if each.every is not None and not each.off}
    scripts = ScriptWatcher(settings.syncs_folder, syncs, settings.objects, project=watched, scheduled=scheduled)
    scripts.load()
    return settings, scripts


def connections_of(settings: Settings) -> Connections:
    """Return the connections of the project whose settings are given."""
    return Connections(lambda: open_project(settings), lambda: open_view(settings))


def schedules_of(settings: Settings) -> Schedules:
    """Return the schedules of the project whose settings are given."""
    return Schedules(lambda: open_project(settings), lambda: open_view(settings))


connections = Connections(open_project, open_view)
"""The connections of the project around the working directory."""

schedules = Schedules(open_project, open_view)
"""When syncs are due on connections of that project, where that differs from their scripts."""
