"""Which errors are worth another try, and after how long: decided from values, without I/O."""

from orgsync.errors import AnswerUnreadable, NetworkProblem, OrgsyncError, ServerProblem

from .answers import LocatorExpired, NotCarriedOut

__all__ = ["may_repeat"]

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


def may_repeat(error: OrgsyncError, method: str) -> bool:
    """Tell whether a request that ended so may be sent again as it is.

    What may have been carried out is repeated only where carrying it out twice does no harm. A locator that is gone
    stays gone.
    """
    if isinstance(error, LocatorExpired):
        return False
    if isinstance(error, NotCarriedOut):
        return True
    if isinstance(error, NetworkProblem):
        return method in _IDEMPOTENT or not error.sent
    return isinstance(error, ServerProblem | AnswerUnreadable) and method in _IDEMPOTENT
