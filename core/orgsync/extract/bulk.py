"""A pass's questions over Bulk API 2.0: one job each, gone on with by the next run where this one stops."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import anyio

from orgsync.errors import JobFailed, JobIncomplete, NotFound, OrgsyncError
from orgsync.salesforce.bulk import Job, Place, abort_job, complete, create_job, delete_job, read_job, results

from .source import Source
from .state import SavedJob

__all__ = ["Taken", "discard", "taken"]

_JOBS = 2
"""How many jobs are tried for one question: results that do not add up may be one job's misfortune."""

_ROWS_AT_ONCE = 10_000
"""How many rows make a batch, and so a transaction: fewer cost time, more cost memory."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Some rows of a job's result as texts, and where to go on; `job` is None once all has been read."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    job: SavedJob | None


async def taken(source: Source, soql: str, *, deleted: bool, saved: SavedJob | None) -> AsyncGenerator[Taken]:
    """Read a query's result through a job, the saved one if it is still there.

    The first thing given is a job without rows, so that it can be kept before Salesforce is waited for. Raises
    BulkRefused, BulkQuotaSpent and JobFailed where the query cannot be read by Bulk, JobIncomplete where rows lack.
    """
    for attempt in range(1, _JOBS + 1):
        try:
            async with aclosing(_one_job(source, soql, deleted=deleted, saved=saved)) as parts:
                async for each in parts:
                    yield each
        except (JobIncomplete, NotFound) as problem:
            if attempt == _JOBS:
                raise
            source.warn(f"A Bulk job is begun anew: {problem.cause}")
            saved = None
        else:
            return


async def _one_job(source: Source, soql: str, *, deleted: bool, saved: SavedJob | None) -> AsyncGenerator[Taken]:
    client = source.client
    job = await read_job(client, saved.id, saved.api_version) if saved else None
    place = saved.place if saved and job else Place()
    if job is None:
        job = await create_job(client, soql, deleted=deleted)
    try:
        yield Taken((), (), SavedJob(job.id, job.api_version, place))
        job = await complete(client, job, stalled_after=source.stalled_after, tell=lambda now: _expect(source, now))
        async with aclosing(results(client, job, start=place, rows=_ROWS_AT_ONCE)) as parts:
            async for part in parts:
                on = SavedJob(job.id, job.api_version, part.place) if part.place else None
                yield Taken(part.header, part.rows, on)
    except (JobFailed, JobIncomplete, NotFound):
        await discard(source, job)
        raise
    except (GeneratorExit, anyio.get_cancelled_exc_class()):
        if not source.keeps_positions:
            with anyio.move_on_after(5, shield=True):
                await discard(source, job)
        raise
    with suppress(OrgsyncError):  # all rows are there: that the job cannot be deleted is nobody's problem
        await delete_job(client, job)


def _expect(source: Source, job: Job) -> None:
    if job.processed:
        source.expect(job.processed)


async def discard(source: Source, job: Job | SavedJob) -> None:
    """Abort a job and delete it; that it cannot be done is nobody's problem, for jobs go after seven days."""
    known = job if isinstance(job, Job) else Job(job.id, job.api_version, "InProgress", None)
    with suppress(OrgsyncError):
        await abort_job(source.client, known)
        await delete_job(source.client, known)
