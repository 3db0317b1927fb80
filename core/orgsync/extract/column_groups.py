"""Wide objects: a select list that does not fit into a URL is read in groups of columns, merged row by row.

Every group is the same query with other fields. Rows are merged by a key of the Id and the time of the change, so that
two versions of a row are never mixed. A row that one group does not have is reported as missed.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast
from urllib.parse import quote

from orgsync.errors import ResponseUnreadable
from orgsync.records import FieldValues
from orgsync.records.scalars import are_long_ids, valid_id
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.page_count import Page
from orgsync.salesforce.api.query import PageDecoder, pages

__all__ = ["Merged", "column_groups", "id_groups", "merged_pages", "pages_with_ids", "whole_records"]

_ROOM = 11_000
"""Bytes of an encoded query: URL and headers share 16,384, and a token may take 4,000 of them."""

_FOR_COLUMNS = 3000
_ID_LENGTH = len(quote(", 'x'", safe="")) + 17
_FEWEST_IDS = 10

_Record = dict[str, Any]
Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Merged:
    """A page as the first group has it, its whole records, and the Ids of those on which the groups do not agree."""

    first_group: Sequence[_Record]
    records: Sequence[_Record]
    missed: list[str]
    total: int | None
    is_last: bool


def column_groups(paths: Sequence[str], common: int, soql: Callable[[Sequence[str]], str]) -> list[list[str]]:
    """Split a select list so that each group's query fits; the first `common` paths are in every group."""
    if _length(soql(paths)) <= _ROOM:
        return [list(paths)]
    groups: list[list[str]] = [list(paths[:common])]
    room = _ROOM - _length(soql(groups[0]))
    left = room
    for path in paths[common:]:
        size = len(quote(f", {path}", safe=""))
        if size > left and len(groups[-1]) > common:
            groups.append(list(paths[:common]))
            left = room
        groups[-1].append(path)
        left -= size
    return groups


def id_groups(ids: Sequence[str], condition: str | None) -> Iterator[Sequence[str]]:
    """Split a list of Ids so that a query for them, with a condition, has room for some columns."""
    room = _ROOM - _FOR_COLUMNS - _length(condition or "")
    most = max(_FEWEST_IDS, room // _ID_LENGTH)
    for start in range(0, len(ids), most):
        yield ids[start : start + most]


def _length(soql: str) -> int:
    return len(quote(soql, safe=""))


async def pages_with_ids(
    client: Client,
    soql: str,
    *,
    deleted: bool,
    exact: bool = False,
    fields: Sequence[str] = (),
    decoder: PageDecoder | None = None,
) -> AsyncIterator[Page]:
    """Read the pages of a query, with each row's Id in its form of 18 characters.

    Raises ResponseUnreadable for a row without a valid one, and as `pages` does.
    """
    async for page in pages(client, soql, deleted=deleted, exact=exact, fields=fields, decoder=decoder):
        if isinstance(page.records, FieldValues):
            if are_long_ids(page.records.values("Id")):
                yield page
                continue
            page = replace(page, records=[*page.records])
        for record in page.records:
            row_id = record.get("Id")
            if type(row_id) is not str or len(row_id) != 18:
                record["Id"] = _long_id(row_id)
        yield page


def _long_id(value: object) -> str:
    row_id = valid_id(value)
    if row_id is None:
        raise ResponseUnreadable(
            "Salesforce's response to a query has a row without a valid Id.",
            "Run the sync again; if this persists, look for a proxy that changes responses.",
        )
    return row_id


async def merged_pages(
    client: Client,
    queries: Sequence[str],
    key_of: Callable[[_Record], Key],
    *,
    deleted: bool,
    exact: bool,
    fields: Sequence[str],
    decoder: PageDecoder | None = None,
) -> AsyncIterator[Merged]:
    """Read the pages of one query, which selects `fields`, or of several that return the same rows in one order."""
    known = fields if len(queries) == 1 else ()
    first = pages_with_ids(client, queries[0], deleted=deleted, exact=exact, fields=known, decoder=decoder)
    async with AsyncExitStack() as stack:
        others: list[_Rows] = []
        for soql in queries[1:]:
            rows = _Rows(pages_with_ids(client, soql, deleted=deleted, exact=exact), key_of)
            others.append(await stack.enter_async_context(aclosing(rows)))
        async for page in first:
            if not others:
                yield Merged(page.records, page.records, [], page.total, page.next_url is None)
                continue
            whole = [record for record in page.records if await _completed(record, key_of(record), others)]
            kept = {record["Id"] for record in whole}
            missed = [record["Id"] for record in page.records if record["Id"] not in kept]
            yield Merged(page.records, whole, missed, page.total, page.next_url is None)


async def whole_records(
    client: Client, queries: Sequence[str], key_of: Callable[[_Record], Key], *, deleted: bool, exact: bool
) -> list[_Record]:
    """Read the rows of one query, or of several in any order; leave out those on which they do not agree."""
    found: dict[Key, list[_Record]] = {}
    for soql in queries:
        async for page in pages_with_ids(client, soql, deleted=deleted, exact=exact):
            for record in page.records:
                found.setdefault(key_of(record), []).append(record)
    whole = [parts for parts in found.values() if len(parts) == len(queries)]
    for record, *others in whole:
        for other in others:
            _merge(record, other)
    return [parts[0] for parts in whole]


async def _completed(record: _Record, key: Key, others: "Sequence[_Rows]") -> bool:
    """Add the other groups' fields to a record; return whether all of them had it."""
    found = [await other.at(key) for other in others]
    for each in found:
        if each is not None:
            _merge(record, each)
    return None not in found


class _Rows:
    """One group's rows, read once in the order of their keys."""

    def __init__(self, source: AsyncIterator[Page], key_of: Callable[[_Record], Key]) -> None:
        self._pages = source
        self._key_of = key_of
        self._page: list[tuple[Key, _Record]] = []
        self._next = 0

    async def at(self, key: Key) -> _Record | None:
        """Return the row with a key, skipping those before it."""
        while True:
            while self._next < len(self._page):
                here, record = self._page[self._next]
                if here > key:
                    return None
                self._next += 1
                if here == key:
                    return record
            page = await anext(self._pages, None)
            if page is None:
                return None
            self._page = [(self._key_of(record), record) for record in page.records]
            self._next = 0

    async def aclose(self) -> None:
        """Stop reading."""
        await cast("AsyncGenerator[Page]", self._pages).aclose()


def _merge(record: _Record, other: _Record) -> None:
    """Copy the fields of one record into another, also those of their parents."""
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            _merge(record[name], cast("_Record", value))
        else:
            record.setdefault(name, value)
