"""The pages of runs: the list, and one run while it goes on and after it has ended."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from orgsync.clock import utc_now
from orgsync.engine import Event, Planned, Started, Warned
from orgsync.errors import ArgumentInvalid
from orgsync.printable import counted
from orgsync.project.known_names import require_known
from orgsync.project.runs import Run, RunHistory

from .access import visible_run
from .api_jobs import watch_run
from .page_access import PageRoute, Visitor, is_part, page, require_seen, seen_by, unless_seen
from .served import Served, served_by
from .web import plots, words

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False, prefix="/runs")

_PER_PAGE = 50
_STATES = ("running", "failed", "stopped", "done")
_Text = Annotated[str, Query(max_length=200)]


@router.get("")
async def list_runs(
    request: Request,
    visitor: Annotated[Visitor, Depends(seen_by())],
    *,
    state: _Text = "",
    connection: _Text = "",
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """Show runs, the latest first, of a state, on a connection."""
    if state not in ("", *_STATES):
        raise ArgumentInvalid(f"There is no state {state!r} of runs.", f"Choose one of: {', '.join(_STATES)}.")
    if connection:
        require_seen(visitor, connection)
    names = [connection] if connection else visitor.token.connections
    served = served_by(request)
    found = await RunHistory(served.project.store).page(
        _PER_PAGE + 1, before=before, status=state or None, connections=names
    )
    if connection and not found:
        settings = served.project.settings
        await served.view(lambda view: require_known(view, settings, connection=connection))

    def query(**changed: object) -> str:
        parameters = {"state": state, "connection": connection, "before": before} | changed
        return urlencode({name: value for name, value in parameters.items() if value})

    answer = page(
        request,
        "runs_list.html" if is_part(request) else "runs.html",
        visitor=visitor,
        runs=found[:_PER_PAGE],
        more=found[_PER_PAGE - 1].id if len(found) > _PER_PAGE else None,
        states=_STATES,
        state=state,
        connection=connection,
        before=before,
        query=query,
        words=words,
        changed=plots.changed,
        seconds_of=plots.seconds_of,
        now=utc_now(),
    )
    return unless_seen(request, answer)


@router.get("/{run_id}")
async def show_run(run_id: int, request: Request, visitor: Annotated[Visitor, Depends(seen_by())]) -> Response:
    """Show one run; its changing part alone where the page asks for that."""
    served = served_by(request)
    run = await _visible_run(served, visitor, run_id)
    posted = served.jobs.of_run(run_id)
    lines = [text for _, event in posted.events if (text := _line(event))] if posted else []
    answer = page(
        request,
        "run_part.html" if is_part(request) else "run.html",
        visitor=visitor,
        run=run,
        lines=lines,
        words=words,
        seconds_of=plots.seconds_of,
        now=utc_now(),
    )
    return unless_seen(request, answer)


@router.get("/{run_id}/events")
async def follow_run(
    run_id: int,
    request: Request,
    visitor: Annotated[Visitor, Depends(seen_by())],
    *,
    last_event_id: Annotated[int, Header(ge=0, le=2**53)] = 0,
) -> Response:
    """Follow a run by the cookie, as the API does by a token."""
    return await watch_run(run_id, request, visitor, last_event_id=last_event_id)


async def _visible_run(served: Served, visitor: Visitor, run_id: int) -> Run:
    await visible_run(served, visitor, run_id, remedy="Choose one of the list.")
    [seen] = await RunHistory(served.project.store).page(1, before=run_id + 1)
    return seen


def _line(event: Event) -> str:
    """Return what an event says that the counts of the run do not."""
    if isinstance(event, Started):
        how = [word for word, is_so in (("in full", event.job.full), ("reconciling", event.job.reconcile)) if is_so]
        return " ".join(["Started", *how])
    if isinstance(event, Planned):
        rows = "" if event.rows is None else f"{counted(event.rows, 'row')} expected"
        route = "" if event.route is None else f"by {event.route}"
        return ": ".join(each for each in ("Reads", " ".join(each for each in (rows, route) if each)) if each)
    return f"Warning: {event.message}" if isinstance(event, Warned) else ""
