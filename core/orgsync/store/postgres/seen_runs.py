"""Runs as a reader of a PostgreSQL database sees them."""

from collections.abc import Callable

from .. import seen_runs
from ..row_pages import Fetch
from ..view import RunRow
from . import liveness, view_sql

__all__ = ["seen_run"]


def seen_run(run: RunRow, fetch: Fetch, again: Callable[[RunRow], RunRow]) -> RunRow:
    """Return a run as it is seen; `again` reads it once more."""

    def lease_holder(run: RunRow) -> str | None:
        held = fetch(view_sql.HELD_LEASE, (run.sync, run.connection))
        return held[0][0] if held else None

    return seen_runs.seen_run(run, lease_holder=lease_holder, is_dead=liveness.is_dead, again=again)
