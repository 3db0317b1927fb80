"""SOQL over REST: pages of records, followed until Salesforce says done, and counted against what it says it found."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeAlias, cast

import msgspec

from orgsync.errors import QueryIncomplete, ResponseUnreadable
from orgsync.records import FieldValues, bare
from orgsync.records.page_fields import of_fields
from orgsync.records.scalars import count_of

from ..errors.body import read_with, unreadable
from ..errors.judge import problem_of
from ..hosts import host_of
from ..http.http import Response
from .client import Client, Judge
from .page_count import AGAIN, Page, PageCount

__all__ = ["PageDecoder", "pages", "records"]

_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_MOST_ROWS = 2000  # of a page (REST API Developer Guide, Query Options Header)
_PAGE_SIZE = {"Sforce-Query-Options": f"batchSize={_MOST_ROWS}"}
_COUNT = re.compile(r"\s*SELECT\s+COUNT\s*\(\s*\)\s", re.IGNORECASE)
_Record: TypeAlias = dict[str, Any]


class PageDecoder(Protocol):
    """Decodes pages beside the process that requests them."""

    @property
    def works(self) -> bool:
        """Whether it decodes any."""
        ...

    async def page(self, content: bytes, fields: Sequence[str], *, exact: bool) -> dict[str, Any] | None:
        """Return the parts of a page, its records as DecodedRecords; None where it does not decode this one."""
        ...


async def pages(
    client: Client,
    soql: str,
    *,
    deleted: bool = False,
    exact: bool = False,
    fields: Sequence[str] = (),
    judge: Judge = problem_of,
    decoder: PageDecoder | None = None,
) -> AsyncIterator[Page]:
    """Run a query and yield its pages; `deleted` includes the recycle bin and archived rows (queryAll).

    `exact` reads numbers with a decimal point as Decimal; `judge` decides what a response means. Records that have all
    the `fields` are FieldValues, which bring nothing else; what a `decoder` makes of later pages are DecodedRecords.
    Raises LocatorExpired when the rest of the pages has expired, and QueryIncomplete, instead of yielding the last
    page, where all pages hold fewer rows than the query found.
    """
    resource = "queryAll" if deleted else "query"
    count = None if _COUNT.match(soql) else PageCount(f"GET {resource}")
    reader = _PageReader(client, count, exact=exact, fields=tuple(fields), decoder=decoder)
    page = await client.call("GET", resource, reader.read, judge=judge, params={"q": soql}, headers=_PAGE_SIZE)
    while True:
        if count is not None:
            count.add(page)
        yield page
        if page.next_url is None:
            return
        page = await reader.page(page.next_url)


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
    count = PageCount("A child query")
    reader = _PageReader(client, count)
    try:
        page = count.checked(_page(result))
    except (KeyError, TypeError, ValueError):
        raise ResponseUnreadable(
            "A query was answered with a child query's rows in an unexpected shape.", AGAIN
        ) from None
    _require_path(page.next_url, None)
    count.add(page)
    rows = result["records"] = [*page.records]
    while page.next_url is not None:
        page = await reader.page(page.next_url)
        count.add(page)
        rows.extend(page.records)
    result["done"] = True
    result.pop("nextRecordsUrl", None)
    for row in rows:
        await _complete(client, row)


@dataclass(frozen=True, slots=True)
class _PageReader:
    """Reads the pages of one query; a response that it refuses is requested again."""

    client: Client
    count: PageCount | None
    exact: bool = False
    fields: tuple[str, ...] = ()
    decoder: PageDecoder | None = None

    async def page(self, url: str) -> Page:
        """Request a page behind the first one; what is wrong with one that was decoded shows when it is read here."""
        if self.decoder is not None and self.decoder.works and self.fields:
            response = await self.client.call("GET", url, _whole, headers=_PAGE_SIZE)
            body = await self.decoder.page(response.content, self.fields, exact=self.exact)
            with suppress(ResponseUnreadable, QueryIncomplete):
                return read_with(lambda answer: self.read(answer, body), response)
        return await self.client.call("GET", url, self.read, headers=_PAGE_SIZE)

    def read(self, response: Response, body: Any = None) -> Page:
        """Read a page of a response, or of its body, where that is read already."""
        if body is None:
            body = self._body(response)
        try:
            page = _page(body)
        except (KeyError, TypeError, ValueError):
            raise unreadable(response) from None
        _require_path(page.next_url, response)
        if len(page.records) > _MOST_ROWS:
            raise ResponseUnreadable(
                f"{response.place} was answered with a page of {len(page.records):,} rows, more than {_MOST_ROWS:,}.",
                AGAIN,
            )
        if not page.records and page.next_url:
            raise ResponseUnreadable(
                f"{response.place} was answered with an empty page that is not the last.", "Try again."
            )
        return page if self.count is None else self.count.checked(page)

    def _body(self, response: Response) -> Any:
        response.require_readable()
        found = of_fields(response.content, self.fields, exact=self.exact) if self.fields else None
        return _body(self.client, response, exact=self.exact) if found is None else found


def _whole(response: Response) -> Response:
    response.require_readable()
    return response


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
        raise ResponseUnreadable(f"{place} was answered with an invalid address for the next page.", AGAIN)
    if response is not None and response.is_same_origin(url):
        return
    if not url.startswith("/") or url.startswith("//"):
        raise ResponseUnreadable(
            f"{place} was answered with a next page at {host_of(url)}, which is another host or port, or not a path; "
            "no token was sent there.",
            AGAIN,
        )
