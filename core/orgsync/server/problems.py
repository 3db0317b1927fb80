"""Errors as problem details (RFC 9457): cause, remedy and code of the error, and nothing of the server's inside."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from orgsync.errors import (
    AccessRefused,
    AlreadyRunning,
    CallUnknown,
    ConfigurationProblem,
    ConnectSessionEnded,
    Forbidden,
    InternalError,
    KeyUnusable,
    LimitReached,
    NameTaken,
    NameUnknown,
    NotFound,
    OrgMismatch,
    OrgsyncError,
    PackageMissing,
    QueryRefused,
    Refused,
    ServerBusy,
    SessionInvalid,
    SettingInvalid,
    SignInNeeded,
    StoreUnavailable,
    TooManyAttempts,
    TransientProblem,
    Unauthorized,
)
from orgsync.logs import get_logger
from orgsync.printable import excerpt
from orgsync.suggest import nearest

__all__ = [
    "PROBLEM_JSON",
    "RESPONSES",
    "Problem",
    "ProblemField",
    "add_problem_handlers",
    "http_problem",
    "note_unexpected",
    "problem_response",
    "status_of",
    "too_large",
    "unexpected",
]

PROBLEM_JSON = "application/problem+json"

_MOST_NAMED = 3
"""Faults of a request in the title of its problem."""

_MOST_FIELDS = 20
"""Faults that `fields` names: a body may hold tens of thousands, and each is compared with all fields."""

_STATUS: tuple[tuple[type[OrgsyncError], int], ...] = (
    (Unauthorized, 401),
    (Forbidden, 403),
    (TooManyAttempts, 429),
    (CallUnknown, 409),
    (ConnectSessionEnded, 409),
    (ServerBusy, 503),
    (KeyUnusable, 503),
    (PackageMissing, 501),
    (SettingInvalid, 503),
    (NameUnknown, 404),
    (NameTaken, 409),
    (OrgMismatch, 409),
    (ConfigurationProblem, 400),
    (AlreadyRunning, 409),
    (StoreUnavailable, 503),
    (Refused, 403),
    (SignInNeeded, 409),
    (SessionInvalid, 409),
    (LimitReached, 429),
    (NotFound, 404),
    (AccessRefused, 403),
    (QueryRefused, 400),
    (TransientProblem, 502),
)
"""The status of an error's class, the first that fits; any other is a fault of the project's own: 500."""


class ProblemField(BaseModel):
    """What is wrong with one part of a request: where it stands, and why; never a value that was sent."""

    location: str
    message: str


class Problem(BaseModel):
    """What went wrong: `title` is the cause, `detail` the remedy."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(
        description="The kind of error, for programs: as orgsync writes it elsewhere, or one that HTTP alone has, such "
        "as method_not_allowed (405) and body_too_large (413)."
    )
    fields: list[ProblemField] | None = None


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        "description": HTTPStatus(status).phrase,
    }
    for status in (400, 401, 403, 404, 409, 413, 414, 415, 421, 422, 429, 431, 500, 501, 502, 503)
}
"""What any call may be answered with, for the OpenAPI document; `document` adds the schema."""


def status_of(error: OrgsyncError) -> int:
    """Return the HTTP status that says who has to act: 4xx the caller, 5xx whoever runs the server."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_response(
    status: int,
    code: str,
    title: str,
    detail: str = "",
    *,
    fields: list[ProblemField] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a problem as a response."""
    problem = Problem(
        type=f"urn:orgsync:error:{code}", title=title, status=status, detail=detail, code=code, fields=fields
    )
    body = msgspec.json.encode(problem.model_dump(exclude_none=True))
    return Response(body, status, headers=dict(headers or {}), media_type=PROBLEM_JSON)


def too_large(largest: int | None = None) -> Response:
    """Return the problem of a body that is larger than it may be."""
    bound = "it may be" if largest is None else f"{largest:,} bytes"
    return problem_response(413, "body_too_large", f"The body is larger than {bound}.", "Send less at once.")


def add_problem_handlers(app: FastAPI) -> None:
    """Let every error of an app be answered with a problem."""
    app.exception_handler(OrgsyncError)(_of_orgsync)
    app.exception_handler(RequestValidationError)(_of_validation)
    app.exception_handler(HTTPException)(http_problem)
    app.exception_handler(Exception)(unexpected)


async def _of_orgsync(_: Request, error: OrgsyncError) -> Response:
    headers = {"Retry-After": str(error.seconds)} if isinstance(error, TooManyAttempts) else {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return problem_response(status_of(error), error.code, error.cause, error.remedy_elsewhere, headers=headers)


async def _of_validation(request: Request, error: RequestValidationError) -> Response:
    found = error.errors()
    if found and found[0].get("type") == "json_invalid":
        title, place = "The body is not JSON.", found[0]["loc"][-1]
        return problem_response(422, "argument_invalid", title, f"Correct it near character {place}.")
    if whole := [each for each in found if tuple(each["loc"]) == ("body",)]:
        is_unread = isinstance(whole[0].get("input"), bytes)  # FastAPI parses what Content-Type says is JSON
        title = "The body was not sent as JSON." if is_unread else "The body is not a JSON object."
        remedy = (
            "Send a JSON object, with the header `Content-Type: application/json`; /openapi.json says what it holds."
        )
        return problem_response(422, "argument_invalid", title, remedy)
    mistyped_first = sorted(found, key=lambda each: each.get("type") != "extra_forbidden")  # why others are missing
    fields = [
        ProblemField(location=excerpt(".".join(map(str, each["loc"])), addresses=True), message=_message(request, each))
        for each in mistyped_first[:_MOST_FIELDS]
    ]
    title = _title(fields, len(found))
    return problem_response(
        422, "argument_invalid", title, "Correct it; /openapi.json says what is taken.", fields=fields
    )


def _title(fields: Sequence[ProblemField], faults: int) -> str:
    """Return what is wrong with a request, by the first of its faults."""
    title = "; ".join(f"{each.location}: {each.message}" for each in fields[:_MOST_NAMED])
    title = f"The request is wrong: {title}" if title else "The request is wrong"
    if (more := faults - _MOST_NAMED) > 0:
        title += f"; and {more:,} more"
    return title if title.endswith("?") else f"{title}."


def _message(request: Request, wrong: Mapping[str, Any]) -> str:
    """Return what is wrong, for a field that there is not with the nearest one that there is."""
    place = wrong["loc"]
    if wrong.get("type") != "extra_forbidden" or place[0] != "body" or len(place) != 2:
        return str(wrong["msg"])
    known = _fields_of_body(request)
    near = nearest(str(place[1]), known)
    remedy = f"did you mean {near}?" if near else f"there are: {', '.join(known)}"
    return f"there is no such field; {remedy}"


def _fields_of_body(request: Request) -> Sequence[str]:
    """Return the fields that a call takes, as the OpenAPI document names them."""
    document = request.app.openapi()
    operation = document["paths"][request.scope["route"].path_format][request.method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return [*document["components"]["schemas"][schema]["properties"]]


async def http_problem(request: Request, error: HTTPException) -> Response:
    """Return the problem of a request that no route has taken."""
    if error.status_code == 404:
        return problem_response(404, "name_unknown", "There is nothing here.", "The paths are in /openapi.json.")
    if error.status_code == 405:
        cause = f"{request.method} is not one of the methods of this path."
        return problem_response(405, "method_not_allowed", cause, "See /openapi.json.", headers=error.headers)
    if error.status_code == 413:
        return too_large()
    if error.status_code == 400:
        cause, remedy = "The body cannot be read.", "Send what /openapi.json describes: JSON, in UTF-8."
        return problem_response(400, "argument_invalid", cause, remedy)
    phrase = HTTPStatus(error.status_code).phrase
    return problem_response(error.status_code, "argument_invalid", f"{phrase}.", headers=error.headers)


def note_unexpected(error: Exception) -> None:
    """Log a fault of the server's by its type: its text may hold data."""
    get_logger("orgsync.server").error("unexpected error", error=type(error).__name__)


async def unexpected(_: Request, error: Exception) -> Response:
    """Answer for what is a fault of the server's; its text may hold data, so it is in no answer and no log line."""
    if isinstance(reason := error.__cause__, OrgsyncError):  # so Starlette says that a response had begun
        get_logger("orgsync.server").warning("response broke off", code=reason.code, problem=reason.cause)
    elif not isinstance(error, ClientDisconnect):  # a caller who goes away is no fault, and is told nothing
        note_unexpected(error)
    code, cause = InternalError.code, f"The server failed unexpectedly: {type(error).__name__}."
    return problem_response(500, code, cause, "Please report it, with the server's log.")
