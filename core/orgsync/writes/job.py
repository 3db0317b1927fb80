"""Sending rows by a job: created, filled, closed, waited for and read, from whatever step an earlier process reached.

Each step is kept in the ledger before the next. A job does nothing before it is closed, so one whose upload is in
doubt is given up for another; whether one was closed is read from the org. No row is therefore sent twice.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio.to_thread

from orgsync.errors import NotFound, OrgsyncError, TransientProblem
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.refusable import CallRefused
from orgsync.salesforce.bulk.ingest_jobs import (
    IngestJob,
    IngestOperation,
    abort_ingest_job,
    close_ingest_job,
    create_ingest_job,
    ended_ingest_job,
    upload,
)
from orgsync.salesforce.bulk.ingest_results import RESULT_KINDS, IngestResult, ResultKind, ingest_result
from orgsync.salesforce.errors.retry import backoff, may_be_carried_out, pause

from .ending import not_carried_out
from .join import SentRows
from .ledger import PartEntry, PartState
from .operation import Operation
from .row_result import RowResult, RowStatus
from .shipment import Shipment
from .spool import Spool

__all__ = ["JobSteps"]

_UPLOADS = 5  # jobs that are made for one part, where uploads break off
_OPERATIONS: dict[Operation, IngestOperation] = {
    Operation.INSERT: "insert",
    Operation.UPDATE: "update",
    Operation.UPSERT: "upsert",
    Operation.DELETE: "delete",
    Operation.HARD_DELETE: "hardDelete",
}
_IN_NO_FILE = "Salesforce has processed the job, and its results do not mention the row."
_NO_JOB = "Salesforce does not keep the job any more, so nothing says what became of the row."
_NOT_STARTED = "The write ended before the job with the row was started."
_SAVED_AT_ONCE = 1000


@dataclass(slots=True)
class JobSteps:
    """The steps of one job. `save` keeps an entry in the ledger, `report` is called with each look at the job."""

    client: Client
    spool: Spool
    shipment: Shipment
    entry: PartEntry
    save: Callable[[PartEntry], Awaitable[None]]
    report: Callable[[IngestJob], None]
    stalled_after: float
    _may_be_closed: bool = field(default=False, init=False)
    _ended: IngestJob | None = field(default=None, init=False)

    async def run(self) -> None:
        """Send the rows, wait until the job has ended, and store what became of each row in the spool."""
        if not self.shipment.places():
            return
        self._may_be_closed = self.entry.state in (PartState.UPLOADED, PartState.CLOSED)  # by an earlier process
        if not self._may_be_closed:
            await self._fill()
        if self.entry.state is PartState.UPLOADED and not await self._close():
            self._settle(self.shipment.places(), RowStatus.UNKNOWN, _NO_JOB)
            return
        job = IngestJob(self.entry.job, self.entry.api_version, "UploadComplete")
        ended = await ended_ingest_job(self.client, job, stalled_after=self.stalled_after, report=self.report)
        await self._read(ended)

    def left(self, ended: BaseException | None) -> RowResult:
        """Return what is true of a row without a result where the steps have ended early, by an error or cancelled."""
        if self._ended is not None:
            return RowResult(0, RowStatus.UNKNOWN, message=f"The results of ingest job {self.entry.job} were not read.")
        state = self.entry.state
        closing = self._may_be_closed or ended is None or may_be_carried_out(ended)
        if state is PartState.CLOSED or (state is PartState.UPLOADED and closing):
            return RowResult(0, RowStatus.UNKNOWN, message=f"The ingest job {self.entry.job} may still write the row.")
        return not_carried_out(ended, _NOT_STARTED)

    async def _fill(self) -> None:
        """Make a job and upload the rows; one that may have a part of them is given up for another."""
        if self.entry.job:
            await abort_ingest_job(self.client, self.entry.job, self.entry.api_version)
        content = await anyio.to_thread.run_sync(self.shipment.csv)
        for tries in range(1, _UPLOADS + 1):
            job = await create_ingest_job(
                self.client,
                _OPERATIONS[self.shipment.operation],
                self.shipment.sobject,
                external_id=self.shipment.external_id,
            )
            await self._keep(PartState.CREATED, job)
            try:
                await upload(self.client, job, content)
                await self._keep(PartState.UPLOADED, job)
                return
            except (OrgsyncError, CallRefused) as problem:
                await abort_ingest_job(self.client, job.id, job.api_version)
                if tries == _UPLOADS or not isinstance(problem, TransientProblem):
                    raise
            await pause(backoff(tries))

    async def _close(self) -> bool:
        """Let the job begin; return False where it does not exist any more."""
        job = IngestJob(self.entry.job, self.entry.api_version, "Open")
        try:
            await close_ingest_job(self.client, job)
        except NotFound:
            return False
        await self._keep(PartState.CLOSED, job)
        return True

    async def _keep(self, state: PartState, job: IngestJob) -> None:
        self.entry = replace(self.entry, state=state, job=job.id, api_version=job.api_version)
        await self.save(self.entry)

    async def _read(self, job: IngestJob | None) -> None:
        """Read the three files of results, and join them with the rows.

        Those in no file are unknown, or unprocessed where the job has ended early and says that it has tried no others.
        """
        if job is None:
            self._settle(self.shipment.places(), RowStatus.UNKNOWN, _NO_JOB)
            return
        self._ended = job
        sent = await anyio.to_thread.run_sync(SentRows, self.shipment, self.shipment.key)
        for kind in RESULT_KINDS:
            async with ingest_result(self.client, job, kind) as file:
                await anyio.to_thread.run_sync(self._join, sent, kind, file, _untried(job))
        self.spool.save(sent.unclear())
        if sent.strangers:
            self.client.warn(
                f"The results of ingest job {job.id} hold {sent.strangers:,} rows that were not sent like that."
            )
        if job.state != "JobComplete" and job.processed == sent.tried and not sent.strangers:
            self._settle(sent.left, RowStatus.UNPROCESSED, _untried(job))
            return
        self._settle(sent.left, RowStatus.UNKNOWN, _IN_NO_FILE)

    def _join(self, sent: SentRows, kind: ResultKind, file: IngestResult, untried: str) -> None:
        held: list[RowResult] = []
        for each in sent.join(kind, file):
            held.append(replace(each, message=untried) if kind == "unprocessedrecords" else each)
            if len(held) >= _SAVED_AT_ONCE:
                self.spool.save(held)
                held = []
        self.spool.save(held)

    def _settle(self, places: Sequence[int], status: RowStatus, message: str) -> None:
        """Give rows that are in no file their result."""
        self.spool.save(RowResult(place, status, message=message) for place in places)


def _untried(job: IngestJob) -> str:
    """Return why a job that has ended has not tried a row."""
    why = f": {job.error}" if job.error else "."
    return f"The ingest job {job.id} has ended as {job.state} before the row was tried{why}"
