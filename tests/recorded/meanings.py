"""What orgsync means by each error that was recorded: who must act, and whether it passes."""

import re

from orgsync.errors import (
    BulkRefused,
    FieldNotFound,
    JobFailed,
    LimitReached,
    LocatorExpired,
    NotCarriedOut,
    NotFound,
    ObjectNotFound,
    OrgsyncError,
    QueryRefused,
    ResponseUnreadable,
    ServerProblem,
    SignInNeeded,
)

from .exchange import Exchange

__all__ = ["MEANINGS", "meaning_of"]

MEANINGS: list[tuple[str, type[OrgsyncError]]] = [
    (r"401 .*INVALID_SESSION_ID", SignInNeeded),
    (r"400 .*(invalid_grant|invalid_client_id)", SignInNeeded),
    (r"404 GET \S+/describe .*NOT_FOUND", ObjectNotFound),
    (r"404 GET \S+/jobs/query/\w+ .*NOT_FOUND", JobFailed),
    (r"404 \S+ \S+/sobjects/\S+(?<!/describe) .*(NOT_FOUND|ENTITY_IS_DELETED)", NotFound),
    (r"400 .*No such column.*INVALID_FIELD", FieldNotFound),
    (r"400 .*error_message.*INVALID_FIELD", QueryRefused),
    (r"400 .*INVALID_TYPE", ObjectNotFound),
    (r"400 .*(INVALID_FIELD_FOR_INSERT_UPDATE|REQUIRED_FIELD_MISSING)", QueryRefused),
    (r"400 .*(MALFORMED_QUERY|MALFORMED_SEARCH|QUERY_TOO_COMPLICATED)", QueryRefused),
    (r"400 .*UNABLE_TO_LOCK_ROW", NotCarriedOut),
    (r"400 .*INVALID_QUERY_LOCATOR", LocatorExpired),
    (r"400 POST \S+/jobs/query .*API_ERROR", BulkRefused),
    (r"403 .*TotalRequests Limit", LimitReached),
    (r"403 .*ConcurrentRequests", NotCarriedOut),
    (r"400 .*Bad Message 400", ResponseUnreadable),
    (r"414 .*URI Too Long", QueryRefused),
    (r"50\d .*", ServerProblem),
    (r"200 GET \S+/jobs/query/\w+ .*\"Failed\"", JobFailed),
    (r"200 .*Data Not Available", ResponseUnreadable),
]
"""The class that is raised, by status, request and body."""


def meaning_of(exchange: Exchange) -> type[OrgsyncError] | None:
    """Tell what an exchange is to raise, None where it is a success; an error must have one meaning, and no other."""
    whole = f"{exchange.status} {exchange.method} {exchange.path} {exchange.body}"
    found = [kind for pattern, kind in MEANINGS if re.match(pattern, whole, re.DOTALL)]
    assert len(found) == (exchange.status >= 400) or (exchange.status == 200 and len(found) <= 1), (whole[:200], found)
    return found[0] if found else None
