"""The error of a refused sign-in, by what Salesforce says."""

import re

from orgsync.errors import ServerProblem, SignInNeeded, TransientProblem

from .refusal import Refusal
from .refusals import REFUSALS

__all__ = ["problem", "refusal"]

_NAME = re.compile(r"[a-z_]{1,60}")
_WORDS = re.compile(r"[a-z',./ -]{1,120}")  # no digit, no @: neither a token nor an address


def refusal(error: str, description: str = "", *, flow: str | None = None, secret_sent: bool | None = None) -> Refusal:
    """Return the row for an error of the token endpoint or the callback.

    `flow` is the grant type that was used; `secret_sent` says whether a client secret was sent. An unknown error
    results in a row that repeats it, as far as it is plain words.
    """
    name, said = error.strip().lower(), description.strip().lower()
    known = next((row for row in REFUSALS if row.fits(name, said, flow, secret_sent)), None)
    if known is not None:
        return known
    shown = name if _NAME.fullmatch(name) else "an error without a name"
    if _WORDS.fullmatch(said):
        shown = f"{shown}: {said}"
    return Refusal(
        shown,
        "",
        "admin",
        f"Salesforce refuses the sign-in ({shown}).",
        "Look at the user's Login History in Setup, which shows the reason; then sign in again.",
    )


def problem(
    error: str, description: str = "", *, flow: str | None = None, secret_sent: bool | None = None
) -> SignInNeeded | TransientProblem:
    """Return the error to raise: ServerProblem where waiting helps, SignInNeeded in every other case.

    Its cause ends with Salesforce's own name for the error, which is what people search for, and with a description
    that no row has a pattern for, as far as it is plain words.
    """
    row = refusal(error, description, flow=flow, secret_sent=secret_sent)
    name, said = error.strip().lower(), description.strip().lower()
    named = _NAME.fullmatch(name) and name not in row.cause
    unexplained = not row.pattern and _WORDS.fullmatch(said) and said not in row.cause
    text = ": ".join([*([name] if named else []), *([said] if unexplained else [])])
    cause = f"{row.cause.removesuffix('.')} ({text})." if text else row.cause
    if row.actor != "nobody":
        refused = SignInNeeded(cause, row.remedy)
        refused.reason, refused.part, refused.missing = row.code, row.part, row.missing
        return refused
    busy = ServerProblem(cause, row.remedy)
    busy.retried = not row.retried
    return busy
