"""The metrics, for Prometheus."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from orgsync.clock import utc_now
from orgsync.project import View
from orgsync.project.health import health_in

from .access import Caller, may
from .metrics import CONTENT_TYPE, metrics_text
from .served import served_by

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request, caller: Annotated[Caller, Depends(may("read"))]) -> Response:
    """Report the state of the syncs and connections that the token may see, in the text format of Prometheus.

    What is no connection's, such as webhooks and workers, is left out for a token that is limited to connections.
    """
    served = served_by(request)
    settings = served.project.settings

    def read(view: View) -> bytes:  # in a thread, the text as well: a thousand connections have sixty thousand lines
        health = health_in(view, settings, now=utc_now())
        return metrics_text(health, caller.sees, of_all=caller.token.connections is None)

    return Response(await served.view(read), media_type=CONTENT_TYPE)
