"""Bulk query jobs: what they read, how far they are, and what the org still keeps of them.

A job reads when it is created, as from a snapshot. It moves on when its state is requested, so that tests need no
clock: UploadComplete, then InProgress, and JobComplete at the poll that `bulk_polls` names.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from .clock import Clock, rest_datetime
from .csv_text import Dialect, row_writer
from .ids import make_id
from .query import Table
from .refusal import Refusal, not_found
from .settings import Settings

JSON = dict[str, object]
State = Literal["UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
JOBS_LIVE = timedelta(days=7)
SAMPLED = 200
_ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(slots=True, kw_only=True)
class BulkJob:
    """One query job; `failure` is what it will fail with, `polls` how often its state was requested."""

    job_id: str
    operation: str
    version: int
    user_id: str
    created: datetime
    moved: datetime
    dialect: Dialect
    table: Table
    state: State = "UploadComplete"
    polls: int = 0
    processed: int | None = None
    failure: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the job will not move any more."""
        return self.state in _ENDED

    def brief(self) -> JSON:
        """Return what abort answers with: the job without its CSV dialect."""
        return {
            "id": self.job_id, "operation": self.operation, "object": self.table.sobject.name,
            "createdById": self.user_id, "createdDate": rest_datetime(self.created),
            "systemModstamp": rest_datetime(self.moved), "state": self.state, "concurrencyMode": "Parallel",
            "contentType": "CSV", "apiVersion": float(self.version),
        }  # fmt: skip

    def created_answer(self) -> JSON:
        """Return what create answers with."""
        return {**self.brief(), **self._dialect()}

    def listed(self) -> JSON:
        """Return the job as the list of jobs has it."""
        return {**self.brief(), "jobType": "V2Query", **self._dialect()}

    def information(self) -> JSON:
        """Return all that is known of the job; the count of rows only once the org has begun to read."""
        counted = {} if self.processed is None else {"numberRecordsProcessed": self.processed}
        failed = {"errorMessage": self.failure} if self.state == "Failed" else {}
        spent = 0 if self.processed is None else 100 + self.processed // 100
        return {
            **self.listed(), **counted, "retries": 0, "totalProcessingTime": spent,
            "isPkChunkingSupported": self.table.chunkable, **failed,
        }  # fmt: skip

    def _dialect(self) -> JSON:
        return {"lineEnding": self.dialect.line_ending, "columnDelimiter": self.dialect.delimiter}

    def locator(self, start: int) -> str:
        """Return the name of the results from a row on: the same at every call, in the form of real ones."""
        return base64.urlsafe_b64encode(f"0:{self.job_id}:{start}".encode()).decode().rstrip("=")

    def start_of(self, locator: str, *, endless: bool = False) -> int:
        """Return the row that a locator of this job names; with `endless`, one behind the last row, too.

        Raises:
            Refusal: 400, where it names none.
        """
        try:
            text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
        except (binascii.Error, ValueError):
            text = ""
        start = text.removeprefix(f"0:{self.job_id}:")
        known = start.isdecimal() and self.locator(int(start)) == locator
        if not known or (not endless and int(start) >= max(1, len(self.table.rows))):
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return int(start)


class BulkJobs:
    """The jobs of the last seven days, and what tests want of the next ones."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.failures: list[str] = []
        self.short_pages = 0
        self._settings = settings
        self._clock = clock
        self._jobs: dict[str, BulkJob] = {}
        self._made = 0

    def __iter__(self) -> Iterator[BulkJob]:
        oldest = self._clock.now - JOBS_LIVE
        return (job for job in self._jobs.values() if job.created > oldest)

    def create(self, table: Table, operation: str, version: int, dialect: Dialect) -> BulkJob:
        """Add a job and charge it to the day's limits."""
        self._made += 1
        stamp = self._clock.stamp
        job = BulkJob(
            job_id=make_id("750", "Dn0", self._made * 7 + 62**4), operation=operation, version=version,
            user_id=self._settings.user_id, created=stamp, moved=stamp, dialect=dialect, table=table,
            failure=self.failures.pop(0) if self.failures else None,
        )  # fmt: skip
        self._jobs[job.job_id] = job
        self._settings.bulk_jobs_used += 1
        self._settings.bulk_storage_used_kb += _stored_kb(job)
        return job

    def find(self, job_id: str) -> BulkJob:
        """Return a job by its id of 15 or 18 characters; 404 where the org knows none."""
        for job in self:
            if job_id in {job.job_id, job.job_id[:15]}:
                return job
        raise not_found()

    def polled(self, job: BulkJob) -> None:
        """Move a job on because its state was requested."""
        if job.ended:
            return
        job.polls += 1
        job.moved = self._clock.stamp
        wanted = self._settings.bulk_polls
        if wanted is None or job.polls < wanted:
            job.state = "InProgress"
            job.processed = len(job.table.rows) * job.polls // wanted if wanted else 0
        elif job.failure is not None:
            job.state, job.processed = "Failed", 0
        else:
            off = self._settings.bulk_count_off
            job.state, job.processed = "JobComplete", max(0, len(job.table.rows) + off)  # Salesforce counts from 0

    def abort(self, job: BulkJob) -> None:
        """End a job.

        Raises:
            Refusal: INVALIDJOBSTATE, where it has ended.
        """
        if job.ended:
            ended = "Completed" if job.state == "JobComplete" else job.state
            raise Refusal(400, "INVALIDJOBSTATE", f"Aborting already {ended} Job not allowed")
        job.state, job.moved = "Aborted", self._clock.stamp

    def delete(self, job: BulkJob) -> None:
        """Forget a job and its results.

        Raises:
            Refusal: API_ERROR, where it still runs.
        """
        if not job.ended:
            message = "Error encountered when deleting the job because the job is not terminated"
            raise Refusal(400, "API_ERROR", message)
        del self._jobs[job.job_id]

    def forget(self) -> None:
        """Lose every job and its results, as seven days do."""
        self._jobs.clear()


def _stored_kb(job: BulkJob) -> float:
    """Estimate the size of a job's results by its first rows: writing them all twice would take too long."""
    write = row_writer(job.table.columns, job.dialect)
    sample = [len(write(row).encode()) for row in islice(job.table.rows, SAMPLED)]
    return sum(sample) / max(1, len(sample)) * len(job.table.rows) / 1024
