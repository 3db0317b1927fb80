"""Ingest jobs of Bulk API 2.0: created, filled with one upload, closed, watched until they end, and aborted.

Nothing is processed before a job is closed, and closing it twice does no harm once its state is looked at. So each
step can be repeated after a lost response, and a job whose upload is in doubt is given up for another.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args
from urllib.parse import quote

import msgspec

from orgsync.errors import JobFailed, NotFound, OrgsyncError, QueryRefused, TransientProblem

from ..api.client import Client
from ..api.refusable import refusable
from ..api.write_collections import CALL_OPTIONS
from ..errors.body import Count, body_as
from ..errors.error_body import shown
from ..errors.retry import may_be_carried_out
from ..http.http import JSON, Upload
from ..http.messages import Response
from .job_wait import JobWait

__all__ = [
    "IngestJob",
    "IngestOperation",
    "abort_ingest_job",
    "close_ingest_job",
    "create_ingest_job",
    "ended_ingest_job",
    "ingest_resource",
    "read_ingest_job",
    "upload",
]

IngestOperation: TypeAlias = Literal["insert", "update", "upsert", "delete", "hardDelete"]
IngestState: TypeAlias = Literal["Open", "UploadComplete", "InProgress", "JobComplete", "Aborted", "Failed"]
"""The states of a job, in their order."""

_ENDED = frozenset({"JobComplete", "Aborted", "Failed"})


@dataclass(frozen=True, slots=True)
class IngestJob:
    """An ingest job as it was last seen.

    `processed` counts the rows that were tried, `failed` those of them that were refused; None where the job does not
    say. `error` is why it failed, free of values.
    """

    id: str
    api_version: str
    state: IngestState
    processed: int | None = None
    failed: int | None = None
    error: str = ""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be processed."""
        return self.state in _ENDED


class _Body(msgspec.Struct):
    id: str
    state: IngestState
    processed: Count | None = msgspec.field(name="numberRecordsProcessed", default=None)
    failed: Count | None = msgspec.field(name="numberRecordsFailed", default=None)
    error: str | None = msgspec.field(name="errorMessage", default=None)


async def create_ingest_job(
    client: Client, operation: IngestOperation, sobject: str, *, external_id: str | None = None
) -> IngestJob:
    """Create a job for one upload of CSV with line feeds and commas.

    The request is sent again when its response is lost: a job that stays open and empty does nothing.
    Raises CallRefused where Salesforce refuses it.
    """
    body: dict[str, JSON] = {
        "object": sobject,
        "operation": operation,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    if external_id:
        body["externalIdFieldName"] = external_id
    path = f"/services/data/v{client.api_version}/jobs/ingest"
    made, _ = await refusable(client, "POST", path, _read, idempotent=True, headers=CALL_OPTIONS, json=body)
    return replace(made, api_version=client.api_version)


async def upload(client: Client, job: IngestJob, content: bytes) -> None:
    """Upload the CSV of a job, once: after any error but CallRefused it is unknown whether the job has it."""
    sent = Upload(content, "text/csv; charset=UTF-8")
    path = f"{ingest_resource(job.id, job.api_version)}/batches"
    await refusable(client, "PUT", path, _nothing, idempotent=False, headers=CALL_OPTIONS, upload=sent)


async def close_ingest_job(client: Client, job: IngestJob) -> IngestJob:
    """Let a job begin, and return it; one that was closed before is left as it is.

    Raises NotFound for one that does not exist.
    """
    try:
        await client.call(
            "PATCH",
            ingest_resource(job.id, job.api_version),
            _nothing,
            idempotent=True,
            headers=CALL_OPTIONS,
            json={"state": "UploadComplete"},
        )
    except NotFound:
        raise
    except (QueryRefused, TransientProblem) as problem:
        try:
            seen = await read_ingest_job(client, job.id, job.api_version)
        except OrgsyncError as unseen:
            unseen.in_doubt |= may_be_carried_out(problem)
            raise
        if seen is None or seen.state == "Open":
            raise
        return seen
    return replace(job, state="UploadComplete")


async def read_ingest_job(client: Client, job_id: str, api_version: str) -> IngestJob | None:
    """Look at a job; None where it does not exist: deleted, or older than 7 days."""
    job, _ = await _look(client, job_id, api_version)
    return job


async def ended_ingest_job(
    client: Client, job: IngestJob, *, stalled_after: float, report: Callable[[IngestJob], None]
) -> IngestJob | None:
    """Wait until a job that was closed has ended, in whatever state, and report each look at it.

    None where it does not exist any more. Raises JobFailed where neither its state nor its count advances for
    `stalled_after` seconds; the job goes on then, and can be waited for again.
    """
    wait = JobWait(stalled_after)
    while True:
        seen, retry_after = await _look(client, job.id, job.api_version)
        if seen is None:
            return None
        report(seen)
        if seen.has_ended:
            return seen
        if wait.has_stalled(get_args(IngestState).index(seen.state), seen.processed or 0):
            raise _stalled(seen, stalled_after)
        await wait.rest(retry_after)


async def abort_ingest_job(client: Client, job_id: str, api_version: str) -> None:
    """Abort a job that was not closed, if that can be done: it would do nothing anyway."""
    with suppress(OrgsyncError):
        path = ingest_resource(job_id, api_version)
        await client.call("PATCH", path, _nothing, idempotent=True, headers=CALL_OPTIONS, json={"state": "Aborted"})


def ingest_resource(job_id: str, api_version: str) -> str:
    """Return the path of a job, below the API version that made it."""
    return f"/services/data/v{api_version}/jobs/ingest/{quote(job_id, safe='')}"


async def _look(client: Client, job_id: str, api_version: str) -> tuple[IngestJob | None, float]:
    try:
        job, wait = await client.call("GET", ingest_resource(job_id, api_version), _read)
    except NotFound:
        return None, 0
    return replace(job, api_version=api_version), wait


def _read(response: Response) -> tuple[IngestJob, float]:
    """Read a job, and how many seconds the response asks to wait before the next look."""
    body = body_as(response, _Body)
    job = IngestJob(body.id, "", body.state, body.processed, body.failed, shown(body.error or ""))
    return job, response.retry_after or 0


def _nothing(_answer: Response) -> None:
    return None


def _stalled(job: IngestJob, seconds: float) -> JobFailed:
    return JobFailed(
        f"The ingest job {job.id} has not advanced for {seconds:g} seconds ({job.state}, {job.processed or 0:,} rows).",
        "Setup > Bulk Data Load Jobs shows the job.",
        job_id=job.id,
    )
