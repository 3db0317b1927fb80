"""Responses of the token endpoint, with all their quirks."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orgsync.errors import ResponseUnreadable
from orgsync.printable import whole

from ..http.http import JSON

__all__ = ["TokenResponse", "lifetime_of", "parse_token_response", "same_org"]

_ORG_ID = re.compile(r"00D[a-zA-Z0-9]{12}(?:[a-zA-Z0-9]{3})?")
_USER_ID = re.compile(r"005[a-zA-Z0-9]{12}(?:[a-zA-Z0-9]{3})?")


_LONGEST_LIFE = 1e9  # seconds; thirty years


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResponse:
    """A successful token response.

    `instance_url` and `api_instance_url` are what Salesforce says and are not checked yet. `refresh_token` is present
    at the first sign-in and where refresh tokens rotate. The ids are None where the response does not say; `expires_in`
    is, on nearly all flows.
    """

    access_token: str = field(repr=False)
    instance_url: str | None
    api_instance_url: str | None = None
    org_id: str | None
    user_id: str | None
    refresh_token: str | None = field(default=None, repr=False)
    scope: str | None = None
    issued_at: datetime | None = None
    expires_in: float | None = None


def parse_token_response(document: JSON) -> TokenResponse:
    """Read the token endpoint's JSON; raise ResponseUnreadable where it holds no access token."""
    if not isinstance(document, dict):
        raise _unreadable()
    access_token = _text(document, "access_token")
    if access_token is None:
        raise _unreadable()
    identity = (_text(document, "id") or "").split("/")
    return TokenResponse(
        access_token=access_token,
        instance_url=(_text(document, "instance_url") or "").rstrip("/") or None,
        api_instance_url=(_text(document, "api_instance_url") or "").rstrip("/") or None,
        org_id=_first_id(_ORG_ID, [*identity, access_token.partition("!")[0]]),
        user_id=_first_id(_USER_ID, identity),
        refresh_token=_text(document, "refresh_token"),
        scope=_text(document, "scope"),
        issued_at=_instant(_number(document, "issued_at")),
        expires_in=lifetime_of(_number(document, "expires_in")),
    )


def lifetime_of(seconds: float | None) -> float | None:
    """Return a token's lifetime; None, for unknown, where it is implausible."""
    return seconds if seconds is not None and 0 < seconds <= _LONGEST_LIFE else None


def same_org(one: str, other: str) -> bool:
    """Return whether two org ids, of 15 or 18 characters, name the same org."""
    return one[:15] == other[:15]


def _unreadable() -> ResponseUnreadable:
    problem = ResponseUnreadable(
        "The login host answered a sign-in with neither a token nor an error.",
        "Check that the login URL is Salesforce's own and not a portal in front of it; to give another: "
        "orgsync connect NAME --login-url URL.",
    )
    problem.retried = True  # what answers so does not pass by itself
    return problem


def _text(document: dict[str, JSON], name: str) -> str | None:
    value = document.get(name)
    return whole(value) if isinstance(value, str) and value else None


def _number(document: dict[str, JSON], name: str) -> float | None:
    """Read a number that is written as a number or as a string of digits."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 < number < 1e15 else None


def _instant(milliseconds: float | None) -> datetime | None:
    if milliseconds is None:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _first_id(pattern: re.Pattern[str], candidates: list[str]) -> str | None:
    return next((candidate for candidate in candidates if pattern.fullmatch(candidate)), None)
