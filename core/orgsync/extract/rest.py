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
from orgsync.salesforce.api.query import PageDecoder

from .column_groups import id_groups, merged_pages, whole_records
from .queries import IdOrder, ReadQuery, last_key
from .state import Key, Tally

__all__ = ["KeyedPage", "read_by_ids", "read_pages"]

_BEGINNING = datetime(1999, 1, 1, tzinfo=UTC)  # no org is older
_NARROWEST = timedelta(seconds=1)  # stamps count whole seconds
_NARROWER = 8
_NOTHING = Tally()

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyedPage:
    """A page of records, the key behind which the query resumes, and the total number of rows, if it is known.

    A page that `goes_back` has no records, and the key that the query began with: the rows read since then do not
    count. `tally` counts the query's rows up to the key.
    """

    records: Sequence[_Record]
    key: Key
    total: int | None
    is_last: bool
    goes_back: bool = False
    tally: Tally = _NOTHING


async def read_pages(
    client: Client,
    query: ReadQuery,
    after: Key = (),
    tally: Tally = _NOTHING,
    decoder: PageDecoder | None = None,
) -> AsyncGenerator[KeyedPage]:
    """Read a query over REST to its end.

    Raises QueryTimedOut if no narrower window helps, and QueryIncomplete if a query ends too early twice. A query that
    is resumed behind a key, by a later run too, has to find the rows that the one before it had left, unless that many
    were deleted: `tally` counts what was read up to the key. In windows of time each one is counted for itself, and
    what an earlier run read of it is not.
    """
    windows, repeated = _Windows(query, client.now, query.order.width(after)), False
    tally = Tally(after) if tally.found is None else tally
    while True:
        resumed_at, before, left = after, tally.rows, None
        try:
            async for page in _read_once(client, query, after, windows, decoder):
                left = page.total if left is None else left
                tally = replace(tally, found=left) if tally.found is None else tally
                if left is not None:
                    tally = await _checked(client, query, tally, before + left, windows.upto)
                after, tally = page.key, replace(tally, rows=tally.rows + len(page.records))
                yield replace(page, tally=Tally() if windows.upto else tally)
        except LocatorExpired:
            if after == resumed_at:
                raise
        except QueryIncomplete:
            after, tally = tally.began, Tally(tally.began)
            yield KeyedPage([], after, None, is_last=False, goes_back=True)
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
            if not await _is_complete_to(client, query, tally, after, windows.upto):
                after = tally.began
            after = windows.first_key(after)
            tally = Tally(after)  # what was read before the windows is not counted in them
        else:
            if windows.upto is None:
                return
            after = query.order.window_from(windows.upto)
            tally = Tally(after)
            windows.widen()


async def _is_complete_to(client: Client, query: ReadQuery, tally: Tally, after: Key, upto: datetime | None) -> bool:
    """Return whether no row is missing among those up to a key; if that takes Salesforce too long, say that one may."""
    if tally.found is None or not tally.rows:
        return True
    try:
        left = await count(client, query.counting(after=after, upto=upto), deleted=query.bin)
        await _checked(client, query, tally, tally.rows + left, upto)
    except (QueryTimedOut, QueryIncomplete):
        return False
    return True


async def _checked(client: Client, query: ReadQuery, tally: Tally, rows: int, upto: datetime | None) -> Tally:
    """Return the tally if the rows that were read and those that are left are as many as were found.

    Where they are fewer, rows may have been deleted: those that there are now are counted. Raises QueryIncomplete.
    """
    if tally.found is None or rows >= tally.found:
        return tally
    found = await count(client, query.counting(after=tally.began, upto=upto), deleted=query.bin)
    if rows < found:
        raise QueryIncomplete(
            f"A query of {query.sobject} finds {found:,} rows; {rows:,} of them were read or are left.",
            "Run it again; if this persists, look for a proxy that changes responses.",
        )
    return replace(tally, found=found)


async def read_by_ids(client: Client, query: ReadQuery, ids: Sequence[str]) -> AsyncGenerator[list[_Record]]:
    """Read the rows with these Ids that match the query's conditions.

    A row that changes in the meantime may be left out: its new stamp brings it to the next pass.
    """
    for some in id_groups(ids, query.condition):
        by_id = replace(query, order=IdOrder(), since=None, ids=some)
        yield await whole_records(client, by_id.queries(), by_id.version, deleted=by_id.bin, exact=by_id.exact)


async def _read_once(
    client: Client, query: ReadQuery, after: Key, windows: "_Windows", decoder: PageDecoder | None
) -> AsyncGenerator[KeyedPage]:
    """Read the pages of one window; rows on which groups of columns do not agree are read by their Ids.

    Raises QueryIncomplete for a page that begins before the one before it did.
    """
    windows.move_to(after)
    first: Key | None = None
    settled: datetime | None = None  # the first page is as old as its order
    start, upto = windows.start, windows.upto
    queries = query.queries(after=after, upto=upto)
    async for page in merged_pages(
        client, queries, query.version, deleted=query.bin, exact=query.exact, fields=query.fields, decoder=decoder
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
