"""Runs that somebody waits for, carried out by workers: they come before what is due by a schedule."""

import anyio

from orgsync.engine import Job, Outcome
from orgsync.errors import ArgumentInvalid, NoWorker, OrgsyncError
from orgsync.project import Project
from orgsync.project.workers_seen import WORKER_TTL
from orgsync.store.worker_tables import JobEnd, WorkerJobRow

from .queue import require_workers_possible

__all__ = ["request_run", "run_on_workers", "wait_for_run"]

_PERSON = 100
"""The priority of what a person waits for; what is due by a schedule has 0."""
_POLL = 0.25


async def run_on_workers(project: Project, job: Job) -> Outcome:
    """Have a sync's job run by whichever worker is free first, wait for its end, and return its outcome.

    It comes before what is due by a schedule, and waits while a run of the same sync on the same connection is under
    way. Cancelled, it is withdrawn if it has not begun; otherwise it continues. Raises NoWorker where no worker is
    alive, and otherwise as `Project.execute` does.
    """
    number = await request_run(project, job)
    return await wait_for_run(project, number)


async def request_run(project: Project, job: Job) -> int:
    """Ask the workers to run a sync's job before others, and return the number of the request.

    Raises NoWorker where none is alive, NameUnknown for an unknown connection, PostgresNeeded for a database that is a
    file, PackageMissing without procrastinate, and ArgumentInvalid for the job of an action.
    """
    if job.kind != "sync":
        raise ArgumentInvalid(
            "Workers run syncs; an action's arguments and result are kept nowhere, so they are in no queue.",
            f"Run it here: orgsync do {job.name} -c {job.connection}, with its arguments.",
        )
    require_workers_possible(project.settings)
    await project.connections.get(job.connection)
    async with project.store.workers() as on:
        if not await on.alive(WORKER_TTL):
            raise NoWorker
        return await on.request(job.to_json().decode(), priority=_PERSON)


async def wait_for_run(project: Project, number: int) -> Outcome:
    """Wait for the end of a requested run, as `run_on_workers` does."""
    try:
        row = await _reported(project, number)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await _withdraw(project, number)
        raise
    return await _outcome(project, row.end)


async def _reported(project: Project, number: int) -> WorkerJobRow:
    """Wait until the planner knows of the end as well; raises NoWorker when none is left."""
    while True:
        async with project.store.workers() as on:
            row = await on.get(number)
            if row is None:
                raise NoWorker
            if row.state == "reported":
                await on.remove([number])
                return row
            if not await on.alive(WORKER_TTL):
                raise NoWorker
        await anyio.sleep(_POLL)


async def _withdraw(project: Project, number: int) -> None:
    """Remove a request that no worker has begun."""
    async with project.store.workers() as on:
        row = await on.get(number)
        if row is not None and row.state in ("requested", "sent"):
            await on.remove([number])


async def _outcome(project: Project, end: JobEnd) -> Outcome:
    problem: OrgsyncError | None = None
    if end.error_code is not None:
        problem = OrgsyncError.reported(end.error_code, end.cause, end.remedy)
    if end.run is not None:
        return Outcome(await project.runs.get(end.run), problem)
    raise problem or NoWorker()
