"""Writing the rows of a spool: part by part, each from the step that the ledger has for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import anyio
import anyio.to_thread

from orgsync.errors import ArgumentInvalid, OrgsyncError
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.refusable import CallRefused
from orgsync.salesforce.bulk.ingest_jobs import IngestJob
from orgsync.salesforce.errors.retry import backoff, pause

from .collections import CollectionCalls
from .ending import NOT_SENT, UNKNOWN, give_remedy, not_carried_out, row_problem
from .job import JobSteps
from .ledger import Ledger, PartEntry, PartState, packed, unpacked
from .lookup import found_rows, not_found
from .plan import DEFAULT_PLAN, Part, PlanSizes, digest_of, parts_at, plan
from .result import WriteResult
from .row_result import RowResult, RowStatus
from .shipment import Shipment
from .spool import Spool
from .target import Target

__all__ = ["WriteProgress", "Writer"]

_LOCK_TRIES = 3
_LOCKED = "UNABLE_TO_LOCK_ROW"
_NOT_CARRIED_OUT = "The call with the row was not carried out."
_OTHER_ROWS = "An earlier write of other rows under this name, or by another version of orgsync, may have sent the row."


@dataclass(frozen=True, slots=True)
class WriteProgress:
    """How far a write is: rows with a result of all rows, and of a job under way its Id, state and rows tried."""

    settled: int
    rows: int
    job: str = ""
    state: str = ""
    processed: int = 0


@dataclass(slots=True)
class Writer:
    """Writes what is in a spool. `observe` is called as it advances; `stalled_after` bounds how long a job stalls."""

    client: Client
    target: Target
    spool: Spool
    ledger: Ledger
    observe: Callable[[WriteProgress], None]
    stalled_after: timedelta
    sizes: PlanSizes = DEFAULT_PLAN
    _known: Mapping[int, PartEntry] = field(default_factory=dict[int, PartEntry], init=False)
    _next: int = field(default=0, init=False)
    _rows: int = field(default=0, init=False)
    _current: tuple[Part, PartEntry] | None = field(default=None, init=False)
    _steps: JobSteps | None = field(default=None, init=False)

    async def write(self) -> WriteResult:
        """Send all rows, those again whose records were locked, and return what became of each.

        An error that ends the write early is the result's `problem`; the ledger then has what is needed to go on.
        """
        self._known = await self.ledger.entries()
        self._rows = self.spool.counts().rows
        self._report()
        problem: OrgsyncError | None = None
        try:
            for part in list(plan(self.spool, self.target.operation, self.sizes)):
                await self._part(part)
            await self._retry_locked()
            await self.ledger.finish()
        except (OrgsyncError, CallRefused) as ended:
            problem = row_problem(ended)
            give_remedy(problem, self.ledger.resumption)
            self._settle_open(ended)
        self.spool.settle(RowStatus.UNPROCESSED, NOT_SENT)
        return WriteResult(self.spool, problem)

    def stopped(self) -> WriteResult:
        """Return what is known of a write that was cancelled: rows that were not sent are unprocessed."""
        self._settle_open(None)
        self.spool.settle(RowStatus.UNPROCESSED, NOT_SENT)
        return WriteResult(self.spool)

    async def _part(self, part: Part) -> None:
        """Bring a part to its end, from the step that is kept of it."""
        self._next = max(self._next, part.number + 1)
        digest = await anyio.to_thread.run_sync(digest_of, self.spool, part)
        entry = self._known.get(part.number)
        if entry is None:
            entry = PartEntry(part.number, digest, retry=part.retry, bulk=part.bulk, group=part.group)
            entry = replace(entry, places=part.places if part.retry else None)
        if entry.digest != digest:
            self.spool.settle(RowStatus.UNKNOWN, _OTHER_ROWS)
            raise ArgumentInvalid(
                "This write was begun with other rows, or by another version of orgsync, so it cannot be resumed.",
                "Compare the org with the input, and write what is missing under another name, or from another file.",
            )
        if entry.state is not PartState.DONE:
            await self._send(part, entry)
        else:
            self.spool.save(unpacked(await self.ledger.outcomes(entry.number)))
        self._report()

    async def _send(self, part: Part, entry: PartEntry) -> None:
        self._current = part, entry
        entry = await self._looked_up(part, entry)
        shipment = Shipment(self.spool, self.target, part, entry.found)
        if part.bulk:
            self._steps = steps = JobSteps(
                self.client, self.spool, shipment, entry, self._save, self._report, self.stalled_after.total_seconds()
            )
            await steps.run()
            await self._done(part, steps.entry)
            return
        with anyio.CancelScope(shield=True):  # what became of a call is known when it has ended, and is kept then
            await self._call(part, shipment, entry)
            await self._done(part, entry)

    async def _done(self, part: Part, entry: PartEntry) -> None:
        outcomes = await anyio.to_thread.run_sync(self._packed, part.places)
        await self._save(replace(entry, state=PartState.DONE), outcomes)
        self._current = self._steps = None

    def _packed(self, places: Sequence[int]) -> bytes:
        return packed(self.spool.results_at(places))

    async def _call(self, part: Part, shipment: Shipment, entry: PartEntry) -> None:
        """Send a part as a collection, unless an earlier process may have created its rows."""
        sent_before = entry.state is PartState.SENDING
        if sent_before and not shipment.operation.is_idempotent:
            self.spool.save(RowResult(place, RowStatus.UNKNOWN, message=UNKNOWN) for place in shipment.places())
            return
        await self._save(replace(entry, state=PartState.SENDING))
        calls = CollectionCalls(self.client, shipment, sent_before)
        try:
            await calls.send()
        except (OrgsyncError, CallRefused) as ended:
            self.spool.save(calls.results)
            if not sent_before:
                self._settle(part, not_carried_out(ended, _NOT_CARRIED_OUT))
            if not calls.in_doubt:
                await self._keep_partial(part, entry, known=bool(calls.results))
            raise
        self.spool.save(calls.results)

    async def _keep_partial(self, part: Part, entry: PartEntry, *, known: bool) -> None:
        """Keep what is known of a part whose last call was surely not carried out; where nothing is, it stays open."""
        if known:
            await self._done(part, entry)
        else:
            await self._save(replace(entry, state=PartState.PLANNED))
            self._current = None

    async def _looked_up(self, part: Part, entry: PartEntry) -> PartEntry:
        """Find the Ids of rows that are only to be updated, once; those that are not there are refused."""
        if not self.target.update_only:
            return entry
        if entry.found is None:
            entry = replace(entry, found=await found_rows(self.client, self.target, self.spool, part.places))
            await self._save(entry)
        self.spool.save(not_found(entry.found or {}, self.target.external_id or ""))
        return entry

    async def _retry_locked(self) -> None:
        """Send rows again whose records were locked by somebody else, and only those."""
        for known in sorted(self._known.values(), key=lambda each: each.number):
            if known.retry and known.places is not None:
                await self._part(Part(known.number, known.group, known.places, known.bulk, known.retry))
        begun = max((known.retry for known in self._known.values()), default=0)
        for retry in range(begun + 1, _LOCK_TRIES + 1):
            if not (locked := self.spool.refused_for(_LOCKED)):
                return
            await pause(backoff(retry))
            for part in list(
                parts_at(self.spool, locked, self.target.operation, number=self._next, retry=retry, sizes=self.sizes)
            ):
                await self._part(part)

    def _settle_open(self, ended: OrgsyncError | CallRefused | None) -> None:
        """Give the rows of the part that was under way the result that they are known to have; None: cancelled."""
        part, entry = self._current or (None, None)
        if part is None or entry is None:
            return
        if self._steps is not None:
            self._settle(part, self._steps.left(ended))
        elif entry.state is PartState.SENDING:
            self._settle(part, RowResult(0, RowStatus.UNKNOWN, message=UNKNOWN))

    def _settle(self, part: Part, left: RowResult) -> None:
        """Give a result to the rows of a part that have none; one that was locked before may be written by now."""
        anew = part.retry > 0 and left.status is RowStatus.UNKNOWN
        known = {each.place for each in self.spool.results_at(part.places) if not (anew and each.code == _LOCKED)}
        self.spool.save(replace(left, place=at) for at in part.places if at not in known)

    def _report(self, job: IngestJob | None = None) -> None:
        settled = self.spool.settled()
        if job is None:
            self.observe(WriteProgress(settled, self._rows))
            return
        self.observe(WriteProgress(settled, self._rows, job.id, job.state, job.processed or 0))

    async def _save(self, entry: PartEntry, outcomes: bytes = b"") -> None:
        if self._current is not None:
            self._current = self._current[0], entry
        with anyio.CancelScope(shield=True):
            await self.ledger.save(entry, outcomes)
