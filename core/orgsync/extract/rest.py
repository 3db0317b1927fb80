"""Answers to a pass's questions over REST: page by page, in an order that can be gone on with after a break.

A query that Salesforce gives up on (QUERY_TIMEOUT) is asked again for a narrower window of time, and so on window by
window. When the rest of its pages is gone, it is asked again from behind the last row read; when it ends with fewer
rows than it found, from where it began, for nobody knows which rows are missing. Some objects take no OR, by which a
query resumes at a row: there the rows of the last row's second are read again.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orgsync.errors import LocatorExpired, QueryIncomplete, QueryRefused, QueryTimedOut
from orgsync.salesforce.api.client import Client

from .column_groups import id_groups, merged_pages, whole_records
from .queries import IdOrder, ReadQuery, last_key
from .state import Key

__all__ = ["Found", "answers", "rows_with"]

_BEGINNING = datetime(1999, 1, 1, tzinfo=UTC)  # no org is older
_NARROWEST = timedelta(seconds=1)  # stamps count whole seconds
_NARROWER = 8

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of records, the key behind which the question goes on, and how many rows there are in all, if known.

    One that `goes_back` has no records, and the key that the question began with: what came since proves nothing.
    """

    records: list[_Record]
    key: Key
    total: int | None
    is_last: bool
    goes_back: bool = False


async def answers(client: Client, question: ReadQuery, after: Key = ()) -> AsyncGenerator[Found]:
    """Ask over REST and read to the end.

    Raises QueryTimedOut where no narrower window helps, and QueryIncomplete where a query ends too early twice.
    """
    windows, again = _Windows(question, client.now, question.order.width(after)), False
    began = after
    while True:
        resumed_at = after
        try:
            async for found in _once(client, question, after, windows):
                after = found.key
                yield found
        except LocatorExpired:
            if after == resumed_at:
                raise
        except QueryIncomplete:
            after = began
            yield Found([], began, None, is_last=False, goes_back=True)
            if again:
                raise
            again = True
        except QueryRefused:
            if after != resumed_at or not question.resumes_by_or(after):
                raise
            question = replace(question, disjunctions=False)
        except QueryTimedOut:
            if not windows.narrow(after):
                raise
            after = windows.first_key(after)
        else:
            if windows.upto is None:
                return
            began = after = question.order.window_from(windows.upto)
            windows.widen()


async def rows_with(client: Client, question: ReadQuery, ids: Sequence[str]) -> AsyncGenerator[list[_Record]]:
    """Read the rows with these Ids, where they meet the question's conditions.

    A row that changes meanwhile may be left out: its new stamp brings it to the next pass.
    """
    for some in id_groups(ids, question.condition):
        asked = replace(question, order=IdOrder(), since=None, ids=some)
        yield await whole_records(client, asked.queries(), asked.version, deleted=asked.bin, exact=asked.exact)


async def _once(client: Client, question: ReadQuery, after: Key, windows: "_Windows") -> AsyncGenerator[Found]:
    """Ask once, and go through the pages; rows that groups of columns do not agree on are asked for by their Ids."""
    windows.aim(after)
    start, upto = windows.start, windows.upto
    queries = question.queries(after=after, upto=upto)
    async for page in merged_pages(client, queries, question.version, deleted=question.bin, exact=question.exact):
        async for records in rows_with(client, question, page.missed):
            page.records.extend(records)
        last = last_key(page.asked, question.order)
        after = question.order.within(last, start, upto) if last else after
        yield Found(page.records, after, page.total, page.is_last and upto is None)


@dataclass(slots=True)
class _Windows:
    """Windows of time, where Salesforce is too slow for the whole; `width` is None as long as it is not."""

    question: ReadQuery
    now: datetime
    width: timedelta | None
    start: datetime | None = None
    upto: datetime | None = None

    def narrow(self, after: Key) -> bool:
        """Make the window an eighth as wide; tell whether that was possible. Each try takes Salesforce two minutes."""
        if self.question.order.stamp is None:
            return False
        whole = self.width or self.now - self._from(after)
        if whole < 2 * _NARROWEST:
            return False
        self.width = max(whole / _NARROWER, _NARROWEST)
        return True

    def widen(self) -> None:
        """Double the window again: the rows of another time may be fewer."""
        if self.width is not None:
            self.width *= 2

    def first_key(self, after: Key) -> Key:
        """Give the key to go on from in windows: windows by Id begin with the smallest Id again."""
        if isinstance(self.question.order, IdOrder) and len(after) < 2:
            return self.question.order.window_from(self._from(()))
        return after

    def aim(self, after: Key) -> None:
        """Set the window that begins at a key."""
        if self.width is None:
            self.start = self.question.order.start(after)
            self.upto = None
            return
        self.start = self._from(after)
        upto = (self.start + self.width).replace(microsecond=0)
        self.upto = upto if upto < self.now else None

    def _from(self, after: Key) -> datetime:
        return self.question.order.start(after) or self.question.since or _BEGINNING
