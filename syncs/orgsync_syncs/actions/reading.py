"""Actions that find records: by SOQL, page by page, and by searching."""

import re
from typing import Any

from pydantic import BaseModel

from orgsync import Org, action
from orgsync.errors import ArgumentInvalid

__all__ = ["Page", "SearchedObject", "parameterized_search", "query", "query_all", "query_more", "search"]

_PAGE = re.compile(r"(/services/data/v\d+\.0/query(All)?/)?[\w-]+", re.ASCII)


class Page(BaseModel):
    """Some of the records that a query finds, and what `query_more` takes for the next; None after the last."""

    records: list[dict[str, Any]]
    total: int
    next_page: str | None


@action
async def query(org: Org, soql: str) -> Page:
    """Find records by SOQL: the first page of them, 2,000 at most."""
    return _page(await org.get("query", q=soql))


@action
async def query_all(org: Org, soql: str) -> Page:
    """Find records by SOQL as query does, deleted and archived ones included."""
    return _page(await org.get("queryAll", q=soql))


@action
async def query_more(org: Org, next_page: str) -> Page:
    """Read the next page of a query."""
    if not _PAGE.fullmatch(next_page):
        raise ArgumentInvalid("next_page is not what query has returned.", "Give the next_page of the page before.")
    return _page(await org.get(next_page if next_page.startswith("/") else f"query/{next_page}"))


@action
async def search(org: Org, sosl: str) -> list[dict[str, Any]]:
    """Find records by SOSL: FIND {Ada} IN ALL FIELDS RETURNING Contact(Id, Name)."""
    found: list[dict[str, Any]] = (await org.get("search", q=sosl))["searchRecords"]
    return found


class SearchedObject(BaseModel, extra="forbid"):
    """An object that is searched, and what of its records is returned: their Ids by default."""

    name: str
    fields: list[str] = ["Id"]
    where: str | None = None
    order_by: str | None = None
    limit: int | None = None


@action
async def parameterized_search(
    org: Org, text: str, objects: list[SearchedObject], limit: int | None = None
) -> list[dict[str, Any]]:
    """Find records that contain a text, without SOSL: nothing in the text needs to be escaped."""
    body: dict[str, Any] = {"q": text, "sobjects": [_searched(each) for each in objects]}
    if limit is not None:
        body["overallLimit"] = limit
    found: list[dict[str, Any]] = (await org.post("parameterizedSearch", body))["searchRecords"]
    return found


def _searched(searched: SearchedObject) -> dict[str, Any]:
    """Return an object as Salesforce takes it."""
    parts = searched.model_dump(exclude_none=True)
    return {("orderBy" if name == "order_by" else name): value for name, value in parts.items()}


def _page(body: dict[str, Any]) -> Page:
    return Page(records=body["records"], total=body["totalSize"], next_page=body.get("nextRecordsUrl"))
