"""Which errors are worth another try: decided from values, without I/O."""

from orgsync.errors import AnswerUnreadable, NetworkProblem, OrgsyncError, ServerProblem

from .answers import LocatorExpired, NotCarriedOut

__all__ = ["UNREACHABLE_TRIES", "may_repeat"]

UNREACHABLE_TRIES = 5
"""How often a host is tried that cannot be reached at all: a person waits some ten seconds for that, not minutes."""

_UNREADABLE_TRIES = 3
"""How often an answer may be HTML or cut short: a proxy's page and a wrong address stay what they are."""

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


def may_repeat(error: OrgsyncError, method: str, *, tries: int = 1) -> bool:
    """Tell whether a request that ended so, after so many tries, may be sent again as it is.

    What may have been carried out is repeated only where carrying it out twice does no harm. A locator that is gone
    stays gone.
    """
    if isinstance(error, LocatorExpired):
        return False
    if isinstance(error, NotCarriedOut):
        return True
    if isinstance(error, NetworkProblem):
        return method in _IDEMPOTENT if error.sent else tries < UNREACHABLE_TRIES
    if isinstance(error, AnswerUnreadable):
        return method in _IDEMPOTENT and tries < _UNREADABLE_TRIES
    return isinstance(error, ServerProblem) and method in _IDEMPOTENT
