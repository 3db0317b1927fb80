"""Runs as a reader of an SQLite database sees them."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from orgsync.clock import utc_now

from .. import seen_runs
from ..holder import Holder
from ..row_pages import Fetch
from ..view import RunRow
from . import control_sql
from .view_rows import run_row

__all__ = ["seen_run"]


def seen_run(row: Sequence[Any], fetch: Fetch, folder: Path) -> RunRow:
    """Return a run, from its row."""

    def lease_holder(run: RunRow) -> str | None:
        held = fetch(control_sql.LEASES, (run.sync, run.connection))
        return held[0][1] if held and datetime.fromisoformat(held[0][3]) > utc_now() else None

    def is_dead(holder: Holder) -> bool:
        from .liveness import Liveness  # for the few runs that are under way

        return Liveness(folder / "holders").is_dead(holder)

    def again(run: RunRow) -> RunRow:
        found = fetch(control_sql.RUN, (run.id,))
        return run_row(found[0]) if found else run

    return seen_runs.seen_run(run_row(row), lease_holder=lease_holder, is_dead=is_dead, again=again)
