"""A connection's own Salesforce API: the call goes there with a live token, and the response comes back as it is."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from orgsync.errors import SignInNeeded

from .access import Caller, may
from .forwarding import forwarded
from .problems import PROBLEM_JSON
from .served import served_by

__all__ = ["PATHS", "router"]

router = APIRouter(tags=["proxy"])
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_PREFIX = "/api/v1/connections/{name}/proxy"
PATHS = re.compile(r"/api/v1/connections/[^/]+/proxy/")
"""How the paths of these calls begin, encoded or not."""

_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "What the org has responded.", "content": {"application/json": {}, "*/*": {}}},
    "default": {
        "description": "What the org has responded, or why it was not called.",
        "content": {
            PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}},
            "application/json": {},
            "*/*": {},
        },
    },
}


async def call_org(
    name: str, path: str, request: Request, caller: Annotated[Caller, Depends(may("proxy"))]
) -> Response:
    """Call the REST API of a connection's org: `/services/data/v62.0/limits` is `.../proxy/services/data/v62.0/limits`.

    The token is the connection's, renewed where it is dead; status, body and Salesforce's own headers come back as they
    are, and both bodies are streamed. The share of the org's API limit that is set for orgsync holds here too.
    """
    caller.require_connection(name)
    served = served_by(request)
    connection = await served.project.store.connections.get(name)
    if connection.status != "ready":
        raise SignInNeeded.again(name, connection.status_reason)
    base = f"{request.scope.get('root_path', '')}{_PREFIX.format(name=name)}"
    raw = request.scope["raw_path"].decode("ascii")
    begins = PATHS.search(raw)  # below the path where a proxy has put the server, which may be cut off or not
    target = raw[begins.end() :] if begins else ""
    return await forwarded(served.client_of(connection), request, f"/{_with_slashes(target)}", base=base)


def _with_slashes(path: str) -> str:
    """Return a path as it was meant: clients made from an OpenAPI document encode all of what they take for one name.

    What is not encoded throughout stays as it is: Salesforce's own paths may hold an encoded slash, in an external Id.
    """
    return path if "/" in path else re.sub("%2f", "/", path, flags=re.IGNORECASE).replace("%25", "%")


for _method in _METHODS:  # an operation of its own each, for the OpenAPI document
    router.add_api_route(
        f"{_PREFIX}/{{path:path}}",
        call_org,
        methods=[_method],
        operation_id=f"call_org_{_method.lower()}",
        response_class=Response,
        responses=_RESPONSES,
    )
