"""A query over REST: page by page, in an order by which it can be resumed.

A query that Salesforce gives up on (QUERY_TIMEOUT) is repeated for a narrower window of time, and so on window by
window. When the rest of its pages has expired, it is repeated from behind the last row read; when it ends with fewer
rows than it announced, from where it began, since the missing rows may be anywhere. Some objects do not accept OR, by
which a query resumes at a row: there the rows of the last row's second are read again.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orgsync.errors import LocatorExpired, QueryIncomplete, QueryRefused, QueryTimedOut
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.counts import count

from .column_groups import id_groups, merged_pages, whole_records
from .queries import IdOrder, ReadQuery, last_key
from .state import Key

__all__ = ["KeyedPage", "read_by_ids", "read_pages"]

_BEGINNING = datetime(1999, 1, 1, tzinfo=UTC)  # no org is older
_NARROWEST = timedelta(seconds=1)  # stamps count whole seconds
_NARROWER = 8

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyedPage:
    """A page of records, the key behind which the query resumes, and the total number of rows, if it is known.

    A page that `goes_back` has no records, and the key that the query began with: the rows read since then do not
    count.
    """

    records: Sequence[_Record]
    key: Key
    total: int | None
    is_last: bool
    goes_back: bool = False


async def read_pages(client: Client, query: ReadQuery, after: Key = ()) -> AsyncGenerator[KeyedPage]:
    """Read a query over REST to its end.

    Raises QueryTimedOut if no narrower window helps, and QueryIncomplete if a query ends too early twice. A query that
    is resumed behind a key has to find the rows that the one before it had left, unless that many were deleted. What an
    earlier run read is not counted.
    """
    windows, repeated = _Windows(query, client.now, query.order.width(after)), False
    began, found, rows = after, None, 0
    while True:
        resumed_at, before, left = after, rows, None
        try:
            async for page in _read_once(client, query, after, windows):
                left = page.total if left is None else left
                found = left if found is None else found
                if found is not None and left is not None and before + left < found:
                    soql = query.counting(after=began, upto=windows.upto)
                    found = await count(client, soql, deleted=query.bin)  # rows may have been deleted
                    _require_all(query.sobject, found, before, left)
                after, rows = page.key, rows + len(page.records)
                yield page
        except LocatorExpired:
            if after == resumed_at:
                raise
        except QueryIncomplete:
            after, found, rows = began, None, 0
            yield KeyedPage([], began, None, is_last=False, goes_back=True)
            if repeated:
                raise
            repeated = True
        except QueryRefused:
            if after != resumed_at or not query.resumes_by_or(after):
                raise
            query = replace(query, disjunctions=False)
        except QueryTimedOut:
            if not windows.narrow(after):
                raise
            after, found, rows = windows.first_key(after), None, 0
        else:
            if windows.upto is None:
                return
            began = after = query.order.window_from(windows.upto)
            found, rows = None, 0
            windows.widen()


def _require_all(sobject: str, found: int, read: int, left: int) -> None:
    if read + left < found:
        raise QueryIncomplete(
            f"A query of {sobject} finds {found:,} rows; {read:,} of them were read, and {left:,} are left.",
            "Run it again; if this persists, look for a proxy that changes responses.",
        )


async def read_by_ids(client: Client, query: ReadQuery, ids: Sequence[str]) -> AsyncGenerator[list[_Record]]:
    """Read the rows with these Ids that match the query's conditions.

    A row that changes in the meantime may be left out: its new stamp brings it to the next pass.
    """
    for some in id_groups(ids, query.condition):
        by_id = replace(query, order=IdOrder(), since=None, ids=some)
        yield await whole_records(client, by_id.queries(), by_id.version, deleted=by_id.bin, exact=by_id.exact)


async def _read_once(client: Client, query: ReadQuery, after: Key, windows: "_Windows") -> AsyncGenerator[KeyedPage]:
    """Read the pages of one window; rows on which groups of columns do not agree are read by their Ids.

    Raises QueryIncomplete for a page that begins before the one before it did.
    """
    windows.move_to(after)
    first: Key | None = None
    settled: datetime | None = None  # the first page is as old as its order
    start, upto = windows.start, windows.upto
    queries = query.queries(after=after, upto=upto)
    async for page in merged_pages(
        client, queries, query.version, deleted=query.bin, exact=query.exact, fields=query.fields
    ):
        records = page.records
        if page.missed:
            async for missed in read_by_ids(client, query, page.missed):
                records = [*records, *missed]
        last = last_key(page.first_group, query.order, settled)
        settled = query.settled
        begins = query.order.key_of(page.first_group[0]) if last else None
        if first and begins and begins <= first:
            raise QueryIncomplete(
                f"The pages of a query of {query.sobject} are out of order: some rows are sent twice, others never.",
                "Run it again; if this persists, look for a proxy that changes responses.",
            )
        first = begins or first
        after = query.order.within(last, start, upto) if last else after
        yield KeyedPage(records, after, page.total, page.is_last and upto is None)


@dataclass(slots=True)
class _Windows:
    """Windows of time, for a query that is too slow as a whole; `width` is None as long as it is not."""

    query: ReadQuery
    now: datetime
    width: timedelta | None
    start: datetime | None = None
    upto: datetime | None = None

    def narrow(self, after: Key) -> bool:
        """Divide the window by eight, since each try takes Salesforce two minutes; return False if it is too narrow."""
        if self.query.order.stamp is None:
            return False
        whole = self.width or self.now - self._from(after)
        if whole < 2 * _NARROWEST:
            return False
        self.width = max(whole / _NARROWER, _NARROWEST)
        return True

    def widen(self) -> None:
        """Double the window again: another time may have fewer rows."""
        if self.width is not None:
            self.width *= 2

    def first_key(self, after: Key) -> Key:
        """Return the key to resume from in windows: windows by Id begin with the smallest Id again."""
        if isinstance(self.query.order, IdOrder) and len(after) < 2:
            return self.query.order.window_from(self._from(()))
        return after

    def move_to(self, after: Key) -> None:
        """Set the window that begins at a key."""
        if self.width is None:
            self.start = self.query.order.start(after)
            self.upto = None
            return
        self.start = self._from(after)
        upto = (self.start + self.width).replace(microsecond=0)
        self.upto = upto if upto < self.now else None

    def _from(self, after: Key) -> datetime:
        return self.query.order.start(after) or self.query.since or _BEGINNING
