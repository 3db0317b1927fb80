"""The browser flow without a browser: the URL to send a person to, and what the URL that they return with means.

`begin` and `finish` may run in different processes, days of code apart: everything that `finish` needs is in the
Authorization, which the caller keeps. The code verifier never leaves this side before the code has come back, so a
stolen code is worthless (PKCE); the state ties the callback to the person who began.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from orgsync.clock import utc_now
from orgsync.errors import OrgsyncError, SignInNeeded

from ..http.http import Http
from .credentials import Credentials
from .grants import code_form
from .sign_in import accepted
from .sign_in_errors import problem
from .token_endpoint import request_token

__all__ = ["Authorization", "Prompt", "begin", "code_of", "finish", "label_of", "state_of"]

Prompt: TypeAlias = Literal["login", "consent", "select_account", "login consent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A sign-in that has begun: where to send the person, and what its callback is checked against.

    `state` and `code_verifier` are secret until the sign-in is finished, and so is `url`, which holds the state.
    """

    url: str = field(repr=False)
    state: str = field(repr=False)
    code_verifier: str = field(repr=False)
    login_url: str
    client_id: str = field(repr=False)
    redirect_uri: str


def begin(
    login_url: str,
    client_id: str,
    redirect_uri: str,
    *,
    scopes: Sequence[str] = ("api", "refresh_token"),
    prompt: Prompt | None = None,
    login_hint: str | None = None,
    label: str = "",
) -> Authorization:
    """Begin a sign-in; `redirect_uri` must be exactly one of the app's callback URLs.

    `label` is a text that the state begins with, by which `label_of` finds what the callback belongs to; no secret.

    `prompt="login"` makes the person sign in again even where the browser has a session (with another org, maybe).
    """
    state = f"{label}.{secrets.token_urlsafe(32)}" if label else secrets.token_urlsafe(32)
    code_verifier = secrets.token_urlsafe(64)
    challenge = urlsafe_b64encode(hashlib.sha256(code_verifier.encode("ascii")).digest()).rstrip(b"=")
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": state,
        "code_challenge": challenge.decode("ascii"),
        "code_challenge_method": "S256",
    }
    if prompt is not None:
        query["prompt"] = prompt
    if login_hint is not None:
        query["login_hint"] = login_hint
    return Authorization(
        url=f"{login_url}/services/oauth2/authorize?{urlencode(query, quote_via=quote, safe='')}",
        state=state,
        code_verifier=code_verifier,
        login_url=login_url,
        client_id=client_id,
        redirect_uri=redirect_uri,
    )


def state_of(callback_url: str) -> str | None:
    """Read the state that a callback URL carries, to find the Authorization it belongs to."""
    return _parameter(callback_url, "state")


def label_of(state: str) -> str:
    """Return the label that a state begins with."""
    return state.partition(".")[0]


def code_of(callback_url: str, state: str) -> str:
    """Read the authorization code out of a callback URL.

    Raises SignInNeeded where the state is not the expected one, where Salesforce or the person refused, and where
    there is no code.
    """
    if not secrets.compare_digest((state_of(callback_url) or "").encode(), state.encode()):
        raise SignInNeeded(
            "The callback belongs to another sign-in than the one that was begun (its state differs).",
            "Start the sign-in again, and finish it in the same browser.",
        )
    error = _parameter(callback_url, "error")
    if error is not None:
        raise _refused(problem(error, _parameter(callback_url, "error_description") or ""))
    code = _parameter(callback_url, "code")
    if code is None:
        raise SignInNeeded("The callback holds no authorization code.", "Start the sign-in again.")
    return code


async def finish(
    http: Http,
    authorization: Authorization,
    callback_url: str,
    *,
    client_secret: str | None = None,
    org_id: str | None = None,
    allowed_hosts: Collection[str] = (),
    clock: Callable[[], datetime] = utc_now,
) -> Credentials:
    """Exchange the callback's code for credentials, to be completed by `sign_in`.

    `org_id` is the org that must respond, where one is expected. Raises as `code_of` and `request_token` do, and
    SignInNeeded where Salesforce issues no refresh token. The code works once, so nothing is retried.
    """
    form = code_form(
        code_of(callback_url, authorization.state),
        client_id=authorization.client_id,
        client_secret=client_secret,
        redirect_uri=authorization.redirect_uri,
        code_verifier=authorization.code_verifier,
    )
    asked_at = clock()
    response = await request_token(http, authorization.login_url, form)
    if response.refresh_token is None:
        unlasting = SignInNeeded(
            "Salesforce gave no refresh token, so the sign-in would end with its first token.",
            "Add the scope refresh_token (offline_access) to the app, check that its refresh token policy is not "
            "'expire immediately', and sign in again.",
        )
        unlasting.reason = "app_settings"
        raise unlasting
    expected = Credentials(
        grant="refresh-token",
        login_url=authorization.login_url,
        client_id=authorization.client_id,
        client_secret=client_secret,
        org_id=org_id,
    )
    return accepted(expected, response, asked_at, allowed_hosts=allowed_hosts)


def _refused(error: OrgsyncError) -> SignInNeeded:
    """Make the error of a callback final: a person must begin again even where Salesforce was only busy."""
    if isinstance(error, SignInNeeded):
        return error
    final = SignInNeeded(error.cause, "Start the sign-in again.")
    final.reason = "salesforce_busy"
    return final


def _parameter(url: str, name: str) -> str | None:
    """Read a parameter that occurs once; a repeated one is not to be trusted."""
    try:
        values = parse_qs(urlsplit(url).query, max_num_fields=50).get(name, [])
    except ValueError:
        return None
    return values[0] if len(values) == 1 else None
