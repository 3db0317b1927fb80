"""How a job ended, as the agenda has to know it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from orgsync.engine import Job, Outcome
from orgsync.errors import AlreadyRunning, LimitReached, OrgsyncError, SignInNeeded, TransientProblem
from orgsync.store.worker_tables import End

from .agenda import Agenda

__all__ = ["Settled", "end_of", "settle"]

_ELSEWHERE = timedelta(seconds=15)
"""How long a job waits that another process was running: soon it is read whether that run goes on or has ended."""

_FAILED: tuple[End, ...] = ("failed", "unreachable", "sign-in")


@dataclass(frozen=True, slots=True)
class Settled:
    """What the end of a job means: how often it has failed in a row, and until when its org is paused, if it is."""

    failures: int = 0
    paused_until: datetime | None = None


def end_of(outcome: Outcome | OrgsyncError, *, stalled: bool) -> End:
    """Return how a job ended, from its outcome, or from the error that kept it from beginning or from being stored."""
    if isinstance(outcome, OrgsyncError):
        return "elsewhere" if isinstance(outcome, AlreadyRunning) else "failed"
    problem = outcome.problem
    if problem is None:
        return "done" if outcome.run.status == "done" else "failed"
    if isinstance(problem, AlreadyRunning):
        return "elsewhere"
    if isinstance(problem, LimitReached):
        return "limit"
    if isinstance(problem, SignInNeeded):
        return "sign-in"
    return "unreachable" if stalled or isinstance(problem, TransientProblem) else "failed"


def settle(agenda: Agenda, job: Job, end: End, now: datetime) -> Settled:
    """Note in the agenda that a job has ended: when it is due again, and whether its org is paused."""
    if end == "limit":
        return Settled(paused_until=agenda.pause(job, now))
    if end == "elsewhere":
        agenda.postpone(job, now + _ELSEWHERE)
        return Settled()
    return Settled(agenda.ended(job, now, failed=end in _FAILED, responsive=end != "unreachable"))
