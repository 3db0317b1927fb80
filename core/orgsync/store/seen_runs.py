"""Runs as a reader sees them: one whose process has died has failed, before anybody notes that."""

from collections.abc import Callable
from dataclasses import replace

from orgsync.errors import ProcessDied

from .holder import Holder
from .view import RunRow

__all__ = ["seen_run"]


def seen_run(
    run: RunRow,
    *,
    lease_holder: Callable[[RunRow], str | None],
    is_dead: Callable[[Holder], bool],
    again: Callable[[RunRow], RunRow],
) -> RunRow:
    """Return a run as failed where its process has died; the next one of its name notes that in the database.

    A sync's run is under way by its lease, an action's by its process. `again` reads a run once more, for one ends and
    gives up its lease at once, perhaps between the queries of the two.
    """
    if run.status != "running":
        return run
    holder = lease_holder(run) if run.kind == "sync" else run.holder
    if not is_dead(Holder.parse(holder)) if holder is not None else run.kind != "sync":
        return run
    now, died = again(run), ProcessDied()
    return replace(now, status="failed", error=str(died), error_code=died.code) if now.status == "running" else now
