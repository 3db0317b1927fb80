"""What Salesforce's answers mean: from status, errorCode and body to the error that says who must act.

Codes decide, never texts: messages follow the user's language. The two kinds of REQUEST_LIMIT_EXCEEDED have one code,
so there the text has to tell (facts recorded in issue reports: "TotalRequests" is the day's, "Concurrent..." passes).
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from orgsync.errors import (
    AccessRefused,
    AnswerUnreadable,
    FieldNotFound,
    LimitReached,
    ObjectNotFound,
    OperatorProblem,
    OrgsyncError,
    QueryRefused,
    ServerProblem,
)

from .http import Answer

__all__ = ["LocatorExpired", "NotCarriedOut", "NotFound", "SessionInvalid", "problem_of", "unreadable"]


class SessionInvalid(OperatorProblem):
    """The access token is dead, or is used on a host that the org has left: sign in again and repeat the request."""

    exit_code = 3


class NotCarriedOut(ServerProblem):
    """Salesforce says that it did nothing, for now: even a write may be sent again."""


class LocatorExpired(ServerProblem):
    """The rest of a query's pages is gone; a query from the last row read gets them."""


class NotFound(QueryRefused):
    """The addressed row or resource does not exist, or the user may not see it."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """The first error of an answer, and what may be shown of it."""

    status: int
    code: str
    message: str
    request: str

    @property
    def shown(self) -> str:
        """The message without the query that Salesforce echoes in it, and without quoted values."""
        text = re.split(r"ERROR at Row:\d+:Column:\d+\s*", self.message)[-1]
        text = " ".join(re.sub(r"'([^']*)'", _only_names, text).split())
        return f"{self.code}: {text[:240]}".rstrip(": ")


def problem_of(answer: Answer) -> OrgsyncError | None:
    """Decide what an answer means; None for success (2xx, 300 and 304 included)."""
    if answer.ok or answer.status in (300, 304):
        return None
    refusal = _refusal(answer)
    if refusal is None:
        return _unspoken(answer)
    if meaning := _MEANINGS.get(refusal.code):
        return meaning(refusal)
    return _by_status(refusal)


def _refusal(answer: Answer) -> _Refusal | None:
    """Read `[{message, errorCode}]`, a single object too; None where the body is something else."""
    try:
        body: Any = json.loads(answer.content)
    except ValueError:
        return None
    first: Any = next(iter(cast("Iterable[Any]", body)), None) if isinstance(body, list) else body
    if not isinstance(first, dict):
        return None
    error = cast("dict[str, Any]", first)
    code = error.get("errorCode") or error.get("statusCode") or error.get("error")
    if not isinstance(code, str):
        return None
    return _Refusal(answer.status, code, str(error.get("message", "")), answer.place)


def _unspoken(answer: Answer) -> OrgsyncError:
    """Judge an answer that has no Salesforce error in it: a proxy's, an edge's, a maintenance page's."""
    kind = "a maintenance page" if b"maintenance" in answer.content[:4096].lower() else f"status {answer.status}"
    if answer.status == 401:
        return SessionInvalid(f"{answer.place} was refused with status 401.", "Sign in again.")
    if answer.status in (414, 431):
        return QueryRefused(
            f"The request is longer than Salesforce takes (status {answer.status}).",
            "Select fewer fields or bind shorter lists: address and headers have room for 16,384 bytes.",
        )
    if answer.status in (408, 420, 421, 425, 429) or answer.status >= 500:
        return ServerProblem(
            f"{answer.place} was answered with {kind}.", "Salesforce is down or busy; run it again later."
        )
    if 300 <= answer.status < 400:
        return QueryRefused(
            f"{answer.place} was answered with a redirection.", "Check the login URL and the connection's instance URL."
        )
    return QueryRefused(f"{answer.place} was refused with status {answer.status}.", "Check the path and the login URL.")


def _by_status(refusal: _Refusal) -> OrgsyncError:
    """Judge a code that the table does not have by its status."""
    if refusal.status == 401:
        return SessionInvalid(f"{refusal.request} was refused ({refusal.code}).", "Sign in again.")
    if refusal.status in (408, 420, 421, 425, 429) or refusal.status >= 500:
        return _server(refusal)
    if refusal.status == 403:
        return _access(refusal)
    if refusal.status == 404:
        return _not_found(refusal)
    return _query(refusal)


def _session(refusal: _Refusal) -> OrgsyncError:
    """Tell a dead session from one that no renewal can mend: the token's scope lacks `api`."""
    if "not valid for use with" in refusal.message or "not attached to" in refusal.message:
        return AccessRefused(
            "The sign-in does not allow API calls.",
            "Give the app the scope `api` (Manage user data via APIs) and connect again.",
        )
    return SessionInvalid("The session is expired or invalid.", "Sign in again.")


def _limit(refusal: _Refusal) -> OrgsyncError:
    if "concurrent" in refusal.message.lower():
        return NotCarriedOut("Too many long requests run in the org at once.", "Run it again in a moment.")
    return LimitReached(
        "The org's API requests of the last 24 hours are spent (REQUEST_LIMIT_EXCEEDED).",
        "Run it again later: it goes on from where it stopped. Setup > System Overview shows the usage.",
    )


def _field(refusal: _Refusal) -> OrgsyncError:
    found = re.search(r"column '([\w.]+)' on (?:entity|sobject of type) '([\w.]+)'", refusal.message)
    if not found:
        return _query(refusal)
    name, sobject = found.groups()
    return FieldNotFound(
        f"{sobject} has no field {name}, or the connection's user may not see it (INVALID_FIELD).",
        f"Check the spelling, and that a permission set of the user gives Read on {sobject}.{name}.",
    )


def _object(refusal: _Refusal) -> OrgsyncError:
    found = re.search(r"sObject type '([\w.]+)'", refusal.message)
    name = found.group(1) if found else "The object"
    return ObjectNotFound(
        f"{name} does not exist in the org, or the connection's user may not see it ({refusal.code}).",
        "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
    )


def _query(refusal: _Refusal) -> OrgsyncError:
    return QueryRefused(f"Salesforce refuses {refusal.request} ({refusal.shown}).", "Change the query or the request.")


def _not_found(refusal: _Refusal) -> OrgsyncError:
    return NotFound(
        f"{refusal.request} was not found ({refusal.code}).", "It is absent, deleted, or not shared with the user."
    )


def _access(refusal: _Refusal) -> OrgsyncError:
    return AccessRefused(
        f"The org refuses {refusal.request} ({refusal.shown}).",
        "Ask its administrator for the permission that is named, or for API Enabled.",
    )


def _api_disabled(refusal: _Refusal) -> OrgsyncError:
    return AccessRefused(
        f"The org does not let this user call its API ({refusal.code}).",
        "Give the user the permission API Enabled; Professional Edition needs API access bought.",
    )


def _server(refusal: _Refusal) -> OrgsyncError:
    return ServerProblem(
        f"{refusal.request} was answered with status {refusal.status} ({refusal.code}).", "Run it again later."
    )


def _not_carried_out(refusal: _Refusal) -> OrgsyncError:
    return NotCarriedOut(f"{refusal.request} was put off by Salesforce ({refusal.code}).", "Run it again in a moment.")


def _locator(refusal: _Refusal) -> OrgsyncError:
    return LocatorExpired(
        f"The rest of the query's pages is gone ({refusal.code}).",
        "Run the query again; pages are kept for two days at most, and fewer queries at once keep them longer.",
    )


def _only_names(match: re.Match[str]) -> str:
    """Keep quoted field and object names; a quoted value may be a customer's."""
    return match.group(0) if re.fullmatch(r"[A-Za-z]\w*(\.\w+)*", match.group(1)) else "'…'"


_MEANINGS: dict[str, Callable[[_Refusal], OrgsyncError]] = {
    "INVALID_SESSION_ID": _session,
    "INVALID_AUTH_HEADER": _session,
    "URL_NOT_RESET": _session,
    "REQUEST_LIMIT_EXCEEDED": _limit,
    "INVALID_FIELD": _field,
    "INVALID_TYPE": _object,
    "API_DISABLED_FOR_ORG": _api_disabled,
    "INVALID_QUERY_LOCATOR": _locator,
    "QUERY_LOCATOR_EXPIRED": _locator,
    "QUERY_LOCATOR_NOT_FOUND": _locator,
    "TEMPORARY_QUERY_MORE_FAILURE": _server,
    "QUERY_TIMEOUT": _server,
    "UNABLE_TO_LOCK_ROW": _not_carried_out,
    "TOO_MANY_APEX_REQUESTS": _not_carried_out,
    "API_CURRENTLY_DISABLED": _not_carried_out,
    "SERVER_UNAVAILABLE": _server,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": _not_carried_out,
    "NOT_FOUND": _not_found,
    "ENTITY_IS_DELETED": _not_found,
}


def unreadable(answer: Answer) -> AnswerUnreadable:
    """Say that a successful answer does not have the shape it should."""
    return AnswerUnreadable(
        f"{answer.place} was answered with JSON of an unexpected shape.", "Check that the login URL is Salesforce's."
    )
