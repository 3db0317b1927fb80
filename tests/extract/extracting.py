"""What the tests of extraction share: syncs made of a record class, and what a run logged and requested."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import structlog

from orgsync import Batches, Context, Record, Sync, sync
from orgsync.demo_org import DemoOrg
from tests.projects import SampleProject

__all__ = ["BOOKKEEPING", "copied", "is_alive", "jobs_made", "reading", "snapshotting", "values", "warnings"]

BOOKKEEPING = frozenset({"connection", "sync_change", "sync_number", "sync_changed_at", "sync_first_seen_at"})


def reading(
    model: type[Record], *, reconcile: str | None = None, formulas: str | None = None, **options: Any
) -> Sync[Record]:
    """Make a sync that reads the changes of a record class; the options are those of `ctx.changes`."""

    @sync(name="reading", reconcile=reconcile, formulas=formulas)
    def read(ctx: Context) -> Batches[Record]:
        return ctx.changes(model, **options)

    return read


def snapshotting(model: type[Record], **options: Any) -> Sync[Record]:
    """Make a sync that takes snapshots of a record class; the options are those of `ctx.snapshot`."""

    @sync(name="reading")
    def read(ctx: Context) -> Batches[Record]:
        return ctx.snapshot(model, **options)

    return read


def jobs_made(org: DemoOrg) -> int:
    """Count the Bulk jobs that the requests since the last run began have made."""
    return sum(request.method == "POST" and request.path.endswith("/jobs/query") for request in org.requests)


async def copied(project: SampleProject, table: str, *columns: str) -> dict[str, Any]:
    """Read some columns of the copy's live rows by Id: one column as its value, several as a tuple."""
    rows = await project.live(table)
    if len(columns) == 1:
        return {key: row[columns[0]] for key, row in rows.items()}
    return {key: tuple(row[name] for name in columns) for key, row in rows.items()}


async def values(project: SampleProject, table: str) -> dict[str, dict[str, Any]]:
    """Read the copy's live rows without what the store keeps of its own."""
    rows = await project.live(table)
    return {key: {name: row[name] for name in row.keys() - BOOKKEEPING} for key, row in rows.items()}


def is_alive(pid: int) -> bool:
    """Return whether a process is running."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def warnings() -> Generator[list[str]]:
    """Collect what is logged as a warning."""
    found: list[str] = []
    with structlog.testing.capture_logs() as logged:
        yield found
    found += [str(entry["event"]) for entry in logged if entry["log_level"] == "warning"]
