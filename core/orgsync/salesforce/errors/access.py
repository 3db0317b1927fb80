"""Errors for sessions and users that may not call the API, and who can change that."""

from orgsync.errors import AccessRefused, NotCarriedOut, OrgsyncError, SessionBlocked, SessionInvalid

from .error_body import ApiError

__all__ = [
    "access_refused",
    "api_currently_disabled",
    "api_disabled",
    "metered",
    "remedy_of_scope",
    "security_policy",
    "session_refused",
]

_POLICIES = (
    "Have the administrator look in Setup, in this order: the app's IP Relaxation (this machine's address may be "
    "outside of the allowed ranges), its required session level (High Assurance), and API Access Control"
)
_ADD_SCOPE = "add the scope api (Manage user data via APIs) to the app, wait ten minutes and connect again"


def session_refused(error: ApiError) -> OrgsyncError:
    """Return SessionInvalid for an expired session, SessionBlocked for a valid one that may not call the API."""
    if "not valid for use with" in error.message or "not attached to" in error.message:
        return SessionBlocked(
            f"The org does not accept this session for its API ({error.shown}).", remedy_of_scope(None)
        )
    if "expired or invalid" in error.message or not error.message:
        return SessionInvalid("The session is expired or invalid.", "Sign in again.")
    return SessionInvalid(f"Salesforce does not accept the session ({error.shown}).", "Sign in again.")


def remedy_of_scope(scope: str | None) -> str:
    """Return what to check when a valid session may not call the API; `scope` are its scopes, None if unknown."""
    if scope is None:
        return f"{_POLICIES}; if all of them allow it, {_ADD_SCOPE}."
    if {"api", "full"} & set(scope.split()):
        return f"{_POLICIES}; the token has the scope api, so that is not it."
    return f"The token lacks the scope api: {_ADD_SCOPE}."


def access_refused(error: ApiError) -> AccessRefused:
    """Return the error for a user who lacks a permission."""
    return AccessRefused(
        f"The org refuses {error.request} ({error.shown}).",
        "Ask its administrator for the permission that is named, or for API Enabled.",
    )


def api_disabled(error: ApiError) -> AccessRefused:
    """Return the error for an org or a user without API access."""
    return AccessRefused(
        f"The org does not let this user call its API ({error.shown}).",
        "Give the user the permission API Enabled; Professional Edition needs the API access add-on.",
    )


def api_currently_disabled(error: ApiError) -> OrgsyncError:
    """Return AccessRefused for a user who may not call the API, NotCarriedOut for an API that is off for the moment."""
    if "for this user" in error.message.lower():
        return api_disabled(error)
    return NotCarriedOut(
        f"The org's API is switched off for now ({error.shown}).",
        "Run it again in a moment; if this persists, give the user the permission API Enabled.",
    )


def metered(error: ApiError) -> NotCarriedOut:
    """Return the error for a request that the org's security policies took too long to judge."""
    return NotCarriedOut(
        f"The org's transaction security policies took too long to allow {error.request} ({error.code}).",
        "Give the connection's user the permission Exempt from Transaction Security, or run fewer syncs at once "
        "(concurrency_per_org).",
    )


def security_policy(error: ApiError) -> AccessRefused:
    """Return the error for a request that a security policy of the org blocks."""
    return AccessRefused(
        f"A transaction security policy of the org blocks {error.request} ({error.shown}).",
        "Have the administrator exempt the connection's user from it, or give the user the permission Exempt from "
        "Transaction Security.",
    )
