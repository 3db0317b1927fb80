"""What a customer reads where connecting an org has failed: what happened, what they can do, and a code.

Errors speak to whoever runs orgsync. A customer has no command and no settings: they, their administrator or the
product must act, and the words say which of the three.
"""

from dataclasses import dataclass

from orgsync.errors import (
    AccessRefused,
    ConnectSessionEnded,
    LimitReached,
    OrgMismatch,
    OrgsyncError,
    Refused,
    SessionBlocked,
    SignInNeeded,
    TransientProblem,
)

__all__ = ["Explained", "explain"]


@dataclass(frozen=True, slots=True)
class Explained:
    """A failure in a customer's words; `code` is for programs and does not change."""

    code: str
    cause: str
    remedy: str


_ASK_ADMIN = "Ask the administrator of your Salesforce org to"
_SAYS = {
    "denied": (
        "Access was not allowed on Salesforce's page.",
        "If that was by mistake, try again and choose Allow.",
    ),
    "wrong_org": (
        "You signed in to another Salesforce org than the one that was connected before.",
        "Try again with a user of that org. If you have a new org, ask {app} to remove the old connection first.",
    ),
    "wrong_environment_sandbox": (
        "You signed in to a sandbox, and {app} asks for a production org.",
        "Try again and sign in to your production org.",
    ),
    "wrong_environment_production": (
        "You signed in to a production org, and {app} asks for a sandbox.",
        "Try again and sign in to a sandbox: its user names end in the sandbox's name.",
    ),
    "app_not_installed": (
        "The app of {app} is not installed in your org, and Salesforce lets only installed apps connect.",
        f"{_ASK_ADMIN} install it (Setup, Connected Apps OAuth Usage), then try again.",
    ),
    "app_not_approved": (
        "Your user may not use the app of {app}.",
        f"{_ASK_ADMIN} give the app to your profile or permission set, then try again.",
    ),
    "app_blocked": (
        "The app of {app} is blocked in your org.",
        f"{_ASK_ADMIN} unblock it (Setup, Connected Apps OAuth Usage), then try again.",
    ),
    "ip_restricted": (
        "Your org allows this sign-in only from certain addresses or at certain hours.",
        f"{_ASK_ADMIN} relax IP restrictions in the app's policies, then try again.",
    ),
    "user_inactive": (
        "This Salesforce user is deactivated or frozen.",
        "Sign in as another user. Or ask the administrator of your Salesforce org to activate this one.",
    ),
    "org_inactive": (
        "This org is locked, suspended or closed, or its trial is over.",
        "Sign in to another org, or have it restored by Salesforce.",
    ),
    "session_level": (
        "Your org requires a sign-in with higher assurance, such as a second factor.",
        f"{_ASK_ADMIN} relax the session level in the app's policies, then try again.",
    ),
    "api_disabled": (
        "This user may not use Salesforce's API, or the org's edition has none.",
        f"{_ASK_ADMIN} give your user the permission API Enabled, then try again.",
    ),
    "session_blocked": (
        "A policy of your org keeps the app of {app} from Salesforce's API.",
        f"{_ASK_ADMIN} look at the app's IP relaxation and at API Access Control, then try again.",
    ),
    "api_limit": (
        "Your org has used up its API requests of the last 24 hours.",
        "Try again later.",
    ),
    "code_expired": (
        "The sign-in took too long, or its last page was loaded twice.",
        "Try again, in one browser window.",
    ),
    "other_browser": (
        "This sign-in was not begun in this browser, or it was finished before, so nothing was connected now.",
        "Open your link again, and finish in the same browser. It must accept cookies.",
    ),
    "form_expired": (
        "This page was opened in another browser or too long ago.",
        "Try again from here. Your browser must accept cookies.",
    ),
    "salesforce_busy": (
        "Salesforce could not answer just now.",
        "Wait a minute, then try again.",
    ),
    "app_settings": (
        "Salesforce does not accept the settings of {app}'s app.",
        "You can do nothing about that: please tell {app}.",
    ),
    "refused": (
        "Salesforce refused the sign-in.",
        f"Try again. If it happens again, {_ASK_ADMIN[0].lower()}{_ASK_ADMIN[1:]} look at your Login History.",
    ),
    "product_failed": (
        "{app} could not keep the connection.",
        "Your org is as it was. Try again later; if it happens again, please tell {app}.",
    ),
}


def explain(error: OrgsyncError, app: str) -> Explained:
    """Return an error in a customer's words; `app` is the name of the product that asks."""
    if isinstance(error, Refused):  # the words are the product's own, meant for its customers
        return Explained("refused_by_product", error.cause, error.remedy)
    if isinstance(error, ConnectSessionEnded):
        return Explained(f"session_{error.reason}", error.cause, error.remedy)
    code = _code_of(error)
    cause, remedy = _SAYS[code]
    return Explained(code, cause.format(app=app), remedy.format(app=app))


def _code_of(error: OrgsyncError) -> str:
    if isinstance(error, SignInNeeded):
        return error.reason if error.reason in _SAYS else "refused"
    kinds: tuple[tuple[type[OrgsyncError], str], ...] = (
        (OrgMismatch, "wrong_org"),
        (SessionBlocked, "session_blocked"),
        (AccessRefused, "api_disabled"),
        (LimitReached, "api_limit"),
        (TransientProblem, "salesforce_busy"),
    )
    return next((code for kind, code in kinds if isinstance(error, kind)), "product_failed")
