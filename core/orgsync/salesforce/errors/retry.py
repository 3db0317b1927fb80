"""Which errors are worth another try, and after how long: decided from values, without I/O.

What may have been carried out is sent again only where carrying it out twice does no harm. What Salesforce says it
has not carried out, and what has not reached it, may always be sent again.
"""

import random
from dataclasses import dataclass

import anyio
import stamina

from orgsync.errors import (
    InstanceMoved,
    LocatorBusy,
    LocatorExpired,
    NetworkProblem,
    NoRoute,
    NotCarriedOut,
    OrgsyncError,
    QueryIncomplete,
    QueryRefused,
    QueryTimedOut,
    ResponseTooLarge,
    ResponseUnreadable,
    ServerProblem,
    TransientProblem,
)

from ..http.slots import SLOT

__all__ = [
    "ATTEMPTS",
    "IDEMPOTENT",
    "UNREACHABLE_TRIES",
    "Tries",
    "backoff",
    "may_be_carried_out",
    "may_repeat",
    "pause",
    "unreachable_tries",
    "wait_within",
]

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""The methods that do no harm when they are carried out twice."""

ATTEMPTS = 7
"""How often a request is sent at most, the first time included."""

UNREACHABLE_TRIES = 5
"""How often a host is tried that cannot be reached at all: a person waits some ten seconds for that, not minutes."""

_FIRST_WAIT = 1.0  # seconds; the longest first wait, doubled on each further try
_LONGEST_WAIT = 20.0

_TRIES: tuple[tuple[type[OrgsyncError], int], ...] = (  # the first that fits counts, so subclasses come first
    (LocatorBusy, ATTEMPTS),
    (LocatorExpired, 1),  # it stays expired
    (QueryTimedOut, 1),  # the same query would take as long again
    (QueryIncomplete, 3),
    (NoRoute, 3),  # most often the org does not exist any more
    (ResponseTooLarge, 1),
    (InstanceMoved, 3),  # the login host does not know of it
    (ResponseUnreadable, 3),  # a proxy's page and a wrong address stay what they are
    (NetworkProblem, ATTEMPTS),
    (ServerProblem, ATTEMPTS),
)


def unreachable_tries(error: NetworkProblem, *, interactive: bool) -> int:
    """Return how often a host is tried that this error keeps from being reached: once, if that is proven to stay so.

    That holds where a person waits for it (`interactive`); a program of its own goes on until somebody acts.
    """
    return 1 if interactive and error.needs_action else UNREACHABLE_TRIES


def may_repeat(error: OrgsyncError, *, idempotent: bool, tries: int = 1, interactive: bool = False) -> bool:
    """Return whether a request that ended with this error, after so many tries, may be sent again unchanged."""
    if isinstance(error, NetworkProblem) and not error.sent:
        return tries < unreachable_tries(error, interactive=interactive)
    if not idempotent and not isinstance(error, NotCarriedOut):
        return False
    return tries < next((most for kind, most in _TRIES if isinstance(error, kind)), 1)


def may_be_carried_out(error: BaseException, *, by_its_last_try: bool = False) -> bool:
    """Return whether a request that ended so may have been carried out, by any of its tries or by its last one."""
    if isinstance(error, OrgsyncError) and error.in_doubt and not by_its_last_try:
        return True
    if isinstance(error, NetworkProblem):
        return error.sent
    if isinstance(error, NotCarriedOut | QueryRefused):
        return False
    return isinstance(error, ServerProblem | ResponseUnreadable)


@dataclass(slots=True)
class Tries:
    """The tries of one request, for which there is time until `deadline`."""

    idempotent: bool
    interactive: bool
    deadline: float
    number: int = 0
    in_doubt: bool = False

    def wait_after(self, error: OrgsyncError) -> float | None:
        """Note how a try has failed, and return how many seconds to wait before the next; None where there is none.

        The error is marked where an earlier try may have been carried out.
        """
        self.number += 1
        error.in_doubt |= self.in_doubt
        self.in_doubt = may_be_carried_out(error)
        if isinstance(error, TransientProblem) and error.retried:
            return None
        if not may_repeat(error, idempotent=self.idempotent, tries=self.number, interactive=self.interactive):
            return None
        return wait_within(self.deadline - anyio.current_time(), error, backoff(self.number))


def backoff(tries: int, *, longest: float = _LONGEST_WAIT) -> float:
    """Return how many seconds to wait after so many tries: any time up to a limit that doubles (full jitter)."""
    return random.uniform(0, min(longest, _FIRST_WAIT * 2 ** (tries - 1)))  # noqa: S311 - guards nothing


def wait_within(left: float, error: OrgsyncError, wait: float) -> float | None:
    """Return how many seconds to wait for another try, at most the seconds `left`; None where there is no time for it.

    That is where no time is left, or the server asks for a longer wait than that.
    """
    least = (error.retry_after if isinstance(error, TransientProblem) else None) or 0.0
    return None if left <= 0 or least > left else min(max(least, wait), left)


async def pause(seconds: float) -> None:
    """Wait, but not in tests (`stamina.set_testing`).

    The run releases its slot meanwhile.
    """
    slot = SLOT.get()
    slot.release(None)
    await anyio.sleep(0 if stamina.is_testing() else seconds)
    await slot.acquire()
