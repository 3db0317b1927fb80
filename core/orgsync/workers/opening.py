"""Opening a project with a worker on it."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from anyio import to_thread

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
    machine lacks the key that a connection's credentials were encrypted with, and StoreUnavailable for a database that
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
    """Raise KeyUnusable for a connection that cannot be decrypted here: its jobs would fail on this machine alone.

    A thousand take a tenth of a second. One that waits for a sign-in has no jobs, and gets new credentials by it.
    """
    ready = [each for each in await project.store.connections.list() if each.status == "ready"]

    def decrypt() -> None:
        for connection in ready:
            project.store.connections.decrypt(connection)

    await to_thread.run_sync(decrypt)
