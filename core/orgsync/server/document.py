"""The OpenAPI document of the HTTP API, and the refusal of queries and bodies that it cannot describe as wrong."""

from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from orgsync.plain_json import require_characters, require_nesting
from orgsync.suggest import nearest

from .problems import Problem

__all__ = ["EVENT_STREAM", "add_document", "operation_id", "require_known_query", "require_plain_body"]

EVENT_STREAM: dict[str, Any] = {
    "text/event-stream": {
        "itemSchema": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "Its number: Last-Event-ID of a call that reads on."},
                "event": {"enum": ["started", "planned", "committed", "warned", "ended"]},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": {"type": "object", "required": ["event", "run"]},
                },
            },
            "required": ["id", "event", "data"],
        }
    }
}
"""Server-sent events of a run, described as OpenAPI 3.2 and FastAPI do; readers of 3.1 ignore `itemSchema`."""


def operation_id(route: APIRoute) -> str:
    """Return the name of an operation, which generated clients take for their functions: its function's own."""
    return route.name


def add_document(app: FastAPI) -> None:
    """Let the document of an app have the schema of the problems that its answers refer to."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = generated().setdefault("components", {}).setdefault("schemas", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update({**problem.pop("$defs", {}), "Problem": problem})
        return app.openapi_schema or {}

    app.state.queries = dict[tuple[str, str], Mapping[str, Mapping[str, Any]] | None]()
    app.openapi = openapi  # type: ignore[method-assign] # how FastAPI documents it


async def require_known_query(request: Request) -> None:
    """Refuse a query parameter that the document does not name, or that comes twice though it is one value.

    A mistyped filter would be answered with all rows.
    """
    if not request.query_params:
        return
    known = _query_of(request)
    if known is None:
        return
    for name in request.query_params:
        if name not in known:
            near = nearest(name, known)
            all_known = f"there are: {', '.join(known)}" if known else "this call takes none"
            remedy = f"did you mean {near}?" if near else all_known
            raise RequestValidationError(
                [{"loc": ("query", name[:100]), "msg": f"there is no such parameter; {remedy}"}]
            )
        if known[name].get("type") != "array" and len(request.query_params.getlist(name)) > 1:
            raise RequestValidationError([{"loc": ("query", name), "msg": "it is one value, and came twice"}])


def _query_of(request: Request) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the schemas of an operation's query parameters; None for one that the document does not have.

    It is asked for alone: the whole document takes half a second, which no first call has to wait for.
    """
    route, kept = request.scope["route"], request.app.state.queries
    key = route.path_format, request.method.lower()
    if key not in kept:
        paths = get_openapi(title="", version="", routes=[route]).get("paths", {})
        operation = paths.get(route.path_format, {}).get(request.method.lower())
        parameters = () if operation is None else operation.get("parameters", ())
        named = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
        kept[key] = None if operation is None else named
    return cast("Mapping[str, Mapping[str, Any]] | None", kept[key])


async def require_plain_body(request: Request) -> None:
    """Refuse a body of JSON that cannot be written again: it would be stored, and break each answer that lists it."""
    if request.scope["route"].body_field is None:
        return
    try:
        document = await request.json()
    except ValueError:  # FastAPI says what is wrong with it
        return
    require_nesting(document, "The body")
    require_characters(document, "The body")
