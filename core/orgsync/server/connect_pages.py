"""What a customer sees: who asks for access to what, Salesforce's own page, and how it ended.

There is no script in these pages. The browser that begins is known by a cookie, which the form's token and the stored
sign-in are bound to; nothing of a request but the link's secret, the form's three fields and the callback's query is
looked at.
"""

import hmac
import re
import secrets
from collections.abc import Callable, Coroutine
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from orgsync.clock import utc_now
from orgsync.errors import (
    ArgumentInvalid,
    ConnectSessionEnded,
    HostNotAllowed,
    OrgsyncError,
    SignInNeeded,
)
from orgsync.logs import get_logger
from orgsync.project.connect_sessions import Arrival, OpenSession
from orgsync.project.connect_words import Explained, explain
from orgsync.project.return_url import return_target

from .problems import note_unexpected
from .public_address import CALLBACK_PATH, callback_url, public_base
from .served import Served, served_by
from .web import html_page

__all__ = ["router"]

_COOKIE_SECONDS = 3600
_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
_FORM_FIELDS = ("csrf", "environment", "my_domain")
_SOMEBODY = "The product"
_LARGEST_FORM = 8192


class _PageRoute(APIRoute):
    """A route whose errors are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        answer = super().get_route_handler()

        async def page(request: Request) -> Response:
            try:
                return await answer(request)
            except HTTPException:
                raise
            except OrgsyncError as error:
                get_logger("orgsync.server").warning("connect page failed", code=error.code, problem=error.cause)
                return _refused(request, error, _SOMEBODY)
            except Exception as error:
                note_unexpected(error)
                said = Explained("product_failed", "Something went wrong here.", "Open your link again in a minute.")
                return _result(request, said, status=500)

        return page


router = APIRouter(route_class=_PageRoute, include_in_schema=False)


@router.get(CALLBACK_PATH)
async def callback(request: Request) -> Response:
    """End an attempt: the customer comes back from Salesforce."""
    served = served_by(request)
    sessions = served.project.connect_sessions
    base = public_base(request, served.project.settings)
    url = f"{callback_url(base)}?{request.url.query}"
    arrival = await sessions.arrive(url, browser=_browser_of(request, base) or "")
    try:
        await sessions.finish(arrival, url)
    except OrgsyncError as error:
        return await _failed(request, served, arrival, error)
    if target := return_target(arrival.row, "connected"):
        return _sent_to(target)
    app = arrival.options["app_name"]
    return html_page(request, "connect_done.html", app_name=app)


@router.get("/connect/{secret}")
async def show_form(secret: str, request: Request) -> Response:
    """Show who asks for what."""
    served = served_by(request)
    opened = await served.project.connect_sessions.open(secret)
    return _form(request, served, opened, secret)


@router.post("/connect/{secret}")
async def begin(secret: str, request: Request) -> Response:
    """Begin an attempt: the customer goes to Salesforce."""
    served = served_by(request)
    sessions = served.project.connect_sessions
    base = public_base(request, served.project.settings)
    opened = await sessions.open(secret)
    form = await _posted(request)
    browser = _browser_of(request, base)
    if browser is None or not hmac.compare_digest(form["csrf"].encode(), _csrf(browser, secret).encode()):
        said = explain(_form_expired(), opened.options["app_name"])
        return _form(request, served, opened, secret, status=403, problem=said)
    try:
        target = await sessions.begin(
            secret,
            browser=browser,
            environment=form["environment"],
            my_domain=form["my_domain"],
            redirect_uri=callback_url(base),
        )
    except (ArgumentInvalid, HostNotAllowed) as wrong:
        if isinstance(wrong, HostNotAllowed):  # its cause repeats nothing that a customer typed
            get_logger("orgsync.server").info(
                "connect page refused a host",
                session=opened.row.id,
                connection=opened.row.connection,
                problem=wrong.cause,
                remedy="One that is not Salesforce's is taken where the setting allowed_hosts names it.",
            )
        said = Explained("choice", wrong.cause, wrong.remedy)
        return _form(request, served, opened, secret, status=422, problem=said, typed=form)
    return _sent_to(target)


async def _failed(request: Request, served: Served, arrival: Arrival, error: OrgsyncError) -> Response:
    """Keep and tell that an attempt failed, and show the customer why."""
    row, app = arrival.row, arrival.options["app_name"]
    said = explain(error, app)
    get_logger("orgsync.server").warning(
        "connect session failed", session=row.id, connection=row.connection, code=said.code, problem=error.cause
    )
    await served.project.connect_sessions.fail(row.id, code=said.code, cause=said.cause, remedy=said.remedy)
    again = None if isinstance(error, ConnectSessionEnded) else f"{_root(request)}/connect/{arrival.secret}"
    return _result(request, said, again=again, back=return_target(row, "failed"), app=app)


def _refused(request: Request, error: OrgsyncError, app: str) -> Response:
    """Show an error that belongs to no attempt."""
    if isinstance(error, ConnectSessionEnded):
        return _result(request, explain(error, app), status=410)
    status = 400 if isinstance(error, SignInNeeded) else 503
    return _result(request, explain(error, app), status=status)


def _result(
    request: Request,
    said: Explained,
    *,
    status: int = 400,
    again: str | None = None,
    back: str | None = None,
    app: str = _SOMEBODY,
) -> Response:
    title = "Already connected" if said.code == "session_connected" else "Not connected"
    return html_page(
        request, "connect_failed.html", status, title=title, said=said, again=again, back=back, app_name=app
    )


def _form(
    request: Request,
    served: Served,
    opened: OpenSession,
    secret: str,
    *,
    status: int = 200,
    problem: Explained | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    base = public_base(request, served.project.settings)
    browser = _browser_of(request, base) or secrets.token_urlsafe(32)
    options, allowed = opened.options, opened.options["environments"]
    chosen, my_domain = _known_choice(opened)
    if typed is not None:
        chosen, my_domain = typed["environment"], typed["my_domain"]
    answer = html_page(
        request,
        "connect.html",
        status,
        form_targets=_form_targets(base),
        app_name=options["app_name"],
        account_name=options["account_name"],
        connection=opened.row.connection,
        is_known=opened.login_url is not None,
        environments=allowed,
        chosen=chosen if chosen in allowed else allowed[0],
        my_domain=my_domain,
        minutes=max(1, round((opened.row.expires_at - utc_now()).total_seconds() / 60)),
        csrf=_csrf(browser, secret),
        problem=problem,
    )
    name, is_secure = _cookie(base)
    answer.set_cookie(name, browser, max_age=_COOKIE_SECONDS, path="/", secure=is_secure, httponly=True, samesite="lax")
    return answer


def _known_choice(opened: OpenSession) -> tuple[str, str]:
    """Return where the connection was signed in at before, as the form's choice: kind and My Domain."""
    url = opened.login_url
    shared = {
        None: "production",
        "https://login.salesforce.com": "production",
        "https://test.salesforce.com": "sandbox",
    }
    return (shared[url], "") if url in shared else ("my_domain", (url or "").removeprefix("https://"))


def _form_targets(base: str) -> str:
    """Return where the form may lead, redirects included.

    Behind Salesforce's page there may be the sign-in page of the customer's own company, at any host, before the
    browser comes back here and goes on to the product; all of that is one chain for a browser.
    """
    local = "" if base.startswith("https:") else " http://127.0.0.1:* http://localhost:*"
    return f"'self' https:{local}"


def _sent_to(url: str) -> Response:
    headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return RedirectResponse(url, 303, headers)


def _root(request: Request) -> str:
    return str(request.scope.get("root_path", ""))


def _cookie(base: str) -> tuple[str, bool]:
    """Return the cookie's name, and whether it is sent over https alone: then no other host can set it."""
    is_secure = base.startswith("https:")
    return ("__Host-orgsync-connect" if is_secure else "orgsync-connect"), is_secure


def _browser_of(request: Request, base: str) -> str | None:
    """Return the secret of this browser's cookie; None for a browser without one, or with what we never made."""
    found = request.cookies.get(_cookie(base)[0], "")
    return found if _BROWSER.fullmatch(found) else None


def _csrf(browser: str, secret: str) -> str:
    """Return what the form of a link has to bring in one browser; other sites cannot know it."""
    return hmac.new(browser.encode(), f"connect {secret}".encode(), sha256).hexdigest()


async def _posted(request: Request) -> dict[Literal["csrf", "environment", "my_domain"] | str, str]:
    """Read the form's fields; what is missing, repeated or too large is empty."""
    body = await request.body()
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=10) if len(body) <= _LARGEST_FORM else {}
    except ValueError:
        found = {}
    return {name: found[name][0] if len(found.get(name, ())) == 1 else "" for name in _FORM_FIELDS}


def _form_expired() -> SignInNeeded:
    error = SignInNeeded("The form was not made for this browser.", "Load the page again.")
    error.reason = "form_expired"
    return error
