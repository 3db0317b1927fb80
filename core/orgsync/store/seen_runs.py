"""Runs as a reader sees them: one whose process has died has failed, before anybody notes that."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from orgsync.errors import ProcessDied

from .holder import Holder
from .statuses import RunKind, RunStatus
from .view import RunRow

if TYPE_CHECKING:  # a reader of runs needs no SQLAlchemy
    from .model import Run

__all__ = ["FailedEnd", "has_died", "holder_of", "process_died_end", "seen_run"]

R = TypeVar("R", "Run", RunRow)


class FailedEnd(NamedTuple):
    """How a run has failed: the columns of its row."""

    status: RunStatus
    error: str
    error_code: str


def process_died_end(kind: RunKind) -> FailedEnd:
    """Return the end that is shown for a run whose process has died; the next run of its name stores the same."""
    died = ProcessDied() if kind == "sync" else ProcessDied.in_action()
    return FailedEnd("failed", str(died), died.code)


def holder_of(run: R, lease_holder: Callable[[R], str | None]) -> str | None:
    """Return who carries a run out: the holder of a sync's lease, or the process that an action's run names."""
    return lease_holder(run) if run.kind == "sync" else run.holder


def has_died(run: R, *, lease_holder: Callable[[R], str | None], is_dead: Callable[[str], bool]) -> bool:
    """Return whether a run that has not ended is known to be over, for want of a process that carries it out.

    A sync's run without a lease is over; an action's that names no process may go on.
    """
    if run.status != "running":
        return False
    holder = holder_of(run, lease_holder)
    return run.kind == "sync" if holder is None else is_dead(holder)


def seen_run(
    run: RunRow,
    *,
    lease_holder: Callable[[RunRow], str | None],
    is_dead: Callable[[Holder], bool],
    again: Callable[[RunRow], RunRow],
) -> RunRow:
    """Return a run as failed where its process has died; the next one of its name notes that in the database.

    `again` reads a run once more, for one ends and gives up its lease at once, perhaps between the queries of the two.
    """
    if not has_died(run, lease_holder=lease_holder, is_dead=lambda holder: is_dead(Holder.parse(holder))):
        return run
    now = again(run)
    return replace(now, **process_died_end(now.kind)._asdict()) if now.status == "running" else now
