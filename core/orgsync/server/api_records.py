"""The rows of the copy page by page, and the change feed, read on from a number or waited for."""

from hashlib import sha256
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from orgsync.project.changes import require_reached
from orgsync.project.column_types import python_types
from orgsync.project.selections import equal_to, selection_of
from orgsync.project.view import Selection, View
from orgsync.store.row_pages import size_of

from .access import Caller, may
from .pages import NDJSON, PARQUET, Form, Page, cursor_of, form_of, key_of, page_response
from .served import Served, served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["records"])
_MOST_ROWS = 10_000
_LONGEST_WAIT = 60
_SHORT = 200
_LARGEST_PAGE = 16 * 2**20
_POLL_EVERY = 0.5

_LIMIT = "Rows at most. Fewer come where they are large: a page ends with the rows that take it above some 16 MB."

_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            NDJSON: {"itemSchema": {"type": "object"}},
            PARQUET: {"schema": {"type": "string", "format": "binary"}},
        }
    },
}
_UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing has changed since the ETag."}}


class Tables(BaseModel):
    """The record tables of the copy."""

    tables: list[str]


class Rows(BaseModel):
    """A page of rows; `next` is the cursor of the page behind it, null behind the last."""

    table: str
    next: str | None
    rows: list[dict[str, Any]]


class Changes(BaseModel):
    """Changes in order; `last` is where to read on: `after=` of the next call."""

    table: str
    last: int
    changes: list[dict[str, Any]]


def _each(given: list[str]) -> list[str]:
    return [*dict.fromkeys(name.strip() for each in given for name in each.split(","))]


_Columns = Annotated[
    list[str],
    AfterValidator(_each),
    Field(description="The columns to return, all by default: parted by commas, or repeated."),
]


class RowsQuery(BaseModel):
    """Which rows."""

    model_config = ConfigDict(extra="forbid")

    connection: str | None = Field(default=None, description="Rows of this connection alone.")
    where: list[str] = Field(
        default=[], description="`column=value`: rows whose column, one with an index, has this value. May be repeated."
    )
    columns: _Columns = []
    cursor: str | None = Field(default=None, description="`next` of the page before.")
    limit: int = Field(default=1000, ge=1, le=_MOST_ROWS, description=_LIMIT)


class ChangesQuery(BaseModel):
    """Which changes."""

    model_config = ConfigDict(extra="forbid")

    after: int = Field(
        default=0, ge=0, le=2**63 - 1, description="The number behind which to read: `last` of the call before."
    )
    connection: str | None = Field(default=None, description="Changes of this connection alone.")
    columns: _Columns = []
    limit: int = Field(default=1000, ge=1, le=_MOST_ROWS, description=_LIMIT)
    wait: float = Field(default=0, ge=0, le=_LONGEST_WAIT, description="Seconds to wait where there is no change yet.")


@router.get("/records")
async def list_tables(request: Request, _: Annotated[Caller, Depends(may("read"))]) -> Tables:
    """List the tables of the copy."""
    return Tables(tables=await served_by(request).view(lambda view: view.tables()))


@router.get("/records/{table}", response_model=Rows, responses=_FORMATS | _UNCHANGED)
async def read_rows(
    table: str,
    query: Annotated[RowsQuery, Query()],
    request: Request,
    caller: Annotated[Caller, Depends(may("read"))],
) -> Response:
    """Read live rows by connection and Id, page by page, as JSON, JSON lines or Parquet.

    A row that changes while somebody pages is in one page at most. For all that happened, follow `/changes`.
    """
    form, served = form_of(request), served_by(request)
    connection = caller.one_connection(query.connection)

    def read(view: View) -> tuple[str, Page, str | None] | str:
        tag = _tag(request, caller, view.last_change())
        if tag in request.headers.get("if-none-match", ""):
            return tag
        settings = served.project.settings
        chosen = selection_of(
            view, settings, table, connection=connection, changes=False, after=0, columns=query.columns, where=""
        )
        chosen = equal_to(view, chosen, query.where)
        key = ["connection", "id"] if query.columns else []
        page, is_cut = _page(
            view,
            served,
            form,
            chosen.with_(
                columns=[*dict.fromkeys([*query.columns, *key])],
                after_key=query.cursor and key_of(query.cursor),
                limit=query.limit + 1,
            ),
        )
        names = list(page.kinds)
        place = names.index("connection"), names.index("id")
        more = is_cut or len(page.rows) > query.limit
        rows = page.rows[: query.limit]
        following = cursor_of((rows[-1][place[0]], rows[-1][place[1]])) if more else None
        width = len(query.columns) or len(names)
        kinds = dict(list(page.kinds.items())[:width])
        return tag, Page([row[:width] for row in rows], kinds, page.types), following

    found = await served.view(read, is_short=_is_short(form, query.limit))
    if isinstance(found, str):
        return Response(status_code=304, headers={"ETag": found})
    tag, page, following = found
    headers = {"ETag": tag, "Vary": "Accept, Authorization"}
    if following is not None:
        headers["Orgsync-Next"] = following
    return page_response(form, page, about={"table": table, "next": following}, name="rows", headers=headers)


@router.get("/changes/{table}", response_model=Changes, responses=_FORMATS)
async def read_changes(
    table: str,
    query: Annotated[ChangesQuery, Query()],
    request: Request,
    caller: Annotated[Caller, Depends(may("read"))],
) -> Response:
    """Read what has changed after a number, in order, deleted rows included; with `wait`, wait for the first change.

    Keep `last` together with what you made of the changes, and send it as `after` the next time: then nothing is
    missed and nothing comes twice.
    """
    form, served = form_of(request), served_by(request)
    connection = caller.one_connection(query.connection)
    until = anyio.current_time() + query.wait
    last, page = await _changes(served, form, table, query, connection)
    while not page.rows and (left := until - anyio.current_time()) > 0 and not served.is_stopping:
        if await request.is_disconnected():
            break
        with served.waiting(min(_POLL_EVERY, left)):
            await anyio.sleep_forever()
        if await served.project.store.feed.last() != last:
            last, page = await _changes(served, form, table, query, connection)
    headers = {"Orgsync-Last": str(last), "Cache-Control": "no-store"}
    return page_response(form, page, about={"table": table, "last": last}, name="changes", headers=headers)


async def _changes(
    served: Served, form: Form, table: str, query: ChangesQuery, connection: str | None
) -> tuple[int, Page]:
    """Return changes, and the number up to which they are all of them."""

    def read(view: View) -> tuple[int, Page]:
        upto = view.last_change()
        require_reached(query.after, upto)
        chosen = selection_of(
            view,
            served.project.settings,
            table,
            connection=connection,
            changes=True,
            after=0,  # whether the feed has reached it was asked above
            columns=[*dict.fromkeys([*query.columns, *(["sync_seq"] if query.columns else [])])],
            where="",
        )
        page, is_cut = _page(view, served, form, chosen.with_(after=query.after, upto=upto, limit=query.limit))
        place = list(page.kinds).index("sync_seq")
        last = page.rows[-1][place] if is_cut or len(page.rows) == query.limit else upto
        return last, page

    return await served.view(read, is_short=_is_short(form, query.limit))


def _is_short(form: Form, limit: int) -> bool:
    """Return whether reading so many rows takes a few milliseconds; for Parquet, scripts may have to be imported."""
    return form != "parquet" and limit <= _SHORT


def _page(view: View, served: Served, form: Form, selection: Selection) -> tuple[Page, bool]:
    """Read the rows of a selection, and return whether there are more, which were left out because these are large."""
    columns = view.columns(selection.table, changes=selection.changes)
    kinds = {name: columns.get(name, "") for name in selection.columns or columns}
    rows, before = list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    size, is_cut = 0, False
    for page in view.pages(selection):
        size += size_of(before) if before else 0  # of the page before: a page that is the only one needs no size
        if size > _LARGEST_PAGE:
            is_cut = True
            break
        rows += page
        before = page
    if form != "parquet":
        return Page(rows, kinds), is_cut
    return Page(rows, kinds, python_types(view, selection.table, served.project.settings)), is_cut


def _tag(request: Request, caller: Caller, last: int) -> str:
    """Return the ETag of an answer: the request, its caller, and the change that the copy stands at."""
    identity = f"{request.url.path}?{request.url.query} {request.headers.get('accept')} {caller.token.id}"
    return f'W/"{last}-{sha256(identity.encode()).hexdigest()[:16]}"'
