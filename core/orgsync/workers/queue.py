"""The queue that carries jobs to workers: procrastinate, in a schema of its own.

It carries the number and the epoch of a job's row and nothing else. It may lose a job, repeat it or keep it for ever:
what is not done in time is sent again under the next epoch, and what comes with an older one is not taken. So a job is
deleted here as soon as it has been received, and commits do not wait for the disk. procrastinate's own worker is not
used: it has a fixed number of places, and here a run that waits to retry gives up its place.
"""

import logging
from collections.abc import AsyncGenerator, Collection, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from orgsync.errors import PackageMissing, PostgresNeeded, SettingInvalid, StoreUnavailable
from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.store.worker_tables import SentJob

if TYPE_CHECKING:
    from procrastinate import App

__all__ = ["JobQueue", "require_workers_possible"]

_NAME = "orgsync"
_CONNECTIONS = 3
_STRANDED_AFTER = 60.0
_SCHEMA = (
    "SELECT min(obj_description(n.oid, 'pg_namespace')) AS version, count(*) > 0 AS made, "
    "coalesce(bool_or(pg_has_role(n.nspowner, 'USAGE') AND EXISTS (SELECT 1 FROM pg_catalog.pg_class AS c "
    "WHERE c.relnamespace = n.oid AND c.relname LIKE 'procrastinate%%' AND NOT pg_has_role(c.relowner, 'USAGE'))), "
    "false) AS inherited FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %(schema)s"
)
"""`inherited`: the schema is this role's, and what another role has made in it is not."""
_EMPTY = """
DO $$
DECLARE
    own CONSTANT oid := quote_ident(current_schema())::regnamespace;
    dropped text;
BEGIN
    FOREACH dropped IN ARRAY ARRAY(
        SELECT 'TABLE IF EXISTS ' || oid::regclass FROM pg_class
        WHERE relnamespace = own AND relkind = 'r' AND relname LIKE 'procrastinate%%'
        UNION ALL
        SELECT 'ROUTINE IF EXISTS ' || oid::regprocedure FROM pg_proc
        WHERE pronamespace = own AND proname LIKE 'procrastinate%%'
        UNION ALL
        SELECT 'TYPE IF EXISTS ' || oid::regtype FROM pg_type
        WHERE typnamespace = own AND typname LIKE 'procrastinate%%'
        AND (typtype = 'e' OR typrelid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))
    ) LOOP
        EXECUTE 'DROP ' || dropped || ' CASCADE';
    END LOOP;
END $$
"""
"""Drops procrastinate's tables, functions and types, but not the schema: an administrator may have made it for a role
that can make no other."""


def require_workers_possible(settings: Settings) -> None:
    """Raise PostgresNeeded for a database that is a file, PackageMissing without the package that carries jobs."""
    if not settings.is_on_postgres:
        raise PostgresNeeded
    if find_spec("procrastinate") is None:
        raise PackageMissing("Workers need a package that is not installed.", extra="workers")


class JobQueue:
    """One worker's, or one sender's, access to the queue."""

    def __init__(self, app: "App", worker: int, store: Store) -> None:
        self._jobs = app.job_manager
        self._configure = app.configure_task
        self._worker = worker
        self._store = store

    @classmethod
    @asynccontextmanager
    async def open(cls, store: Store) -> "AsyncGenerator[JobQueue]":
        """Open the queue of a store's database; its tables are made if missing.

        Raises StoreUnavailable where the database cannot be used.
        """
        conninfo, schema = store.queue_conninfo()
        from procrastinate import App, PsycopgConnector

        for name in ("psycopg", "psycopg.pool"):  # what they say of connections that are cut, we say, once
            logging.getLogger(name).setLevel(logging.CRITICAL)
        app = App(connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=_CONNECTIONS, timeout=10.0))
        with _errors_explained(store):
            await app.open_async()
        try:
            async with store.lock("queue", timeout=60):
                with _errors_explained(store):
                    await _make_tables(app, schema)
            with _errors_explained(store):
                worker = await app.job_manager.register_worker()
            queue = cls(app, worker, store)
            yield queue
            with suppress(StoreUnavailable), _errors_explained(store):
                await app.job_manager.unregister_worker(worker)
        finally:
            await app.close_async()

    async def send(self, jobs: Collection[SentJob]) -> None:
        """Send jobs to whichever worker takes them first, those of a higher priority before the others."""
        with _errors_explained(self._store):
            for priority in sorted({each.priority for each in jobs}):
                task = self._configure(_NAME, queue=_NAME, priority=priority, allow_unknown=True)
                kept = [{"id": each.id, "epoch": each.epoch} for each in jobs if each.priority == priority]
                await task.batch_defer_async(*cast("list[dict[str, Any]]", kept))

    async def receive(self, limit: int) -> list[SentJob]:
        """Receive at most so many jobs, none where there are none; they are the receiver's, and no longer queued."""
        from procrastinate.jobs import Status

        received: list[SentJob] = []
        with _errors_explained(self._store):
            while len(received) < limit:
                job = await self._jobs.fetch_job(queues=[_NAME], worker_id=self._worker)
                if job is None:
                    break
                await self._jobs.finish_job(job, status=Status.SUCCEEDED, delete_job=True)
                received.append(_sent(job.task_kwargs, job.priority))
        return received

    async def tidy(self) -> None:
        """Say that this end is alive, and delete what others have stranded."""
        from procrastinate.exceptions import ConnectorException
        from procrastinate.jobs import Status

        with _errors_explained(self._store):
            await self._jobs.update_heartbeat(self._worker)
            for job in await self._jobs.get_stalled_jobs(seconds_since_heartbeat=_STRANDED_AFTER):
                with suppress(ConnectorException):  # another has deleted it
                    await self._jobs.finish_job(job, status=Status.FAILED, delete_job=True)
            await self._jobs.prune_stalled_workers(_STRANDED_AFTER * 60)


def _sent(arguments: Mapping[str, Any], priority: int) -> SentJob:
    return SentJob(int(arguments["id"]), int(arguments["epoch"]), priority)


async def _make_tables(app: "App", schema: str) -> None:
    """Make the queue's tables, anew where they are an older procrastinate's or were made by another role.

    What is lost with them is sent again.
    """
    from importlib.metadata import version

    on, own = app.connector, ".".join(version("procrastinate").split(".")[:2])
    found = await on.execute_query_one_async(_SCHEMA, schema=schema)
    if found["made"] and found["version"] == own and not found["inherited"]:
        return
    if found["version"] and _parts(found["version"]) > _parts(own):
        raise SettingInvalid(
            f"The queue's tables are of procrastinate {found['version']}, newer than the {own} that is installed here.",
            f"Install the same on every machine: pip install 'procrastinate=={found['version']}.*'.",
        )
    name = '"' + schema.replace('"', '""').replace("%", "%%") + '"'
    # A part that is left of making them is removed as well: the comment comes last.
    remade = _EMPTY if found["made"] else f"CREATE SCHEMA {name}"
    await on.execute_query_async(remade)  # pyright: ignore[reportArgumentType] # our own names
    await app.schema_manager.apply_schema_async()
    note = f"COMMENT ON SCHEMA {name} IS '{own}'"
    await on.execute_query_async(note)  # pyright: ignore[reportArgumentType]


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


@contextmanager
def _errors_explained(store: Store) -> Generator[None]:
    """Raise StoreUnavailable for what the server or the network did to the queue."""
    from psycopg import Error

    try:
        with store.queue_errors_explained(), _unwrapped():
            yield
    except Error as error:  # its text may hold what somebody else has put into the tables
        raise StoreUnavailable(
            f"The queue of jobs cannot be used: the database refused a statement (SQLSTATE {error.sqlstate}).",
            "If its tables were dropped or changed by hand, start the workers again, which makes them anew; what is "
            "due is sent again.",
        ) from None


@contextmanager
def _unwrapped() -> Generator[None]:
    """Raise the driver's own error for procrastinate's, which does not say what has happened."""
    from procrastinate.exceptions import ConnectorException
    from psycopg import Error
    from psycopg_pool import PoolTimeout

    try:
        yield
    except (ConnectorException, PoolTimeout) as error:
        cause = error.__cause__ if isinstance(error, ConnectorException) else error
        if isinstance(cause, Error) and not isinstance(cause, PoolTimeout):
            raise cause from None
        raise StoreUnavailable(
            "The queue of jobs cannot be reached: no connection to the database within 10 seconds.",
            "Check that the server is up; what is due is sent again.",
        ) from None
