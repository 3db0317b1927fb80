"""What Salesforce's answers mean: from status, errorCode and body to the error that says who must act.

    QueryRefused
    ├── NotServed              a demo org does not do what Salesforce does
    ├── NotFound               a row or resource is absent
    ├── NotReplicateable       getUpdated and getDeleted do not cover the object
    └── FilterRequired         the object is queried under a filter of a certain form alone
    ServerProblem
    ├── NotCarriedOut          nothing happened yet, so even a write may be sent again
    ├── NoRoute                Salesforce's edge does not know the host (420)
    ├── QueryTimedOut          the query takes too long as it is: ask for less at once
    ├── QueryIncomplete        the query ended with fewer rows than it found
    └── LocatorExpired         the rest of a query's pages is gone
        └── LocatorBusy          or not to be had just now

Codes decide, never texts: messages follow the user's language. The two kinds of REQUEST_LIMIT_EXCEEDED have one code,
so there the text has to tell (facts recorded in issue reports: "TotalRequests" is the day's, "Concurrent..." passes).
"""

import re
from collections.abc import Callable

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
from orgsync.printable import excerpt

from .refusals import Refusal, refusal_of
from .wire import Answer

__all__ = [
    "FilterRequired",
    "LocatorBusy",
    "LocatorExpired",
    "NoRoute",
    "NotCarriedOut",
    "NotFound",
    "NotReplicateable",
    "NotServed",
    "QueryIncomplete",
    "QueryTimedOut",
    "SessionInvalid",
    "problem_of",
    "unreadable",
]


_LONGEST_DETAIL = 1000


class SessionInvalid(OperatorProblem):
    """The access token is dead, or is used on a host that the org has left: sign in again and repeat the request."""

    exit_code = 3


class NotCarriedOut(ServerProblem):
    """Salesforce says that it did nothing, for now: even a write may be sent again."""


class NoRoute(ServerProblem):
    """Salesforce's edge knows no way to the host: an org that is moving, or a sandbox or scratch org that is gone."""


class QueryTimedOut(ServerProblem):
    """The query runs longer than Salesforce allows (2 minutes to find its rows); the same query would do so again."""


class QueryIncomplete(ServerProblem):
    """A query ended with fewer rows than Salesforce says it found."""


class LocatorExpired(ServerProblem):
    """The rest of a query's pages is gone; a query from the last row read gets them."""


class LocatorBusy(LocatorExpired):
    """The rest of a query's pages cannot be had just now, and may be gone."""


class NotFound(QueryRefused):
    """The addressed row or resource does not exist, or the user may not see it."""


class NotServed(QueryRefused):
    """A demo org does not do what Salesforce does, and says so in its own words."""


class NotReplicateable(QueryRefused):
    """getUpdated and getDeleted do not cover the object, by Salesforce's own words."""


class FilterRequired(QueryRefused):
    """The object can be queried under a filter of a certain form alone, such as one parent's Id."""


def problem_of(answer: Answer) -> OrgsyncError | None:
    """Decide what an answer means; None for success (2xx, 300 and 304 included)."""
    if answer.ok or answer.status in (300, 304):
        return None
    refusal = refusal_of(answer)
    if refusal is None:
        return _unspoken(answer)
    if meaning := _MEANINGS.get(refusal.code):
        return meaning(refusal)
    return _by_status(refusal)


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
    if answer.status == 420:
        return _no_route(answer.place)
    if _passes(answer.status):
        return ServerProblem(
            f"{answer.place} was answered with {kind}.", "Salesforce is down or busy; run it again later."
        )
    if 300 <= answer.status < 400:
        return AnswerUnreadable(
            f"{answer.place} was answered with a redirection (status {answer.status}), not by Salesforce's API.",
            "Run it again later; where it stays so, check the connection's instance URL and proxies on the way to it.",
        )
    return AnswerUnreadable(
        f"{answer.place} was refused with status {answer.status}, without an error of Salesforce's in the answer.",
        "Run it again later; where it stays so, look for a proxy or firewall on the way to the org.",
    )


def _by_status(refusal: Refusal) -> OrgsyncError:
    """Judge a code that the table does not have by its status."""
    if refusal.status == 401:
        return SessionInvalid(f"{refusal.request} was refused ({refusal.code}).", "Sign in again.")
    if refusal.status == 420:
        return _no_route(refusal.request)
    if _passes(refusal.status):
        return _server(refusal)
    if refusal.status == 403:
        return _access(refusal)
    if refusal.status == 404:
        return _not_found(refusal)
    return _query(refusal)


def _passes(status: int) -> bool:
    """Tell the statuses of a server, edge or proxy that is busy, restarting or down."""
    return status in (406, 408, 421, 425, 429) or status >= 500


def _no_route(request: str) -> NoRoute:
    return NoRoute(
        f"Salesforce's edge has no route for {request} (status 420).",
        "Run it again later; a deleted sandbox or scratch org, or one that has just been renamed, answers like this.",
    )


def _session(refusal: Refusal) -> OrgsyncError:
    """Tell a dead session from one that no renewal can mend: the token's scope lacks `api`."""
    if "not valid for use with" in refusal.message or "not attached to" in refusal.message:
        return AccessRefused(
            "The sign-in does not allow API calls.",
            "Give the app the scope `api` (Manage user data via APIs) and connect again.",
        )
    return SessionInvalid("The session is expired or invalid.", "Sign in again.")


def _limit(refusal: Refusal) -> OrgsyncError:
    if "concurrent" in refusal.message.lower():
        return NotCarriedOut("Too many long requests run in the org at once.", "Run it again in a moment.")
    return LimitReached(
        "The org's API requests of the last 24 hours are spent (REQUEST_LIMIT_EXCEEDED).",
        "Run it again later: it goes on from where it stopped. Setup > System Overview shows the usage.",
    )


def _field(refusal: Refusal) -> OrgsyncError:
    found = re.search(r"column '([\w.]+)' on (?:entity|sobject of type) '?([\w.]*\w)", refusal.message)
    if not found:
        return _query(refusal)
    name, sobject = found.groups()
    return FieldNotFound(
        f"{sobject} has no field {name}, or the connection's user may not see it (INVALID_FIELD).",
        f"Check the spelling, and that a permission set of the user gives Read on {sobject}.{name}.",
        field=name,
    )


def _object(refusal: Refusal) -> OrgsyncError:
    found = re.search(r"sObject type '([\w.]+)'", refusal.message)
    name = found.group(1) if found else "The object"
    return ObjectNotFound(
        f"{name} does not exist in the org, or the connection's user may not see it ({refusal.code}).",
        "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
    )


def _query(refusal: Refusal) -> OrgsyncError:
    if _demands_filter(refusal.message):
        return FilterRequired(
            f"Salesforce refuses {refusal.request} ({refusal.shown}).",
            "Narrow it as the message says; in a sync: ctx.snapshot(..., where=...).",
        )
    problem = QueryRefused(
        f"Salesforce refuses {refusal.request} ({refusal.shown}).", "Change the query or the request."
    )
    if refusal.writes:  # for the author alone, at a terminal
        problem.detail = " ".join(refusal.message[:_LONGEST_DETAIL].split())
    return problem


def _demands_filter(message: str) -> bool:
    """Tell the wordings for objects that cannot be queried without a filter (recorded in issue reports)."""
    text = message.lower()
    return "implementation restriction" in text or "filter on a reified column is required" in text


def _not_served(refusal: Refusal) -> OrgsyncError:
    return NotServed(
        excerpt(refusal.message, 500) or f"{refusal.request} is not served ({refusal.code}).",
        "Test this with a cassette that is recorded from a real org.",
    )


def _not_found(refusal: Refusal) -> OrgsyncError:
    return NotFound(
        f"{refusal.request} was not found ({refusal.code}).", "It is absent, deleted, or not shared with the user."
    )


def _access(refusal: Refusal) -> OrgsyncError:
    return AccessRefused(
        f"The org refuses {refusal.request} ({refusal.shown}).",
        "Ask its administrator for the permission that is named, or for API Enabled.",
    )


def _api_disabled(refusal: Refusal) -> OrgsyncError:
    return AccessRefused(
        f"The org does not let this user call its API ({refusal.code}).",
        "Give the user the permission API Enabled; Professional Edition needs API access bought.",
    )


def _server(refusal: Refusal) -> OrgsyncError:
    return ServerProblem(
        f"{refusal.request} was answered with status {refusal.status} ({refusal.code}).", "Run it again later."
    )


def _not_carried_out(refusal: Refusal) -> OrgsyncError:
    return NotCarriedOut(f"{refusal.request} was put off by Salesforce ({refusal.code}).", "Run it again in a moment.")


def _locator(refusal: Refusal) -> OrgsyncError:
    return LocatorExpired(
        f"The rest of the query's pages is gone ({refusal.code}).",
        "Run the query again; pages are kept for two days at most, and fewer queries at once keep them longer.",
    )


def _locator_busy(refusal: Refusal) -> OrgsyncError:
    return LocatorBusy(
        f"The rest of the query's pages cannot be had just now ({refusal.code}).", "Run the query again."
    )


def _timed_out(refusal: Refusal) -> OrgsyncError:
    return QueryTimedOut(
        f"{refusal.request} runs longer than Salesforce allows ({refusal.code}).",
        "Ask for less at once: a shorter time, fewer fields, or a condition on an indexed field.",
    )


def _too_large(refusal: Refusal) -> OrgsyncError:
    return QueryRefused(
        f"{refusal.request} touches more rows than Salesforce looks through for this user ({refusal.code}).",
        "Narrow the query by an indexed field; with the permission View All Data sharing need not be computed.",
    )


def _too_complicated(refusal: Refusal) -> OrgsyncError:
    return QueryRefused(
        f"{refusal.request} selects too many fields, or its conditions are too long ({refusal.code}).",
        "Select fewer fields, formula and currency fields first, or split the record class in two.",
    )


_MEANINGS: dict[str, Callable[[Refusal], OrgsyncError]] = {
    "INVALID_SESSION_ID": _session,
    "INVALID_AUTH_HEADER": _session,
    "URL_NOT_RESET": _session,
    "REQUEST_LIMIT_EXCEEDED": _limit,
    "INVALID_FIELD": _field,
    "INVALID_TYPE": _object,
    "API_DISABLED_FOR_ORG": _api_disabled,
    "INVALID_QUERY_LOCATOR": _locator,
    "INVALID_QUERY_LOCATOR_FORMAT": _locator,
    "LOCATOR_LOCATION_EXCEEDS_SIZE": _locator,
    "QUERY_LOCATOR_EXPIRED": _locator,
    "QUERY_LOCATOR_NOT_FOUND": _locator,
    "TEMPORARY_QUERY_MORE_FAILURE": _locator_busy,
    "QUERY_TIMEOUT": _timed_out,
    "OPERATION_TOO_LARGE": _too_large,
    "QUERY_TOO_COMPLICATED": _too_complicated,
    "UNABLE_TO_LOCK_ROW": _not_carried_out,
    "TOO_MANY_APEX_REQUESTS": _not_carried_out,
    "API_CURRENTLY_DISABLED": _not_carried_out,
    "SERVER_UNAVAILABLE": _server,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": _not_carried_out,
    "NOT_FOUND": _not_found,
    "NOT_IMPLEMENTED": _not_served,
    "ENTITY_IS_DELETED": _not_found,
}


def unreadable(answer: Answer) -> AnswerUnreadable:
    """Say that a successful answer does not have the shape it should."""
    return AnswerUnreadable(
        f"{answer.place} was answered with JSON of an unexpected shape.", "Check that the login URL is Salesforce's."
    )
