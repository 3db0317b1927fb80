"""Opening a project with a worker on it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from orgsync.engine import Observer, nobody
from orgsync.errors import ArgumentInvalid
from orgsync.project import Project, open_project
from orgsync.scheduler import Patience, ScriptWatcher
from orgsync.settings import Settings

from .queue import JobQueue, require_workers_possible
from .worker import Worker

__all__ = ["open_worker"]


@asynccontextmanager
async def open_worker(
    settings: Settings,
    scripts: ScriptWatcher,
    *,
    concurrency: int | None = None,
    connections: Sequence[str] = (),
    observe: Observer = nobody,
    patience: Patience | None = None,
) -> AsyncGenerator[Worker]:
    """Open a project with a worker, which runs as many jobs at once as the settings say, unless told otherwise.

    Raises PostgresNeeded for a database that is a file, PackageMissing without procrastinate, KeyUnusable where this
    machine has another key than the credentials were encrypted with, or none, and StoreUnavailable for a database that
    cannot be used.
    """
    if concurrency is not None and concurrency < 1:
        raise ArgumentInvalid("A worker runs at least one job at a time.", "Give a concurrency of 1 or more.")
    require_workers_possible(settings)
    async with open_project(settings) as project:
        await _require_key(project)
        await project.store.require_writable()
        async with JobQueue.open(project.store) as queue:
            yield Worker(
                project,
                scripts,
                queue,
                concurrency=concurrency or settings.concurrency,
                connections=connections,
                observe=observe,
                patience=patience,
            )


async def _require_key(project: Project) -> None:
    """Raise KeyUnusable where the credentials of no connection could be decrypted here."""
    for connection in (await project.connections.list())[:1]:
        await project.store.connections.secrets(connection.name)
