"""The page of one connection: its syncs and their runs; run, pause and test by its buttons."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Annotated
from urllib.parse import quote, urlsplit

import anyio
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from orgsync.clock import utc_now
from orgsync.engine import Job
from orgsync.project.health_views import OWED
from orgsync.project.overview import ConnectionOverview
from orgsync.project.runs import Run, RunHistory

from .page_access import PageRoute, Visitor, address_of, is_part, page, require_seen, seen_by, sends, unless_seen
from .public_address import public_base
from .served import Served, served_by
from .web import plots, words

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False, prefix="/connections/{name}")

_PLOTTED = 40
_LISTED = 12
_BEGINS_WITHIN = 10.0
_SIGNED_IN = {
    "connected": "The connection is signed in again.",
    "failed": "Signing in again has failed, as the page that you come from said.",
}


@router.get("")
async def show_connection(
    name: str, request: Request, visitor: Annotated[Visitor, Depends(seen_by())], *, tested: str = "", state: str = ""
) -> Response:
    """Show a connection; its changing part alone where the page asks for that."""
    require_seen(visitor, name)
    served = served_by(request)
    found = await _found(served, name)
    history = RunHistory(served.project.store)
    runs = {each.sync: await history.recent(each.sync, name, _PLOTTED) for each in found.syncs}
    answer = page(
        request,
        "connection_part.html" if is_part(request) else "connection.html",
        visitor=visitor,
        found=found,
        row=found.connection,
        plots={sync: plots.plots_of(some, room_for=_PLOTTED) for sync, some in runs.items()},
        latest=_latest(runs.values()),
        words=words,
        owed=OWED,
        changed=plots.changed,
        seconds_of=plots.seconds_of,
        now=utc_now(),
        note="The org answered: the connection works." if tested else _SIGNED_IN.get(state, ""),
        form_targets=_form_targets(served),
    )
    return unless_seen(request, answer)


@router.post("/test")
async def test_connection(name: str, request: Request, visitor: Annotated[Visitor, Depends(sends("run"))]) -> Response:
    """Make one call to the org."""
    require_seen(visitor, name)
    served = served_by(request)
    await served.project.connections.test(name)
    served.overviews.forget()
    return _to_connection(request, name, "?tested=1")


@router.post("/reconnect")
async def reconnect(name: str, request: Request, visitor: Annotated[Visitor, Depends(sends("connect"))]) -> Response:
    """Begin to sign in to the org again: the pages that customers see, which lead back here."""
    require_seen(visitor, name)
    project = served_by(request).project
    await served_by(request).view(lambda view: view.connection(name))
    base = public_base(request, project.settings)
    back = f"{base}/connections/{quote(name)}"
    _, secret = await project.connect_sessions.create(name, app_name="orgsync", return_url=back)
    return RedirectResponse(f"{base}/connect/{secret}", 303)


@router.post("/syncs/{sync}/run")
async def run_sync(
    name: str, sync: str, request: Request, visitor: Annotated[Visitor, Depends(sends("run"))]
) -> Response:
    """Run a sync, and show its run where it has begun; one that cannot begin is a problem."""
    require_seen(visitor, name)
    served = served_by(request)
    await served.view(lambda view: view.connection(name))
    [posted] = served.jobs.post(Job("sync", sync, name))
    with anyio.move_on_after(_BEGINS_WITHIN):
        await posted.has_begun.wait()
    served.overviews.forget()
    if posted.state == "refused" and posted.problem is not None:
        raise posted.problem
    if posted.run_id is None:
        return _to_connection(request, name)
    return RedirectResponse(address_of(request, f"/runs/{posted.run_id}"), 303)


@router.post("/pause")
@router.post("/continue")
async def pause_all(name: str, request: Request, visitor: Annotated[Visitor, Depends(sends("admin"))]) -> Response:
    """Switch all syncs of the connection off, or on again."""
    require_seen(visitor, name)
    syncs = [each.sync for each in (await _found(served_by(request), name)).syncs if each.verdict != "no script"]
    return await _switch(request, name, syncs)


@router.post("/syncs/{sync}/pause")
@router.post("/syncs/{sync}/continue")
async def pause_sync(
    name: str, sync: str, request: Request, visitor: Annotated[Visitor, Depends(sends("admin"))]
) -> Response:
    """Switch a sync off on the connection, or on again."""
    require_seen(visitor, name)
    return await _switch(request, name, [sync])


async def _switch(request: Request, name: str, syncs: list[str]) -> Response:
    served = served_by(request)
    if syncs:
        await served.project.schedules.set(syncs, name, off=request.url.path.endswith("/pause"))
    served.overviews.forget()
    return _to_connection(request, name)


async def _found(served: Served, name: str) -> ConnectionOverview:
    """Return how a connection stands; raises NameUnknown where there is none."""
    found = next((each for each in await served.overviews.get() if each.connection.name == name), None)
    if found is None:
        await served.view(lambda view: view.connection(name))  # which knows the nearest name
        served.overviews.forget()
        found = next(each for each in await served.overviews.get() if each.connection.name == name)
    return found


def _latest(histories: Iterable[Sequence[Run]]) -> Sequence[Run]:
    """Return the latest runs of all syncs."""
    return sorted(chain.from_iterable(histories), key=lambda run: -run.id)[:_LISTED]


def _form_targets(served: Served) -> str:
    """Return where the page's forms may lead: signing in again begins at the address that Salesforce leads back to."""
    public = urlsplit(served.project.settings.public_url or "")
    return f"'self' {public.scheme}://{public.netloc}" if public.netloc else "'self'"


def _to_connection(request: Request, name: str, query: str = "") -> Response:
    return RedirectResponse(address_of(request, f"/connections/{quote(name)}{query}"), 303)
