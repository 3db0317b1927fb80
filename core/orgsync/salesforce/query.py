"""SOQL over REST: pages of records, followed until Salesforce says done."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from orgsync.errors import AnswerUnreadable
from orgsync.records import bare

from .answers import unreadable
from .client import Client
from .http import Answer

__all__ = ["Page", "pages", "records"]

_EXACT = msgspec.json.Decoder(float_hook=Decimal)
_PAGE_SIZE = {"Sforce-Query-Options": "batchSize=2000"}


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a query's records. A short page is not an end: only `next_url` being None is."""

    records: list[dict[str, Any]]
    total: int
    next_url: str | None


async def pages(client: Client, soql: str, *, deleted: bool = False, exact: bool = False) -> AsyncIterator[Page]:
    """Run a query and give its pages; `deleted` includes the recycle bin and archived rows (queryAll).

    `exact` reads numbers with a decimal point as Decimal. Raises LocatorExpired when the rest of the pages is gone.
    """
    read = _exact_page if exact else _page
    page = await client.call("GET", "queryAll" if deleted else "query", read, params={"q": soql}, headers=_PAGE_SIZE)
    while True:
        yield page
        if page.next_url is None:
            return
        page = await client.call("GET", page.next_url, read, headers=_PAGE_SIZE)


async def records(client: Client, soql: str, *, deleted: bool = False) -> AsyncIterator[dict[str, Any]]:
    """Run a query and give its records, without the `attributes` that Salesforce puts in each."""
    async for page in pages(client, soql, deleted=deleted):
        for record in page.records:
            yield bare(record)


def _page(answer: Answer) -> Page:
    try:
        return _read(answer, msgspec.json.decode(answer.content))
    except msgspec.DecodeError:  # half a surrogate pair, or no JSON at all: the slower reader takes the one
        return _read(answer, answer.json())


def _exact_page(answer: Answer) -> Page:
    try:
        return _read(answer, _EXACT.decode(answer.content))
    except msgspec.DecodeError:
        answer.json()  # says what is wrong with it, if something is
        return _read(answer, json.loads(answer.content, parse_float=Decimal))


def _read(answer: Answer, body: Any) -> Page:
    try:
        found = Page(body["records"], body["totalSize"], None if body["done"] else body["nextRecordsUrl"])
    except (KeyError, TypeError):
        raise unreadable(answer) from None
    if not found.records and found.next_url:
        raise AnswerUnreadable(f"{answer.place} was answered with an empty page that is not the last.", "Try again.")
    return found
