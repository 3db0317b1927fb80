"""Query jobs of Bulk API 2.0: created, watched until they are complete, and deleted.

A job belongs to the API version that made it: its results are refused to any other (409). So each request for a job
names the version that is kept in it, whatever the client's own is by then.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote

import msgspec

from orgsync.errors import (
    AccessRefused,
    BulkQuotaSpent,
    BulkRefused,
    JobFailed,
    NotFound,
    ObjectNotFound,
    OrgsyncError,
    QueryRefused,
)

from ..api.client import Client
from ..errors.body import Count, body_as
from ..errors.error_body import ApiError, api_error_of, shown
from ..errors.judge import problem_of
from ..http.messages import Response
from .job_wait import JobWait

__all__ = [
    "Job",
    "JobState",
    "abort_job",
    "complete",
    "create_job",
    "delete_job",
    "read_job",
    "resource",
]

JobState: TypeAlias = Literal["UploadComplete", "InProgress", "JobComplete", "Aborted", "Failed"]
"""The states of a job, in their order."""

_OF_EVERY_API = frozenset({"API_DISABLED_FOR_ORG", "INVALID_SESSION_ID", "INVALID_AUTH_HEADER"})


@dataclass(frozen=True, slots=True)
class Job:
    """A query job as it was last seen.

    `api_version` looks like "62.0". `processed` counts the rows found so far, None where the job does not say (just
    after it was made); `error` is why it failed, free of values.
    """

    id: str
    api_version: str
    state: JobState
    processed: int | None
    error: str = ""


class _Body(msgspec.Struct):
    id: str
    state: JobState
    processed: Count | None = msgspec.field(name="numberRecordsProcessed", default=None)
    error: str | None = msgspec.field(name="errorMessage", default=None)


async def create_job(client: Client, soql: str, *, deleted: bool) -> Job:
    """Create a query job; `deleted` includes the recycle bin and archived rows (queryAll).

    Raises BulkRefused where only the REST API may answer the query, BulkQuotaSpent where no more jobs may be made
    today, and for a mistake in the query what the REST API raises. The request is sent again when its response is lost,
    though it is not idempotent: at worst a job that nobody reads is left for 7 days, one of 10,000 a day, while a
    first pass that gives up loses far more.
    """
    body = {
        "operation": "queryAll" if deleted else "query",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    path = f"/services/data/v{client.api_version}/jobs/query"
    made, _ = await client.call("POST", path, _read, judge=_judge_creation, idempotent=True, json=dict(body))
    return replace(made, api_version=client.api_version)


async def read_job(client: Client, job_id: str, api_version: str) -> Job | None:
    """Look at a job; None where it does not exist: deleted, or older than 7 days."""
    job, _ = await _look(client, job_id, api_version)
    return job


async def complete(client: Client, job: Job, *, stalled_after: float, report: Callable[[Job], None]) -> Job:
    """Wait until a job is complete, and report its state after each look at it.

    Raises JobFailed where it ends otherwise, or where neither its state nor its count advances for `stalled_after`
    seconds.
    """
    wait = JobWait(stalled_after)
    while True:
        seen, retry_after = await _look(client, job.id, job.api_version)
        if seen is None:
            raise JobFailed(
                f"The query job {job.id} does not exist any more.",
                "Run the sync again: it creates another.",
                job_id=job.id,
            )
        report(seen)
        if seen.state == "JobComplete":
            return seen
        if seen.state in ("Failed", "Aborted"):
            raise _ended(seen)
        if wait.has_stalled(get_args(JobState).index(seen.state), seen.processed or 0):
            raise _stalled(seen, stalled_after)
        await wait.rest(retry_after)


async def abort_job(client: Client, job: Job) -> None:
    """Abort a job; one that has ended or does not exist is left as it is."""
    with suppress(QueryRefused):
        await client.call("PATCH", resource(job), _nothing, idempotent=True, json={"state": "Aborted"})


async def delete_job(client: Client, job: Job) -> None:
    """Delete a job that has ended, and its results, if it exists."""
    with suppress(NotFound):
        await client.call("DELETE", resource(job), _nothing)


def resource(job: Job) -> str:
    """Return the path of a job, below the API version that made it."""
    return _resource(job.id, job.api_version)


def _resource(job_id: str, api_version: str) -> str:
    return f"/services/data/v{api_version}/jobs/query/{quote(job_id, safe='')}"


async def _look(client: Client, job_id: str, api_version: str) -> tuple[Job | None, float]:
    try:
        job, wait = await client.call("GET", _resource(job_id, api_version), _read)
    except NotFound:
        return None, 0
    return replace(job, api_version=api_version), wait


def _read(response: Response) -> tuple[Job, float]:
    """Read a job, and how many seconds the response asks to wait before the next look."""
    body = body_as(response, _Body)
    return Job(body.id, "", body.state, body.processed, shown(body.error or "")), response.retry_after or 0


def _nothing(_answer: Response) -> None:
    return None


def _ended(job: Job) -> JobFailed:
    how = "was aborted" if job.state == "Aborted" else "failed in Salesforce"
    reason = f" ({job.error})" if job.error else ""
    return JobFailed(
        f"The query job {job.id} {how}{reason}.",
        "Run the sync again; Setup > Bulk Data Load Jobs shows the job.",
        job_id=job.id,
    )


def _stalled(job: Job, seconds: float) -> JobFailed:
    return JobFailed(
        f"The query job {job.id} has not advanced for {seconds:g} seconds ({job.state}, {job.processed or 0:,} rows).",
        "Run the sync again later; Setup > Bulk Data Load Jobs shows the job.",
        job_id=job.id,
    )


def _judge_creation(response: Response) -> OrgsyncError | None:
    """Return BulkRefused where the REST API may still work, and other errors as they are.

    The codes are not documented, and reports quote texts alone, so what names no fault of the query itself counts as
    Bulk's: the REST API then says whether it agrees.
    """
    problem, error = problem_of(response), api_error_of(response)
    if problem is None or error is None or response.status not in (400, 403, 404, 405):
        return problem
    if "max bulk" in error.message.lower():
        return BulkQuotaSpent(
            f"The org's Bulk API queries of the last 24 hours are used up ({error.code}).",
            "Run it again later; Setup > System Overview and the org's limits show the usage.",
        )
    if isinstance(problem, ObjectNotFound) and "bulk" in error.message.lower():
        return _bulk_refused(error)
    if type(problem) in (QueryRefused, AccessRefused, NotFound) and error.code not in _OF_EVERY_API:
        return _bulk_refused(error)
    return problem


def _bulk_refused(error: ApiError) -> BulkRefused:
    return BulkRefused(f"The Bulk API does not accept the query ({error.shown}).", "Read it through the REST API.")
