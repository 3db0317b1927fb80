"""What it means that the org does not let a session or its user in, and who can change that."""

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


def session_refused(refusal: ApiError) -> OrgsyncError:
    """Tell a dead session from one that no renewal can mend, because it is not let into the API."""
    if "not valid for use with" in refusal.message or "not attached to" in refusal.message:
        return SessionBlocked(
            f"The org does not let this session into its API ({refusal.shown}).", remedy_of_scope(None)
        )
    if "expired or invalid" in refusal.message or not refusal.message:
        return SessionInvalid("The session is expired or invalid.", "Sign in again.")
    return SessionInvalid(f"Salesforce does not accept the session ({refusal.shown}).", "Sign in again.")


def remedy_of_scope(scope: str | None) -> str:
    """Say what keeps a live session out of the API, given the scopes that its token came with (None: unknown)."""
    if scope is None:
        return f"{_POLICIES}; if all of them allow it, {_ADD_SCOPE}."
    if {"api", "full"} & set(scope.split()):
        return f"{_POLICIES}; the token has the scope api, so that is not it."
    return f"The token lacks the scope api: {_ADD_SCOPE}."


def access_refused(refusal: ApiError) -> AccessRefused:
    """Say that the user lacks a permission."""
    return AccessRefused(
        f"The org refuses {refusal.request} ({refusal.shown}).",
        "Ask its administrator for the permission that is named, or for API Enabled.",
    )


def api_disabled(refusal: ApiError) -> AccessRefused:
    """Say that the API is off, for the org or the user."""
    return AccessRefused(
        f"The org does not let this user call its API ({refusal.shown}).",
        "Give the user the permission API Enabled; Professional Edition needs API access bought.",
    )


def api_currently_disabled(refusal: ApiError) -> OrgsyncError:
    """Tell a user who may not call the API from an API that is off for the moment."""
    if "for this user" in refusal.message.lower():
        return AccessRefused(
            f"The org does not let this user call its API ({refusal.shown}).",
            "Give the user the permission API Enabled, by profile or permission set.",
        )
    return NotCarriedOut(
        f"The org's API is switched off for now ({refusal.shown}).",
        "Run it again in a moment; where it stays so, give the user the permission API Enabled.",
    )


def metered(refusal: ApiError) -> NotCarriedOut:
    """Say that the org's security policies took too long to judge the request, so that it was not carried out."""
    return NotCarriedOut(
        f"The org's transaction security policies took too long to allow {refusal.request} ({refusal.code}).",
        "Give the connection's user the permission Exempt from Transaction Security, or run fewer syncs at once "
        "(concurrency_per_org).",
    )


def security_policy(refusal: ApiError) -> AccessRefused:
    """Say that a security policy of the org blocks the request."""
    return AccessRefused(
        f"A transaction security policy of the org blocks {refusal.request} ({refusal.shown}).",
        "Have the administrator except the connection's user from it, or give the user the permission Exempt from "
        "Transaction Security.",
    )
