"""The OAuth endpoints, one function each: a form in, a typed result or an error out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import anyio
import stamina

from orgsync.clock import utc_now
from orgsync.errors import NetworkProblem, OrgsyncError, ResponseUnreadable, SignInNeeded, TransientProblem
from orgsync.printable import excerpt

from ..errors.gateway import by_status_alone, passes
from ..errors.retry import backoff, pause, unreachable_tries, wait_within
from ..hosts import host_of, is_loopback, login_url, may_be_org
from ..http.http import JSON, Http, Response
from ..http.slots import SLOT, waiting
from .credentials import Credentials
from .sign_in_errors import problem
from .token_response import TokenResponse, lifetime_of, parse_token_response

__all__ = ["INTROSPECTION_HINT", "Identity", "aside", "identity", "introspect", "refused", "request_token", "retried"]

INTROSPECTION_HINT = (
    "Salesforce does not tell this app how long its tokens are valid, so each is used until it is refused. "
    "Switch on Introspect All Tokens in the app's settings to have them renewed in time."
)
"""What to show a person where `introspect` returns None."""

TOKEN_TIMEOUT = 30.0
_LONGEST_TEXT = 2000  # characters of a name or a description; one line, for it is printed
_LARGEST = 1024 * 1024  # bytes; a token response has some thousand
_ASIDE_TIMEOUT = 10.0
_ASIDE_TRIES = 3
_RETRY_SECONDS = 45.0
_UNREADABLE_TRIES = 3  # a proxy's page and a wrong address stay what they are
_LONGEST_WAIT = 8.0
_NO_TOKEN_ENDPOINT = (404, 405, 501)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Identity:
    """The user of a token; None where Salesforce does not say."""

    username: str | None = None
    org_id: str | None = None
    user_id: str | None = None


async def request_token(
    http: Http, login_url: str, form: Mapping[str, str], *, within: float = TOKEN_TIMEOUT
) -> TokenResponse:
    """Post one form to the token endpoint; the whole response has to arrive `within` so many seconds.

    Raises SignInNeeded where Salesforce refuses the sign-in or the login host has moved, and a TransientProblem where
    asking again may help, as after any response without an error of Salesforce's. Nothing is retried here.
    """
    with waiting():
        response = await http.send(
            "POST",
            f"{login_url}/services/oauth2/token",
            form=form,
            headers={"Accept": "application/json"},
            timeout=within,
            largest=_LARGEST,
        )
    document = _document(response)
    if response.status == 200 and ("error" not in document or "access_token" in document):
        return parse_token_response(response.json())
    refusal = refused(response, form.get("grant_type"), secret_sent="client_secret" in form)
    if isinstance(refusal, TransientProblem):
        refusal.retry_after = response.retry_after
    raise refusal


async def introspect(http: Http, credentials: Credentials) -> float | None:
    """Return how many seconds the access token of these credentials is valid; None where the app may not ask.

    Any failure results in None: not knowing only costs a refused request now and then.
    """
    form = {
        "token": credentials.access_token or "",
        "token_type_hint": "access_token",
        "client_id": credentials.client_id,
    }
    if credentials.client_secret:
        form["client_secret"] = credentials.client_secret
    response = await aside(http, "POST", f"{credentials.instance_url}/services/oauth2/introspect", form=form)
    document = _document(response)
    if response is None or document.get("active") is not True:
        return None
    start = _number(document, "iat") or (response.date or utc_now()).timestamp()
    end = _number(document, "exp") or 0.0
    return lifetime_of(end - start)


async def identity(http: Http, credentials: Credentials) -> Identity:
    """Return the user of the access token, as its instance says; what its scopes hide stays None."""
    bearer = {"Authorization": f"Bearer {credentials.access_token}"}
    paths = ["/services/oauth2/userinfo"]
    if credentials.org_id and credentials.user_id:
        paths.append(f"/id/{credentials.org_id}/{credentials.user_id}")
    for path in paths:
        response = await aside(http, "GET", f"{credentials.instance_url}{path}", headers=bearer)
        document = _document(response)
        username = _text(document, "preferred_username") or _text(document, "username")
        if username is not None:
            return Identity(username, _text(document, "organization_id"), _text(document, "user_id"))
    return Identity()


async def retried(attempt: Callable[[], Awaitable[T]], *, interactive: bool = False) -> T:
    """Await an attempt, and again after each TransientProblem, for 45 seconds at most, with full jitter.

    A longer wait that the server asks for is kept to; where there is no time for it, the problem is raised at once.

    A host that cannot be reached at all, and one whose answers are none, is given up after a few tries; where a person
    waits for it (`interactive`), at once if it is proven that only somebody's action changes that. The slot of a
    run is given back by the first wait; who asked for the attempt takes one again, when it holds no lock.
    """
    async for trial in stamina.retry_context(_Waits(interactive=interactive), attempts=None, timeout=_RETRY_SECONDS):
        with trial:
            return await attempt()
    raise AssertionError("the last attempt raises")  # pragma: no cover


class _Waits:
    """Decide what is worth another attempt, and how long it waits: any time up to a limit that doubles."""

    def __init__(self, *, interactive: bool) -> None:
        self._interactive = interactive
        self._tries = 0
        self._deadline = anyio.current_time() + _RETRY_SECONDS

    def __call__(self, error: Exception) -> bool | float:
        self._tries += 1
        if not isinstance(error, TransientProblem) or error.retried:
            return False
        unreached = error if isinstance(error, NetworkProblem) and not error.sent else None
        if unreached and self._tries >= unreachable_tries(unreached, interactive=self._interactive):
            return False
        if isinstance(error, ResponseUnreadable) and self._tries >= _UNREADABLE_TRIES:
            return False
        spread = backoff(self._tries, longest=_LONGEST_WAIT)
        wait = wait_within(self._deadline - anyio.current_time(), error, spread)
        if wait is None:
            return False
        SLOT.get().release(error)
        return wait


def refused(response: Response, flow: str | None, *, secret_sent: bool | None = None) -> OrgsyncError:
    """Return the error for a response that is no success, by what Salesforce says or by its status alone."""
    document = _document(response)
    error, description = _text(document, "error"), _text(document, "error_description")
    if error or description:
        return problem(error or "", description or "", flow=flow, secret_sent=secret_sent)
    return _moved(response) or _not_salesforce(response) or by_status_alone(response)


def _not_salesforce(response: Response) -> ResponseUnreadable | None:
    """Return the error for another server at a port of this machine, where no proxy stands between; None elsewhere.

    It knows no such address or method; what is an org there, a demo org, knows both.
    """
    if response.status not in _NO_TOKEN_ENDPOINT or not is_loopback(response.url):
        return None
    found = ResponseUnreadable(
        f"{host_of(response.url)} of this machine is not a Salesforce org: it answered a sign-in with status "
        f"{response.status}.",
        "Another server listens at that port; give the right one: orgsync connect NAME --login-url URL.",
    )
    found.retried = True  # it does not pass by itself
    return found


def _moved(response: Response) -> SignInNeeded | None:
    """Return the error for a login host that has moved; None for one that is not redirected."""
    target = response.redirected_to
    if target is None or not may_be_org(target, response.url):
        return None
    new = login_url(url=target)
    return SignInNeeded(
        f"The login host {host_of(response.url)} has moved to {new}.",
        f"Sign in there: orgsync connect NAME --login-url {new}",
    )


async def aside(
    http: Http,
    method: str,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response | None:
    """Send a request that a sign-in can do without; None where the network fails, or the server stays busy."""
    for tries in range(1, _ASIDE_TRIES + 1):
        try:
            response = await http.send(
                method, url, form=form, headers=headers, timeout=_ASIDE_TIMEOUT, largest=_LARGEST
            )
        except TransientProblem:
            return None
        if response.status != 420 and not passes(response.status):
            return response
        if tries < _ASIDE_TRIES:
            await pause(backoff(tries))
    return None


def _document(response: Response | None) -> dict[str, JSON]:
    """Return the response's JSON object, or an empty one for anything else."""
    if response is None:
        return {}
    try:
        document = response.json()
    except ResponseUnreadable:
        return {}
    return document if isinstance(document, dict) else {}


def _text(document: dict[str, JSON], name: str) -> str | None:
    value = document.get(name)
    return excerpt(value, _LONGEST_TEXT, addresses=True) if isinstance(value, str) and value else None


def _number(document: dict[str, JSON], name: str) -> float | None:
    value = document.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
