"""A query over Bulk API 2.0: one job, which the next run resumes where this one stopped."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import Any

import anyio

from orgsync.errors import JobFailed, JobIncomplete, NotFound, OrgsyncError
from orgsync.salesforce.bulk import Job, Place, abort_job, complete, create_job, delete_job, read_job, results

from .decoding_subprocess import Decoding, decoding_subprocess
from .read_ahead import read_ahead
from .source import Source
from .state import SavedJob, StreamState

__all__ = ["JobRows", "abandon", "job_rows"]

_JOBS = 2
"""How many jobs are tried for one query: only one job may be damaged when its results are incomplete."""

_ROWS_AT_ONCE = 3_500
"""How many rows are read, and committed, at once. More cost memory in both processes, and save no time."""

_SUBPROCESS_FROM = 50_000
"""From how many rows a result is decoded in a subprocess; of fewer it saves little."""


@dataclass(frozen=True, slots=True)
class JobRows:
    """Some rows of a job's result, as text or decoded, and where to resume; `job` is None once all rows were read."""

    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    job: SavedJob | None
    is_decoded: bool = False


async def job_rows(
    source: Source, soql: str, *, deleted: bool, saved: SavedJob | None, decode: Decoding | None = None
) -> AsyncGenerator[JobRows]:
    """Read the result of a query through a job, the saved one if it still exists.

    With `decode` the rows of a long result are decoded as `decode_csv` does it, and encoded for the database where it
    takes them so; those of which it fails come as text.
    The first item is a job without rows, so that it can be saved before waiting for Salesforce. Raises BulkRefused,
    BulkQuotaSpent and JobFailed if the query cannot be read by Bulk, JobIncomplete if rows are missing.
    """
    for attempt in range(1, _JOBS + 1):
        try:
            async with aclosing(_one_job(source, soql, deleted=deleted, saved=saved, decode=decode)) as parts:
                async for part in parts:
                    yield part
        except (JobIncomplete, NotFound) as problem:
            if attempt == _JOBS:
                raise
            source.warn(f"A Bulk job is started again: {problem.cause}")
            saved = None
        else:
            return


async def _one_job(
    source: Source, soql: str, *, deleted: bool, saved: SavedJob | None, decode: Decoding | None
) -> AsyncGenerator[JobRows]:
    client = source.client
    job = await read_job(client, saved.id, saved.api_version) if saved else None
    place = saved.place if saved and job else Place()
    if job is None:
        job = await create_job(client, soql, deleted=deleted)
    try:
        yield JobRows((), (), SavedJob(job.id, job.api_version, place))
        job = await complete(
            client, job, stalled_after=source.stalled_after, report=lambda now: _report_left(source, now, place)
        )
        async with AsyncExitStack() as stack:
            decoder = None
            if decode and _left(job, place) >= _SUBPROCESS_FROM:
                decoder = await stack.enter_async_context(decoding_subprocess(decode, source.warn))
            found = results(client, job, start=place, rows=_ROWS_AT_ONCE, decoder=decoder)
            if decoder:
                found = read_ahead(found)
            async for part in await stack.enter_async_context(aclosing(found)):
                resume_at = SavedJob(job.id, job.api_version, part.place) if part.place else None
                yield JobRows(part.header, part.rows, resume_at, part.is_decoded)
    except (JobFailed, JobIncomplete, NotFound):
        await _discard(source, job)
        raise
    except (GeneratorExit, anyio.get_cancelled_exc_class()):
        if not source.keeps_positions:
            with anyio.move_on_after(5, shield=True):
                await _discard(source, job)
        raise
    with suppress(OrgsyncError):  # all rows were read; Salesforce deletes jobs after seven days
        await delete_job(client, job)


def _report_left(source: Source, job: Job, place: Place) -> None:
    if left := _left(job, place):
        source.report_total(left)


def _left(job: Job, place: Place) -> int:
    """Return how many rows of a result are not read yet, as far as the job has found them."""
    return max(0, (job.processed or 0) - place.before - place.row)


async def abandon(source: Source, state: StreamState) -> None:
    """Discard the Bulk job of an unfinished pass that will not be resumed."""
    job = state.unfinished.job if state.unfinished else None
    if job is not None:
        await _discard(source, Job(job.id, job.api_version, "InProgress", None))


async def _discard(source: Source, job: Job) -> None:
    """Abort a job and delete it; ignore errors, since Salesforce deletes jobs after seven days."""
    with suppress(OrgsyncError):
        await abort_job(source.client, job)
        await delete_job(source.client, job)
