"""Which error a response is: from status, errorCode and body to the error that says who must act.

Codes decide, never texts: messages follow the user's language. The two kinds of REQUEST_LIMIT_EXCEEDED have one code,
so there the text decides (facts recorded in issue reports: "TotalRequests" is the day's, "Concurrent..."
is short-lived).
A text that is not known here is shown as it is, as far as it may be.
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
    ServerProblem,
    SessionInvalid,
)
from orgsync.printable import excerpt

from ..http.messages import Response
from .access import access_refused, api_currently_disabled, api_disabled, metered, security_policy, session_refused
from .error_body import ApiError, api_error_of, has_answers
from .gateway import no_route, passes, without_an_error

__all__ = [
    "problem_of",
    "problem_of_written",
    "with_remedy",
]

_LONGEST_DETAIL = 1000
_OUR_REQUEST = "orgsync wrote this request: see what orgsync doctor finds; if it finds nothing, report this message."


def problem_of(response: Response) -> OrgsyncError | None:
    """Return the error that a response is; None for success (2xx, 300 and 304)."""
    if response.ok or response.status in (300, 304):
        return None
    error = api_error_of(response)
    if error is None:
        return without_an_error(response)
    if meaning := _MEANINGS.get(error.code):
        return meaning(error)
    return _by_status(error)


def problem_of_written(response: Response) -> OrgsyncError | None:
    """Return the error as `problem_of` does, for a request that the user has written and can change.

    A flow or an Apex method that fails for one of several inputs has an answer for each, which is no error as a whole.
    """
    problem = None if has_answers(response) else problem_of(response)
    if isinstance(problem, QueryRefused):
        return with_remedy(problem, "Change the query or the request.")
    return problem


def with_remedy(problem: QueryRefused, remedy: str) -> QueryRefused:
    """Return the error with another remedy, unless it has one of its own."""
    if problem.remedy != _OUR_REQUEST:
        return problem
    changed = QueryRefused(problem.cause, remedy)
    changed.detail = problem.detail
    return changed


def _by_status(error: ApiError) -> OrgsyncError:
    """Return the error for an unknown code, by its status."""
    if error.status == 401:
        return SessionInvalid(f"{error.request} was refused ({error.shown}).", "Sign in again.")
    if error.status == 420:
        return no_route(error.request)
    if passes(error.status):
        return _server(error)
    if error.status == 403:
        return access_refused(error)
    if error.status == 404:
        return _not_found(error)
    return _query(error)


def _limit(error: ApiError) -> OrgsyncError:
    if "concurrent" in error.message.lower():
        return NotCarriedOut("Too many long requests run in the org at once.", "Run it again in a moment.")
    is_daily = "totalrequests" in error.message.lower()
    return LimitReached(
        f"The org's API requests of the last 24 hours are used up ({error.shown})."
        if is_daily
        else f"The org has reached a limit of its API requests ({error.shown}).",
        "Run it again later: it resumes where it stopped. Setup > System Overview shows the usage.",
    )


def _field(error: ApiError) -> OrgsyncError:
    found = re.search(r"column '([\w.]+)' on (?:entity|sobject of type) '?([\w.]*\w)", error.message)
    if not found:
        return _query(error)
    name, sobject = found.groups()
    return FieldNotFound(sobject, name, reported_as="INVALID_FIELD")


def _object(error: ApiError) -> OrgsyncError:
    found = re.search(r"sObject type '([\w.]+)'", error.message)
    return ObjectNotFound(found.group(1) if found else None, reported_as=error.code)


def _query(error: ApiError) -> OrgsyncError:
    if _demands_filter(error.message):
        remedy = "Narrow it as the message says; in a sync: ctx.snapshot(..., where=...)."
        return FilterRequired.by_salesforce(error.request, error.shown, remedy)
    problem = QueryRefused.by_salesforce(error.request, error.shown, _OUR_REQUEST)
    if error.writes:  # for the author alone, at a terminal
        problem.detail = " ".join(error.message[:_LONGEST_DETAIL].split())
    return problem


def _demands_filter(message: str) -> bool:
    """Return whether an object cannot be queried without a filter, by texts recorded in issue reports."""
    text = message.lower()
    return "implementation restriction" in text or "filter on a reified column is required" in text


def _not_served(error: ApiError) -> OrgsyncError:
    return NotServed(
        excerpt(error.message, 500) or f"{error.request} is not served ({error.code}).",
        "Test this with a cassette that is recorded from a real org.",
    )


def _not_found(error: ApiError) -> OrgsyncError:
    return NotFound(
        f"{error.request} was not found ({error.code}).",
        "Check its name or Id, and that the user may see it: what is deleted or not shared with the user is not found.",
    )


def _server(error: ApiError) -> OrgsyncError:
    return ServerProblem(
        f"{error.request} was answered with status {error.status} ({error.shown}).", "Run it again later."
    )


def _not_carried_out(error: ApiError) -> OrgsyncError:
    return NotCarriedOut(
        f"{error.request} was not processed by Salesforce ({error.shown}).", "Run it again in a moment."
    )


def _locator(error: ApiError) -> OrgsyncError:
    return LocatorExpired(
        f"Salesforce does not have the remaining pages of the query, or not any more ({error.code}).",
        "Run the query again; pages are kept for two days at most, and fewer queries at once keep them longer.",
    )


def _locator_wrong(error: ApiError) -> OrgsyncError:
    return LocatorExpired(
        f"The address of the query's next page is none that Salesforce has given ({error.code}).",
        "Run the query again, and use the address of each page unchanged.",
    )


def _locator_busy(error: ApiError) -> OrgsyncError:
    return LocatorBusy(
        f"The remaining pages of the query are not available at the moment ({error.code}).", "Run the query again."
    )


def _timed_out(error: ApiError) -> OrgsyncError:
    return QueryTimedOut(
        f"{error.request} runs longer than Salesforce allows ({error.code}).",
        "Read less at once: a shorter time, fewer fields, or a condition on an indexed field.",
    )


def _too_large(error: ApiError) -> OrgsyncError:
    return QueryRefused(
        f"{error.request} reads more rows than Salesforce scans for this user ({error.code}).",
        "Narrow the query by an indexed field, or give the user View All Data: Salesforce then scans no sharing.",
    )


def _too_complicated(error: ApiError) -> OrgsyncError:
    return QueryRefused(
        f"{error.request} selects too many fields, or its conditions are too long ({error.code}).",
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
    "INVALID_QUERY_LOCATOR_FORMAT": _locator_wrong,
    "LOCATOR_LOCATION_EXCEEDS_SIZE": _locator_wrong,
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
