"""What Salesforce's answers mean: from status, errorCode and body to the error that says who must act.

Codes decide, never texts: messages follow the user's language. The two kinds of REQUEST_LIMIT_EXCEEDED have one code,
so there the text has to tell (facts recorded in issue reports: "TotalRequests" is the day's, "Concurrent..." passes).
A text that nothing here explains is shown as it is, as far as it may be.
"""

import re
from collections.abc import Callable

from orgsync.errors import (
    FieldNotFound,
    FilterRequired,
    LimitReached,
    LocatorBusy,
    LocatorExpired,
    NotCarriedOut,
    NotFound,
    NotServed,
    ObjectNotFound,
    OrgsyncError,
    QueryRefused,
    QueryTimedOut,
    ResponseUnreadable,
    ServerProblem,
    SessionInvalid,
)
from orgsync.printable import excerpt

from ..http.messages import Response
from .access import access_refused, api_currently_disabled, api_disabled, metered, security_policy, session_refused
from .error_body import ApiError, api_error_of
from .gateway import no_route, passes, without_an_error

__all__ = [
    "problem_of",
    "problem_of_written",
    "unreadable",
    "with_remedy",
]

_LONGEST_DETAIL = 1000
_OUR_REQUEST = "orgsync wrote this request: see what orgsync doctor finds; if it finds nothing, report this message."


def problem_of(answer: Response) -> OrgsyncError | None:
    """Decide what an answer means; None for success (2xx, 300 and 304 included)."""
    if answer.ok or answer.status in (300, 304):
        return None
    refusal = api_error_of(answer)
    if refusal is None:
        return without_an_error(answer)
    if meaning := _MEANINGS.get(refusal.code):
        return meaning(refusal)
    return _by_status(refusal)


def problem_of_written(answer: Response) -> OrgsyncError | None:
    """Decide what an answer to a request means that the user has written, and so can change; else as `problem_of`."""
    problem = problem_of(answer)
    if isinstance(problem, QueryRefused):
        return with_remedy(problem, "Change the query or the request.")
    return problem


def with_remedy(problem: QueryRefused, remedy: str) -> QueryRefused:
    """Give a refusal another remedy, where nothing better is known than that orgsync wrote the request."""
    if problem.remedy != _OUR_REQUEST:
        return problem
    changed = QueryRefused(problem.cause, remedy)
    changed.detail = problem.detail
    return changed


def _by_status(refusal: ApiError) -> OrgsyncError:
    """Judge a code that the table does not have by its status."""
    if refusal.status == 401:
        return SessionInvalid(f"{refusal.request} was refused ({refusal.shown}).", "Sign in again.")
    if refusal.status == 420:
        return no_route(refusal.request)
    if passes(refusal.status):
        return _server(refusal)
    if refusal.status == 403:
        return access_refused(refusal)
    if refusal.status == 404:
        return _not_found(refusal)
    return _query(refusal)


def _limit(refusal: ApiError) -> OrgsyncError:
    if "concurrent" in refusal.message.lower():
        return NotCarriedOut("Too many long requests run in the org at once.", "Run it again in a moment.")
    return LimitReached(
        f"The org's API requests of the last 24 hours are spent ({refusal.shown}).",
        "Run it again later: it goes on from where it stopped. Setup > System Overview shows the usage.",
    )


def _field(refusal: ApiError) -> OrgsyncError:
    found = re.search(r"column '([\w.]+)' on (?:entity|sobject of type) '?([\w.]*\w)", refusal.message)
    if not found:
        return _query(refusal)
    name, sobject = found.groups()
    return FieldNotFound(
        f"{sobject} has no field {name}, or the connection's user may not see it (INVALID_FIELD).",
        f"Check the spelling, and that a permission set of the user gives Read on {sobject}.{name}.",
        field=name,
    )


def _object(refusal: ApiError) -> OrgsyncError:
    found = re.search(r"sObject type '([\w.]+)'", refusal.message)
    name = found.group(1) if found else "The object"
    return ObjectNotFound(
        f"{name} does not exist in the org, or the connection's user may not see it ({refusal.code}).",
        "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
    )


def _query(refusal: ApiError) -> OrgsyncError:
    if _demands_filter(refusal.message):
        return FilterRequired(
            f"Salesforce refuses {refusal.request} ({refusal.shown}).",
            "Narrow it as the message says; in a sync: ctx.snapshot(..., where=...).",
        )
    problem = QueryRefused(f"Salesforce refuses {refusal.request} ({refusal.shown}).", _OUR_REQUEST)
    if refusal.writes:  # for the author alone, at a terminal
        problem.detail = " ".join(refusal.message[:_LONGEST_DETAIL].split())
    return problem


def _demands_filter(message: str) -> bool:
    """Tell the wordings for objects that cannot be queried without a filter (recorded in issue reports)."""
    text = message.lower()
    return "implementation restriction" in text or "filter on a reified column is required" in text


def _not_served(refusal: ApiError) -> OrgsyncError:
    return NotServed(
        excerpt(refusal.message, 500) or f"{refusal.request} is not served ({refusal.code}).",
        "Test this with a cassette that is recorded from a real org.",
    )


def _not_found(refusal: ApiError) -> OrgsyncError:
    return NotFound(
        f"{refusal.request} was not found ({refusal.code}).", "It is absent, deleted, or not shared with the user."
    )


def _server(refusal: ApiError) -> OrgsyncError:
    return ServerProblem(
        f"{refusal.request} was answered with status {refusal.status} ({refusal.shown}).", "Run it again later."
    )


def _not_carried_out(refusal: ApiError) -> OrgsyncError:
    return NotCarriedOut(f"{refusal.request} was put off by Salesforce ({refusal.shown}).", "Run it again in a moment.")


def _locator(refusal: ApiError) -> OrgsyncError:
    return LocatorExpired(
        f"The rest of the query's pages is gone ({refusal.code}).",
        "Run the query again; pages are kept for two days at most, and fewer queries at once keep them longer.",
    )


def _locator_busy(refusal: ApiError) -> OrgsyncError:
    return LocatorBusy(
        f"The rest of the query's pages cannot be had just now ({refusal.code}).", "Run the query again."
    )


def _timed_out(refusal: ApiError) -> OrgsyncError:
    return QueryTimedOut(
        f"{refusal.request} runs longer than Salesforce allows ({refusal.code}).",
        "Ask for less at once: a shorter time, fewer fields, or a condition on an indexed field.",
    )


def _too_large(refusal: ApiError) -> OrgsyncError:
    return QueryRefused(
        f"{refusal.request} touches more rows than Salesforce looks through for this user ({refusal.code}).",
        "Narrow the query by an indexed field; with the permission View All Data sharing need not be computed.",
    )


def _too_complicated(refusal: ApiError) -> OrgsyncError:
    return QueryRefused(
        f"{refusal.request} selects too many fields, or its conditions are too long ({refusal.code}).",
        "Select fewer fields, formula and currency fields first, or split the record class in two.",
    )


_MEANINGS: dict[str, Callable[[ApiError], OrgsyncError]] = {
    "INVALID_SESSION_ID": session_refused,
    "INVALID_AUTH_HEADER": session_refused,
    "URL_NOT_RESET": session_refused,
    "REQUEST_LIMIT_EXCEEDED": _limit,
    "INVALID_FIELD": _field,
    "INVALID_TYPE": _object,
    "API_DISABLED_FOR_ORG": api_disabled,
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
    "API_CURRENTLY_DISABLED": api_currently_disabled,
    "TXN_SECURITY_METERING_ERROR": metered,
    "TXN_SECURITY_NO_ACCESS": security_policy,
    "SERVER_UNAVAILABLE": _server,
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE": _not_carried_out,
    "NOT_FOUND": _not_found,
    "NOT_IMPLEMENTED": _not_served,
    "ENTITY_IS_DELETED": _not_found,
}


def unreadable(answer: Response, detail: str = "") -> ResponseUnreadable:
    """Say that a successful answer does not have the shape it should; `detail` names the field that is wrong."""
    refusal = api_error_of(answer)
    if refusal is not None:
        return ResponseUnreadable(
            f"{answer.place} was answered with an error of Salesforce's under the status of success, {answer.status} "
            f"({refusal.shown}).",
            "Run it again later; where it stays so, look for a proxy on the way to the org.",
        )
    return ResponseUnreadable(
        f"{answer.place} was answered with JSON of an unexpected shape{f' ({detail})' if detail else ''}.",
        "Run it again later; where it stays so, look for a proxy on the way to the org.",
    )
