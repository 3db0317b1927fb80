"""Jobs: a sync or an action on a connection, begun by a call, waited for, watched and cancelled."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast

import anyio
import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from orgsync.engine import Committed, Ended, Event, Job
from orgsync.errors import ArgumentInvalid, CallUnknown, NameUnknown
from orgsync.project.health_views import ErrorView, error_view
from orgsync.project.view import View
from orgsync.project.views import ListedRunView, listed_run_view
from orgsync.store import RunStatus
from orgsync.store.view import RunRow

from .access import Caller, may, visible_run
from .document import EVENT_STREAM
from .jobs import PostedJob
from .schemas import model_of
from .served import Served, served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["jobs"])

if TYPE_CHECKING:
    RunModel: TypeAlias = ListedRunView
    ErrorModel: TypeAlias = ErrorView
else:  # pydantic's, from the same views
    RunModel = model_of(ListedRunView)
    ErrorModel = model_of(ErrorView)

_LONGEST_WAIT = 60.0
_HEARTBEAT = 15.0
_POLL = 1.0


class NewJob(BaseModel):
    """What to run, and where: on one `connection`, or on every one that has a `tag`."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["sync", "action"] = "sync"
    name: str = Field(max_length=200)
    connection: str | None = Field(default=None, max_length=200)
    tag: str | None = Field(default=None, max_length=200)
    full: bool = Field(default=False, description="A sync reads everything, not what changed.")
    reconcile: bool = Field(default=False, description="A sync compares the Ids of its copy with the org's as well.")
    arguments: dict[str, Any] = Field(default={}, description="An action's arguments.")


class JobResponse(BaseModel):
    """A job and what has become of it; `result` is an action's, `error` why it did not begin, or why it ended."""

    id: str
    kind: Literal["sync", "action"]
    name: str
    connection: str
    state: Literal["queued", "running", "done", "failed", "stopped", "refused"]
    run: RunModel | None
    result: Any
    error: ErrorModel | None


class JobsResponse(BaseModel):
    """Jobs, one for each connection."""

    jobs: list[JobResponse]


@router.post("/jobs", status_code=202, responses={200: {"model": JobsResponse, "description": "All have ended."}})
async def post_job(
    new: NewJob,
    request: Request,
    response: Response,
    caller: Annotated[Caller, Depends(may("run"))],
    *,
    wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for the end.")] = 0,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> JobsResponse:
    """Run a sync or an action; answer when it has begun, or with `wait` when it has ended, at the latest then.

    A call with the header Idempotency-Key is made once within a day, however often it is sent; one that was refused did
    nothing, and is made when it is sent again.
    """
    served = served_by(request)
    connections = await _connections(served, caller, new)
    jobs = [_job(new, name) for name in connections]
    if idempotency_key is None:
        posted = served.jobs.post(*jobs)
    else:
        posted = await _posted_once(served, caller, idempotency_key, new, jobs)
    with served.waiting(wait):
        for each in posted:
            await each.has_ended.wait()
    with anyio.move_on_after(0 if wait else _HEARTBEAT):
        for each in posted:
            if each.state == "queued":
                await each.has_begun.wait()
    if len(posted) == 1 and posted[0].state == "refused" and posted[0].problem is not None:
        raise posted[0].problem
    response.status_code = 200 if all(each.has_ended.is_set() for each in posted) else 202
    return JobsResponse(jobs=[await _answer(served, each) for each in posted])


@router.get("/jobs/{job_id}")
async def read_job(
    job_id: str,
    request: Request,
    caller: Annotated[Caller, Depends(may("run"))],
    *,
    wait: Annotated[float, Query(ge=0, le=_LONGEST_WAIT, description="Seconds to wait for the end.")] = 0,
) -> JobResponse:
    """Read what has become of a job that this server was given; its run stays in `/runs` for longer."""
    served = served_by(request)
    posted = _known(served, caller, job_id)
    with served.waiting(wait):
        await posted.has_ended.wait()
    return await _answer(served, posted)


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(job_id: str, request: Request, caller: Annotated[Caller, Depends(may("run"))]) -> JobResponse:
    """Cancel a job: a sync ends behind its last commit, and the next run resumes there."""
    served = served_by(request)
    posted = _known(served, caller, job_id)
    served.jobs.cancel(posted)
    with anyio.move_on_after(_HEARTBEAT):
        await posted.has_ended.wait()
    return await _answer(served, posted)


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,
    responses={200: {"description": "The events, as they happen.", "content": EVENT_STREAM}},
)
async def watch_run(
    run_id: int,
    request: Request,
    caller: Annotated[Caller, Depends(may("read"))],
    *,
    last_event_id: Annotated[int, Header(ge=0, le=2**53)] = 0,
) -> StreamingResponse:
    """Follow a run as server-sent events: started, planned, committed, warned, ended; the last one ends the answer."""
    served = served_by(request)
    run = await visible_run(served, caller, run_id)
    posted = served.jobs.of_run(run_id)
    events = posted.watch(last_event_id, beat=_HEARTBEAT) if posted else _polled(served, run)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(served, events), media_type="text/event-stream", headers=headers)


async def _connections(served: Served, caller: Caller, new: NewJob) -> Sequence[str]:
    """Return the connections that a job is for, those that the caller may work on."""
    if (new.connection is None) == (new.tag is None):
        raise ArgumentInvalid("A job is for one connection, or for those with a tag.", "Send `connection` or `tag`.")
    if new.connection is not None:
        caller.require_connection(new.connection)
        await served.view(lambda view: view.connection(str(new.connection)))
        return [new.connection]
    if new.kind == "action":
        raise ArgumentInvalid("An action is for one connection.", "Send `connection`.")
    found = await served.view(lambda view: view.connections())
    tagged = [each.name for each in found if new.tag in each.tags and caller.sees(each.name)]
    if not tagged:
        raise NameUnknown(f"No connection has the tag {new.tag!r}.", "See the tags: GET /api/v1/connections.")
    return tagged


def _job(new: NewJob, connection: str) -> Job:
    try:
        return Job(
            new.kind,
            new.name,
            connection,
            full=new.full,
            reconcile=new.reconcile,
            arguments=new.arguments,
        )
    except ValueError as wrong:
        raise ArgumentInvalid(f"The job is wrong: {wrong}.", "Leave it out.") from None


async def _posted_once(served: Served, caller: Caller, key: str, new: NewJob, jobs: Sequence[Job]) -> list[PostedJob]:
    """Begin jobs unless a call with this key has done so; return those that it has begun."""
    if len(jobs) > 1:
        raise ArgumentInvalid("An Idempotency-Key is for a job on one connection.", "Send one call for each.")
    fresh = PostedJob(jobs[0])
    fingerprint = sha256(msgspec.json.encode(new.model_dump(), order="deterministic")).hexdigest()
    kept = await served.project.store.idempotency.claim(
        caller.token.id, key, fingerprint=fingerprint, job=fresh.id, require=served.jobs.require_room
    )
    if kept.fingerprint != fingerprint:
        raise ArgumentInvalid(
            "This Idempotency-Key was sent with another job before.", "Send a key of its own with each job."
        )
    if kept.job == fresh.id:
        return [served.jobs.begin(fresh, is_keyed=True)]
    known = served.jobs.get(kept.job)
    if known is not None:
        return [known]
    raise CallUnknown(kept.run_id)


def _known(served: Served, caller: Caller, job_id: str) -> PostedJob:
    posted = served.jobs.get(job_id)
    if posted is None or not caller.sees(posted.job.connection):
        raise NameUnknown(
            f"There is no job {job_id!r}.",
            "Jobs are known for a while, to the server that began them; see GET /api/v1/runs.",
        )
    return posted


async def _answer(served: Served, posted: PostedJob) -> JobResponse:
    run_id = posted.run_id
    run = None if run_id is None else listed_run_view(await served.view(lambda view: view.run(run_id)))
    return JobResponse(
        id=posted.id,
        kind=posted.job.kind,
        name=posted.job.name,
        connection=posted.job.connection,
        state=posted.state,
        run=run,
        result=posted.outcome.document if posted.outcome else None,
        error=None if posted.problem is None else error_view(posted.problem),
    )


async def _polled(served: Served, run: RunRow) -> AsyncGenerator[tuple[int, Event] | None]:
    """Yield what is to be seen of a run that another process carries out."""
    number, seen, silent = 0, -1, 0.0
    while True:
        changed = run.added + run.updated + run.deleted + run.unchanged
        if changed != seen:
            seen, number, silent = changed, number + 1, 0.0
            yield number, Committed(run.id, changed, run.added, run.updated, run.deleted, run.unchanged, run.api_calls)
        if run.status != "running":
            status = cast("RunStatus", run.status)
            yield number + 1, Ended(run.id, status, run.api_calls, run.watermark, run.error, run.error_code)
            return
        await anyio.sleep(_POLL)
        silent += _POLL
        if silent >= _HEARTBEAT:
            silent = 0.0
            yield None
        run = await served.view(partial(_run, run_id=run.id))


def _run(view: View, *, run_id: int) -> RunRow:
    return view.run(run_id)


async def _stream(served: Served, events: AsyncGenerator[tuple[int, Event] | None]) -> AsyncGenerator[bytes]:
    """Write events as server-sent ones, and a comment where nothing happens for long, until the server stops."""
    ended = 0
    async with aclosing(events):
        while True:
            found: tuple[int, Event] | int | None = ended
            with served.waiting():
                found = await anext(events, ended)
            if isinstance(found, int):
                return
            if found is None:
                yield b": nothing new\n\n"
                continue
            number, event = found
            data = msgspec.json.encode(event)
            yield f"id: {number}\nevent: {type(event).__name__.lower()}\ndata: ".encode() + data + b"\n\n"
