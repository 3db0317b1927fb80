"""The page that shows how the connections stand."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from orgsync.clock import utc_now

from .listings import SORTS, Wanted, listed
from .page_access import PageRoute, Visitor, is_part, page, seen_by, unless_seen
from .served import served_by
from .web import words

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_Text = Annotated[str, Query(max_length=200)]


@router.get("/")
async def list_connections(
    request: Request,
    visitor: Annotated[Visitor, Depends(seen_by())],
    *,
    q: _Text = "",
    state: _Text = "",
    tag: _Text = "",
    sort: _Text = "state",
    number: Annotated[int, Query(alias="page", ge=1, le=100_000)] = 1,
) -> Response:
    """Show the connections that the visitor may see; the list alone where a page asks for it."""
    served = served_by(request)
    wanted = Wanted(q, state, tag, sort, number)
    listing = listed(await served.overviews.get(), visitor, wanted)

    def query(**changed: str | int) -> str:
        parameters = {"q": q, "state": state, "tag": tag, "sort": sort, "page": number} | changed
        return urlencode({name: value for name, value in parameters.items() if value and (name, value) != ("page", 1)})

    template = "connections_list.html" if is_part(request) else "connections.html"
    answer = page(
        request,
        template,
        visitor=visitor,
        wanted=wanted,
        listing=listing,
        query=query,
        sorts=SORTS,
        words=words,
        now=utc_now(),
    )
    return unless_seen(request, answer)
