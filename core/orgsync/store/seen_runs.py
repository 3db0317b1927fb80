"""Runs as a reader sees them: one whose process has died has failed, before anybody notes that."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from orgsync.errors import ProcessDied

from .holder import Holder
from .statuses import RunStatus
from .view import RunRow

if TYPE_CHECKING:  # a reader of runs needs no SQLAlchemy
    from .model import Run

__all__ = ["Death", "has_died", "seen_run"]

R = TypeVar("R", "Run", RunRow)


class Death(NamedTuple):
    """How a run has ended whose process has died."""

    status: RunStatus
    error: str
    error_code: str

    @classmethod
    def noted(cls) -> "Death":
        """Return it as the next run of its name notes it in the database."""
        died = ProcessDied()
        return cls("failed", str(died), died.code)


def has_died(run: R, *, lease_holder: Callable[[R], str | None], is_dead: Callable[[str], bool]) -> bool:
    """Return whether a run that has not ended is known to be over, for want of a process that carries it out.

    A sync's run is under way by its lease, an action's by its process; one of an action that names none may go on.
    """
    if run.status != "running":
        return False
    holder = lease_holder(run) if run.kind == "sync" else run.holder
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
    return replace(now, **Death.noted()._asdict()) if now.status == "running" else now
