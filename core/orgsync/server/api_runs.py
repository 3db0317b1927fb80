"""The runs, the syncs, and how each stands."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel

from orgsync.clock import utc_now
from orgsync.project.health_views import AlertView, StatusView, alert_view, status_view
from orgsync.project.known_names import require_known
from orgsync.project.status import statuses_in
from orgsync.project.view import View
from orgsync.project.views import ListedRunView, listed_run_view
from orgsync.store.view import RunRow

from .access import Caller, may, visible_run
from .schemas import model_of
from .served import served_by

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["runs"])

if TYPE_CHECKING:
    RunModel: TypeAlias = ListedRunView
    StatusModel: TypeAlias = StatusView
    AlertModel: TypeAlias = AlertView
else:  # pydantic's, from the same views
    RunModel = model_of(ListedRunView)
    StatusModel = model_of(StatusView)
    AlertModel = model_of(AlertView)

_MOST_RUNS = 1000


class Runs(BaseModel):
    """Runs, the latest first."""

    runs: list[RunModel]


class Statuses(BaseModel):
    """How each sync stands on each connection, and every alert that is active."""

    statuses: list[StatusModel]
    alerts: list[AlertModel]


@router.get("/runs", response_model=Runs)
async def list_runs(
    request: Request,
    caller: Annotated[Caller, Depends(may("read"))],
    *,
    sync: str | None = None,
    action: str | None = None,
    connection: str | None = None,
    limit: Annotated[int, Query(ge=1, le=_MOST_RUNS)] = 50,
) -> Any:
    """List runs, the latest first: all, or those of a sync, of an action, on a connection."""
    one, served = caller.one_connection(connection), served_by(request)
    # Of a token that is limited, the connection is its own: what others are called, an error would say.
    named = connection if caller.token.connections is None else None

    def read(view: View) -> list[RunRow]:
        found = view.runs(limit, sync=sync, action=action, connection=one)
        if not found:
            require_known(view, served.project.settings, sync=sync, action=action, connection=named)
        return found

    return {"runs": [listed_run_view(each) for each in await served.view(read)]}


@router.get("/runs/{run_id}", response_model=RunModel)
async def read_run(run_id: int, request: Request, caller: Annotated[Caller, Depends(may("read"))]) -> Any:
    """Read one run."""
    return listed_run_view(await visible_run(served_by(request), caller, run_id))


@router.get("/status", response_model=Statuses)
async def status(request: Request, caller: Annotated[Caller, Depends(may("read"))]) -> Any:
    """Say how each sync stands on each connection that the token may see, as `orgsync status` does."""
    served = served_by(request)
    settings = served.project.settings
    found, alerts = await served.view(lambda view: (statuses_in(view, settings, now=utc_now()), view.alerts()))
    return {
        "statuses": [status_view(each) for each in found if caller.sees(each.connection)],
        "alerts": [alert_view(each) for each in alerts if caller.sees(each.connection)],
    }
