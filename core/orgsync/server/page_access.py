"""Who looks at the pages: a cookie that stands on a token, and what shows that a form was sent by a page of ours."""

import hmac
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from orgsync.errors import Forbidden, NameUnknown, OrgsyncError
from orgsync.project.tokens import ApiTokenRow, PageSession, Scope

from .access import Caller, note_use
from .problems import http_problem, status_of
from .served import served_by
from .web import html_page

__all__ = [
    "PageRoute",
    "Visitor",
    "address_of",
    "begin_session",
    "end_session",
    "is_part",
    "no_such_path",
    "page",
    "require_own_form",
    "require_seen",
    "seen_by",
    "sends",
    "session_of",
    "unless_seen",
]

_LASTS = timedelta(hours=12)

_SEEN = b"seen=SEEN"


@dataclass(frozen=True, slots=True)
class Visitor(Caller):
    """Who looks at a page; `csrf` is what the forms of its session show."""

    csrf: str


class _SignedOut(Exception):
    """Nobody is signed in."""


class PageRoute(APIRoute):
    """A route of a page: what goes wrong is a page, too, and who is not signed in is led there."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except _SignedOut:
                return _to_sign_in(request)
            except OrgsyncError as problem:
                return _problem_page(request, status_of(problem), problem.cause, problem.remedy_elsewhere)
            except RequestValidationError:
                return _problem_page(request, 400, "There is no such page.", "Go back, and follow a link.")

        return answer


def page(
    request: Request, template: str, status: int = 200, /, *, visitor: Visitor | None = None, **values: Any
) -> Response:
    """Return a page; the browser sends its address to nobody else, but does say which page of ours sent a form."""
    answer = html_page(request, template, status, visitor=visitor, **values)
    answer.headers["Referrer-Policy"] = "same-origin"  # with no-referrer a form's Origin would be null
    return answer


def is_part(request: Request) -> bool:
    """Return whether a page asks for a part of itself."""
    return "hx-request" in request.headers and "hx-history-restore-request" not in request.headers


def unless_seen(request: Request, answer: Response) -> Response:
    """Return a page, or nothing where it is a part of one that shows the same already.

    What stands for the part's fingerprint in its own address is replaced by it, so that the next request shows it.
    """
    fingerprint = sha256(bytes(answer.body)).hexdigest()[:16]
    if is_part(request) and request.query_params.get("seen") == fingerprint:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    answer.body = bytes(answer.body).replace(_SEEN, b"seen=" + fingerprint.encode())
    answer.headers["Content-Length"] = str(len(answer.body))
    return answer


def seen_by(scope: Scope = "read") -> Callable[[Request], Coroutine[Any, Any, Visitor]]:
    """Return a dependency that finds out who looks at a page."""

    async def visitor(request: Request) -> Visitor:
        found = await session_of(request)
        if found is None:
            raise _SignedOut
        await note_use(served_by(request), found.token)
        seen = Visitor(found.token, found.csrf)
        seen.require(scope)
        return seen

    return visitor


def sends(scope: Scope) -> Callable[[Request], Coroutine[Any, Any, Visitor]]:
    """Return a dependency that finds out who has sent a form; raises Forbidden for a form of another site."""
    seen = seen_by(scope)

    async def visitor(request: Request) -> Visitor:
        found = await seen(request)
        await require_own_form(request, found.csrf)
        return found

    return visitor


async def require_own_form(request: Request, csrf: str | None = None) -> None:
    """Raise Forbidden for a form that was not sent by a page of this server; `csrf` is what its session's pages show.

    The browser says where a form comes from: `Sec-Fetch-Site` over TLS and on loopback, `Origin` anywhere.
    """
    refused = Forbidden(
        "The form was not sent by a page of this server.", "Load the page again, and send it from there."
    )
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site != "same-origin":
        raise refused
    if site is None and origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise refused
    if csrf is None:
        return
    shown = (await request.form()).get("csrf")
    if not isinstance(shown, str) or not hmac.compare_digest(shown.encode(), csrf.encode()):
        raise refused


async def session_of(request: Request) -> PageSession | None:
    """Return the session of a browser, None where nobody is signed in."""
    encrypted = request.cookies.get(_cookie(request))
    if not encrypted:
        return None
    served = served_by(request)
    found = await served.project.tokens.session(encrypted)
    return None if found is None or found.id in served.signed_out else found


async def begin_session(request: Request, response: Response, token: ApiTokenRow) -> None:
    """Sign a browser in for twelve hours; no script can read its cookie, and no other site makes it be sent."""
    session = await served_by(request).project.tokens.begin_session(token, lasts=_LASTS)
    response.set_cookie(
        _cookie(request), session, max_age=int(_LASTS.total_seconds()), **_attributes(request), httponly=True
    )


async def end_session(request: Request, response: Response) -> None:
    """Sign a browser out; a copy of its cookie is worth nothing to this process any more."""
    found = await session_of(request)
    if found is not None:
        served_by(request).signed_out.add(found.id)
    response.delete_cookie(_cookie(request), **_attributes(request), httponly=True)


def address_of(request: Request, path: str) -> str:
    """Return the address of a page, below the path where a proxy has put the server."""
    return f"{request.scope.get('root_path', '')}{path}"


def _cookie(request: Request) -> str:
    """Return the cookie's name: browsers send a host's cookies to all its ports, and two servers must not share one."""
    server = request.scope.get("server") or ("", 0)
    return f"orgsync_session_{server[1]}"


def _attributes(request: Request) -> Any:
    return {
        "path": request.scope.get("root_path") or "/",
        "secure": request.url.scheme == "https",
        "samesite": "strict",
    }


def _to_sign_in(request: Request) -> Response:
    here = request.url.path.removeprefix(request.scope.get("root_path", "")) if request.method == "GET" else "/"
    there = address_of(request, "/sign-in" if here == "/" else f"/sign-in?next={quote(here)}")
    if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
        # A link elsewhere leads here, and the browser sends no cookie with that: it is asked to come again by itself.
        return page(request, "again.html", address=address_of(request, _with_query(here, request)))
    if "hx-request" in request.headers:  # a part of a page that refreshes itself
        return Response(status_code=204, headers={"HX-Redirect": there, "Cache-Control": "no-store"})
    return RedirectResponse(there, 303, {"Cache-Control": "no-store"})


def _with_query(path: str, request: Request) -> str:
    return f"{path}?{request.url.query}" if request.url.query else path


def _problem_page(request: Request, status: int, cause: str, remedy: str) -> Response:
    return page(request, "problem.html", status, cause=cause, remedy=remedy, back="/")


async def no_such_path(request: Request, error: HTTPException) -> Response:
    """Answer a path that is not there: with a page where a browser asks for one, with a problem as the API else."""
    path = request.url.path.removeprefix(address_of(request, ""))
    if "text/html" in request.headers.get("accept", "") and not path.startswith("/api/"):
        return _problem_page(request, 404, "There is no such page.", "Go back, and follow a link.")
    return await http_problem(request, error)


def require_seen(visitor: Visitor, connection: str) -> None:
    """Raise NameUnknown for a connection that the visitor may not see, as for one that is not there."""
    if not visitor.sees(connection):
        raise NameUnknown(f"There is no connection {connection!r}.", "Choose one of the list.")
