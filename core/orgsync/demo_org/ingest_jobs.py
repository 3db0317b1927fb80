"""Ingest jobs: what was uploaded, how far they are, and what became of each row.

A job moves on when its state is polled, so that tests need no clock. At the poll number `bulk_polls` it has ended,
and at the ones before it has written that share of its rows, as a real job has, which commits as it goes.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from .clock import Clock, rest_datetime
from .csv_text import Dialect, quoted
from .ids import make_id
from .ingest_csv import IngestColumn
from .refusal import Refusal, not_found
from .settings import Settings

JSON = dict[str, object]
State = Literal["Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
JOBS_LIVE = timedelta(days=7)
ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of the row at a place of the input: an Id, and whether it is new, or an error."""

    place: int
    record_id: str
    created: bool = False
    error: str | None = None


@dataclass(slots=True, kw_only=True)
class IngestJob:
    """One ingest job; `done` rows have been processed; `results` has them, but for those in no file."""

    job_id: str
    operation: str
    sobject: str
    external_id: str | None
    version: int
    user_id: str
    created: datetime
    moved: datetime
    dialect: Dialect
    state: State = "Open"
    upload: bytes | None = None
    polls: int = 0
    failure: str | None = None
    header: list[str] = field(default_factory=list[str])
    columns: list[IngestColumn | None] | None = None
    rows: list[list[str]] = field(default_factory=list[list[str]])
    done: int = 0
    processed: int = 0
    batch: str = "counted"
    results: list[RowResult] = field(default_factory=list[RowResult])

    @property
    def ended(self) -> bool:
        """Whether the job will not move any more."""
        return self.state in ENDED

    def brief(self) -> JSON:
        """Return the response to a change of state."""
        key = {} if self.external_id is None else {"externalIdFieldName": self.external_id}
        return {
            "id": self.job_id, "operation": self.operation, "object": self.sobject, "createdById": self.user_id,
            "createdDate": rest_datetime(self.created), "systemModstamp": rest_datetime(self.moved),
            "state": self.state, **key, "concurrencyMode": "Parallel", "contentType": "CSV",
            "apiVersion": float(self.version),
        }  # fmt: skip

    def created_answer(self) -> JSON:
        """Return the response to create."""
        return {**self.brief(), **self._content_url(), **self._dialect()}

    def listed(self) -> JSON:
        """Return the job as the list of jobs has it."""
        return {**self.brief(), "jobType": "V2Ingest", **self._content_url(), **self._dialect()}

    def information(self) -> JSON:
        """Return all that is known of the job; counts of rows only once it has begun to write."""
        begun = self.state not in {"Open", "UploadComplete"}
        failed = sum(result.error is not None for result in self.results)
        counts = {"numberRecordsProcessed": self.processed, "numberRecordsFailed": failed} if begun else {}
        spent = self.processed // 10
        return {
            **self.listed(), **counts, "retries": 0, "totalProcessingTime": spent,
            "apiActiveProcessingTime": spent * 2 // 3, "apexProcessingTime": 0,
            **({"errorMessage": self.failure} if self.state == "Failed" else {}),
        }  # fmt: skip

    def text(self, results: list[RowResult], system: dict[str, list[str]]) -> str:
        """Write rows as results: the system's columns, then those of the upload that match a field, as they came."""
        columns = self.columns or []
        places = [place for place, column in enumerate(columns) if column is not None]
        line = self.dialect.line
        head = line([*map(quoted, system), *(self.header[place] for place in places)])
        rows = (
            line([*(quoted(values[number]) for values in system.values()), *_cells(self.rows[result.place], places)])
            for number, result in enumerate(results)
        )
        return head + "".join(rows)

    def _content_url(self) -> JSON:
        if self.state != "Open":
            return {}
        return {"contentUrl": f"services/data/v{self.version}.0/jobs/ingest/{self.job_id}/batches"}

    def _dialect(self) -> JSON:
        return {"lineEnding": self.dialect.line_ending, "columnDelimiter": self.dialect.delimiter}


def _cells(row: list[str], places: list[int]) -> list[str]:
    return [quoted(row[place]) for place in places]


class IngestJobs:
    """The ingest jobs of the last seven days."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._jobs: dict[str, IngestJob] = {}
        self._made = 0

    def __iter__(self) -> Iterator[IngestJob]:
        oldest = self._clock.now - JOBS_LIVE
        return (job for job in self._jobs.values() if job.created > oldest)

    def create(
        self, operation: str, sobject: str, external_id: str | None, *, version: int, dialect: Dialect
    ) -> IngestJob:
        """Add a job."""
        self._made += 1
        stamp = self._clock.stamp
        job = IngestJob(
            job_id=make_id("750", "Dn0", self._made * 7 + 62**5), operation=operation, sobject=sobject,
            external_id=external_id, version=version, user_id=self._settings.user_id, created=stamp, moved=stamp,
            dialect=dialect,
        )  # fmt: skip
        self._jobs[job.job_id] = job
        return job

    def find(self, job_id: str) -> IngestJob:
        """Return a job by its id of 15 or 18 characters; 404 where the org knows none."""
        for job in self:
            if job_id in {job.job_id, job.job_id[:15]}:
                return job
        raise not_found()

    def move(self, job: IngestJob, state: State) -> None:
        """Change a job's state."""
        job.state, job.moved = state, self._clock.stamp

    def delete(self, job: IngestJob) -> None:
        """Forget a job and its results.

        Raises:
            Refusal: API_ERROR, where it is open or runs.
        """
        if job.state in {"Open", "InProgress"}:
            message = "Error encountered when deleting the job because the job is not terminated"
            raise Refusal(400, "API_ERROR", message)
        del self._jobs[job.job_id]

    def forget(self) -> None:
        """Lose every job, as seven days do."""
        self._jobs.clear()

    def shown(self, job: IngestJob, *, failed: bool) -> list[RowResult]:
        """Return the results of one kind: in an order of their own, the same at every call."""
        results = [result for result in job.results if (result.error is not None) == failed]
        if not self._settings.bulk_results_in_order:
            random.Random(job.job_id).shuffle(results)  # noqa: S311 - an order, not a secret
        return results
