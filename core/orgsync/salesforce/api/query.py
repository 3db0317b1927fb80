"""SOQL over REST: pages of records, followed until Salesforce says done, and counted against what it says it found.

A page that says `done` is believed only when all pages together hold as many rows as `totalSize` names: a proxy or a
server that ends a query early would otherwise pass for an org with fewer rows. The first total that a page names
counts, for Salesforce names the same one on every page; a negative or missing one says nothing. No row may come twice
in the same version, for then as many others are missing.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias, cast

import msgspec

from orgsync.errors import QueryIncomplete, ResponseUnreadable
from orgsync.records import FieldValues, bare
from orgsync.records.scalars import count_of

from ..errors.body import unreadable
from ..errors.judge import problem_of
from ..hosts import host_of
from ..http.http import Response
from .client import Client, Judge
from .page_fields import of_fields
from .repeats import RecentRows, versions_of

__all__ = ["Page", "pages", "records"]

_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_MOST_ROWS = 2000  # of a page (REST API Developer Guide, Query Options Header)
_PAGE_SIZE = {"Sforce-Query-Options": f"batchSize={_MOST_ROWS}"}
_AGAIN = "Run it again; if this persists, look for a proxy that changes responses."
_COUNT = re.compile(r"\s*SELECT\s+COUNT\s*\(\s*\)\s", re.IGNORECASE)
_Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a query's records. A short page is not an end: only `next_url` being None is.

    `total` is how many rows the query finds, None where the response does not say.
    """

    records: Sequence[_Record]
    total: int | None
    next_url: str | None


@dataclass(slots=True)
class _Count:
    """The rows of a query so far, against the number that Salesforce says there are."""

    request: str
    rows: int = 0
    total: int | None = None
    largest: int | None = None
    urls: set[str] = field(default_factory=set[str])
    pages: set[int] = field(default_factory=set[int])
    recent: RecentRows | None = field(default_factory=RecentRows)
    versions: tuple[int, ...] = ()  # the rows of the page that was checked last

    def checked(self, page: Page) -> Page:
        """Return the page if it can be the next one.

        Raises QueryIncomplete for a last one that leaves rows out and for one that repeats a row; ResponseUnreadable
        for one that leads back to one that was read or brings more rows than were found.
        """
        total = self.first_total(page)
        rows = self.rows + len(page.records)
        if page.next_url is None and total is not None and rows < total:
            raise QueryIncomplete(
                f"{self.request} ended with {rows:,} of the {total:,} rows that Salesforce says it found.",
                _AGAIN,
            )
        versions = versions_of(page.records) if self.recent is not None else ()
        if page.next_url in self.urls or (versions and hash(versions) in self.pages):
            raise ResponseUnreadable(f"The pages of {self.request} lead back to an earlier one.", "Run it again.")
        largest = self.largest_total(page)
        if largest is not None and rows > largest:
            raise ResponseUnreadable(
                f"{self.request} has more rows than the {largest:,} rows that Salesforce says it found.", _AGAIN
            )
        if self.rows and self.recent is not None and self.recent.has_any(versions):
            raise QueryIncomplete(f"The pages of {self.request} overlap: a row was returned twice.", _AGAIN)
        self.versions = versions
        return page

    def add(self, page: Page) -> None:
        """Count a page."""
        self.total, self.largest = self.first_total(page), self.largest_total(page)
        if page.next_url is not None:
            self.urls.add(page.next_url)
        if self.versions:
            self.pages.add(hash(self.versions))
        if not self.rows and len(set(self.versions)) < len(self.versions):
            self.recent = None  # a virtual object, whose rows share an Id
        if self.recent is not None:
            self.recent.add(self.versions)
        self.rows += len(page.records)

    def first_total(self, page: Page) -> int | None:
        """Return the first total that a page named, this one included."""
        return page.total if self.total is None else self.total

    def largest_total(self, page: Page) -> int | None:
        """Return the largest total that any page named, this one included."""
        return max((total for total in (self.largest, page.total) if total is not None), default=None)


async def pages(
    client: Client,
    soql: str,
    *,
    deleted: bool = False,
    exact: bool = False,
    fields: Sequence[str] = (),
    judge: Judge = problem_of,
) -> AsyncIterator[Page]:
    """Run a query and yield its pages; `deleted` includes the recycle bin and archived rows (queryAll).

    `exact` reads numbers with a decimal point as Decimal; `judge` decides what a response means. Records that have all
    the `fields` are FieldValues, which bring nothing else. Raises LocatorExpired
    when the rest of the pages has expired, and QueryIncomplete, instead of yielding the last page, where all pages
    hold fewer rows than the query found.
    """
    resource = "queryAll" if deleted else "query"
    count = None if _COUNT.match(soql) else _Count(f"GET {resource}")
    read = _reader(client, count, exact=exact, fields=tuple(fields))
    page = await client.call("GET", resource, read, judge=judge, params={"q": soql}, headers=_PAGE_SIZE)
    while True:
        if count is not None:
            count.add(page)
        yield page
        if page.next_url is None:
            return
        page = await client.call("GET", page.next_url, read, headers=_PAGE_SIZE)


async def records(
    client: Client, soql: str, *, deleted: bool = False, judge: Judge = problem_of
) -> AsyncIterator[_Record]:
    """Run a query and yield its records, without the `attributes` that Salesforce puts in each.

    The rows of a child query (`SELECT Id, (SELECT Id FROM Contacts) FROM Account`) come whole, however many pages
    they have. Raises as `pages` does.
    """
    async for page in pages(client, soql, deleted=deleted, judge=judge):
        for record in page.records:
            await _complete(client, record)
            yield bare(record)


async def _complete(client: Client, record: _Record) -> None:
    """Read the pages that are left of each child query's result, those inside of its rows too."""
    for value in record.values():
        if not isinstance(value, dict):
            continue
        result = cast("_Record", value)
        if "records" in result or "totalSize" in result:
            await _complete_result(client, result)
        else:
            await _complete(client, result)


async def _complete_result(client: Client, result: _Record) -> None:
    count = _Count("A child query")
    read = _reader(client, count)
    try:
        page = count.checked(_page(result))
    except (KeyError, TypeError, ValueError):
        raise ResponseUnreadable(
            "A query was answered with a child query's rows in an unexpected shape.", _AGAIN
        ) from None
    _require_path(page.next_url, None)
    count.add(page)
    rows = result["records"] = [*page.records]
    while page.next_url is not None:
        page = await client.call("GET", page.next_url, read, headers=_PAGE_SIZE)
        count.add(page)
        rows.extend(page.records)
    result["done"] = True
    result.pop("nextRecordsUrl", None)
    for row in rows:
        await _complete(client, row)


def _reader(
    client: Client, count: _Count | None, *, exact: bool = False, fields: tuple[str, ...] = ()
) -> Callable[[Response], Page]:
    """Return a function that reads a page of a response; a response that it refuses is requested again."""

    def read(response: Response) -> Page:
        response.require_readable()
        body = of_fields(response.content, fields, exact=exact) if fields else None
        if body is None:
            body = _body(client, response, exact=exact)
        try:
            page = _page(body)
        except (KeyError, TypeError, ValueError):
            raise unreadable(response) from None
        _require_path(page.next_url, response)
        if len(page.records) > _MOST_ROWS:
            raise ResponseUnreadable(
                f"{response.place} was answered with a page of {len(page.records):,} rows, more than {_MOST_ROWS:,}.",
                _AGAIN,
            )
        if not page.records and page.next_url:
            raise ResponseUnreadable(
                f"{response.place} was answered with an empty page that is not the last.", "Try again."
            )
        return page if count is None else count.checked(page)

    return read


def _body(client: Client, response: Response, *, exact: bool) -> Any:
    """Read JSON; bytes that are not UTF-8 are replaced, with a warning, so that one row does not stop a sync."""
    try:
        return _decoded(response.content, exact=exact)
    except UnicodeDecodeError:
        pass
    except (ValueError, RecursionError):
        response.json()  # says what is wrong with it
        raise unreadable(response) from None
    text = response.content.decode("utf-8", "replace")
    try:
        body = _decoded(text.encode(), exact=exact)
    except (ValueError, RecursionError):
        body = None
    if body is None:
        response.json()
    client.warn(f"The response to {response.place} holds bytes that are not UTF-8; each is kept as U+FFFD.")
    return body


def _decoded(content: bytes, *, exact: bool) -> Any:
    try:
        return _EXACT.decode(content) if exact else msgspec.json.decode(content)
    except msgspec.DecodeError:  # half a surrogate pair, or no JSON at all: the slower reader takes the one
        return json.loads(content, parse_float=Decimal if exact else None)


def _page(body: Any) -> Page:
    """Read a page; raises KeyError, TypeError or ValueError where it is none, or ends nowhere.

    One that is `done` and names a next page all the same is the end only where its own rows are all that were found.
    """
    rows, done = body["records"], body["done"]
    if not isinstance(done, bool) or not isinstance(rows, list | FieldValues):
        raise TypeError("no page of a query")
    if isinstance(rows, list) and not all(isinstance(row, dict) for row in cast("list[object]", rows)):
        raise TypeError("no rows")
    found, total = cast("Sequence[_Record]", rows), _total(body)
    return Page(found, total, None if done and len(found) == total else _next_url(body, done=done))


def _total(body: _Record) -> int | None:
    """Return how many rows the query finds; a negative or missing total says nothing, one of another type is wrong."""
    total = body.get("totalSize")
    if total is None:
        return None
    return None if type(total) is int and total < 0 else count_of(total)


def _next_url(body: _Record, *, done: bool) -> str | None:
    """Return where the next page is; raises ValueError where there has to be one and is not, or the other way round."""
    url = body.get("nextRecordsUrl")
    if done != (url is None or url == ""):
        raise ValueError("done and the address of the next page do not go together")
    if done:
        return None
    if not isinstance(url, str):
        raise TypeError("no address of the next page")
    return url


def _require_path(url: str | None, response: Response | None) -> None:
    """Raise ResponseUnreadable for a next page that is not at a path of the same host: the token goes nowhere else."""
    if url is None:
        return
    place = response.place if response else "A query"
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ResponseUnreadable(f"{place} was answered with an invalid address for the next page.", _AGAIN)
    if response is not None and response.is_same_origin(url):
        return
    if not url.startswith("/") or url.startswith("//"):
        raise ResponseUnreadable(
            f"{place} was answered with a next page at {host_of(url)}, which is another host or port, or not a path; "
            "no token was sent there.",
            _AGAIN,
        )
