"""Sending rows by collections: each call knows what became of its rows, or says that it does not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orgsync.errors import OrgsyncError
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.refusable import CallRefused
from orgsync.salesforce.api.write_collections import CollectionOperation, RowAnswer, write_collection
from orgsync.salesforce.errors.error_body import ApiError
from orgsync.salesforce.errors.retry import backoff, may_be_carried_out, pause
from orgsync.salesforce.http.http import JSON

from .ending import UNKNOWN, row_problem
from .operation import Operation
from .row_result import RowResult, RowStatus
from .shipment import Shipment

__all__ = ["CollectionCalls"]

_TRIES = 5
_SPARE = 10
"""How many calls of several rows may be refused in vain: enough to halve 200 rows to one."""
_OPERATIONS: dict[Operation, CollectionOperation] = {
    Operation.INSERT: "insert",
    Operation.UPDATE: "update",
    Operation.UPSERT: "upsert",
    Operation.DELETE: "delete",
}
_GONE = frozenset({"ENTITY_IS_DELETED"})

Records = Sequence[tuple[int, dict[str, JSON]]]


@dataclass(slots=True)
class CollectionCalls:
    """The calls that send one part; `results` are kept as they come, also where a later call raises.

    `sent_before` says that an earlier process may have sent the rows; `in_doubt`, once an error was raised, that an
    earlier try of the call that ended so may have been carried out.
    """

    client: Client
    shipment: Shipment
    sent_before: bool = False
    in_doubt: bool = False
    results: list[RowResult] = field(default_factory=list[RowResult])

    async def send(self) -> None:
        """Send all rows; whatever is raised means that those without a result were surely not written here."""
        records = self.shipment.records()
        if records and (refused := await self._call(records, again=self.sent_before)) and len(records) > 1:
            await self._scan(records, again=refused.problem.in_doubt)

    async def _call(self, records: Records, *, again: bool) -> CallRefused | None:
        """Send one call and keep its results; return its refusal where one row may be the reason, which has it then."""
        try:
            answers, again = await self._answers(records, again=again)
        except (OrgsyncError, CallRefused) as ended:
            problem = row_problem(ended)
            if isinstance(ended, CallRefused) and ended.may_be_one_rows:
                self.results += [_refused(*records[0], ended.error)] if len(records) == 1 else []
                return ended
            if may_be_carried_out(problem, by_its_last_try=True):
                self.results += _unknown(records)
                return None
            self.in_doubt = problem.in_doubt
            self.results += _unknown(records) if self.in_doubt else ()
            raise
        deleted_before = again and self.shipment.operation is Operation.DELETE
        self.results += [
            _row_result(place, each, row, deleted_before=deleted_before)
            for (place, row), each in zip(records, answers, strict=True)
        ]
        return None

    async def _answers(self, records: Records, *, again: bool) -> tuple[list[RowAnswer], bool]:
        """Send one call, again where a second time does no harm; say whether it may have been carried out before."""
        rows = [record for _, record in records]
        operation = self.shipment.operation
        for tries in range(1, _TRIES + 1):
            try:
                return await write_collection(
                    self.client,
                    _OPERATIONS[operation],
                    self.shipment.sobject,
                    rows,
                    external_id=self.shipment.external_id,
                ), again
            except (OrgsyncError, CallRefused) as ended:
                problem = row_problem(ended)
                problem.in_doubt |= again
                maybe = may_be_carried_out(problem, by_its_last_try=True)
                if not maybe or not operation.is_idempotent or tries == _TRIES:
                    raise
            again = True
            await pause(backoff(tries))
        raise AssertionError("the last try returns or raises")  # pragma: no cover

    async def _scan(self, records: Records, *, again: bool) -> None:
        """Find the rows for which Salesforce refuses a whole call, and send the others.

        Calls are halved when refused and doubled when not. Those of several rows that are refused are no more than
        others have saved, and `_SPARE`, so that all calls are at most as many as the rows, and `_SPARE`.
        """
        at, size, spare = 0, max(1, len(records) // 2), _SPARE
        while at < len(records):
            call = records[at : at + size]
            if await self._call(call, again=again) is None:
                at, size, spare = at + len(call), size * 2, spare + len(call) - 1
            elif len(call) == 1:
                at, size = at + 1, 1
            else:
                size, spare = len(call) // 2, spare - 1
            size = size if spare > 0 else 1


def _unknown(records: Records) -> list[RowResult]:
    return [RowResult(place, RowStatus.UNKNOWN, message=UNKNOWN) for place, _ in records]


def _refused(place: int, row: Mapping[str, JSON], error: ApiError) -> RowResult:
    return _row_result(place, RowAnswer(code=error.code, fields=error.fields, message=error.message), row)


def _row_result(place: int, answer: RowAnswer, row: Mapping[str, JSON], *, deleted_before: bool = False) -> RowResult:
    """Return what became of a row; one that an earlier try of the same call has deleted is deleted."""
    if not answer.code:
        return RowResult(place, RowStatus.WRITTEN, answer.id, answer.created)
    if deleted_before and answer.code in _GONE:
        return RowResult(place, RowStatus.WRITTEN, str(row.get("Id", "")), created=False)
    return RowResult(place, RowStatus.REFUSED, code=answer.code, fields=answer.fields, message=answer.message)
