"""How each sync stands on each connection: last success, lag, rows, failures, and whether it is overdue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from orgsync.engine import Resources
from orgsync.errors import ProcessDied
from orgsync.scripts import Every, Interval
from orgsync.scripts.discovery import list_syncs
from orgsync.scripts.schedule import due_again, jitter
from orgsync.store import Connection, Run

__all__ = ["Status", "Verdict", "judged", "statuses"]

Verdict: TypeAlias = Literal["ok", "failing", "overdue", "running", "stopped", "never run"]

_RUNS = 100
"""How many runs back failures are counted."""

_CRON_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Status:
    """How one sync stands on one connection.

    `lag` is the time since the watermark, None where there is none; `due` when the sync is due next, the pause
    after failures included, None for one that is run by hand or waits for a sign-in; `failures` how many runs have
    failed since the last success, `error` cause and remedy of what ended the last run, unless that is done.
    `running_for` is how long a run has been under way, None where none is, and `waits_for` what it has been waiting
    for, with a remedy.
    """

    sync: str
    connection: str
    verdict: Verdict
    last_success: datetime | None
    watermark: datetime | None
    lag: timedelta | None
    rows: int
    failures: int
    error: str
    due: datetime | None
    running_for: timedelta | None = None
    waits_for: str = ""

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to look: it fails, was due too long ago, or has been waiting for an answer for long."""
        return self.verdict in ("failing", "overdue") or bool(self.waits_for)


def judged(
    runs: Sequence[Run], every: Every | None, *, since: datetime, now: datetime
) -> tuple[Verdict, int, datetime | None]:
    """Return verdict, failures in a row and next due time of a sync, from its runs on a connection, the latest first.

    `since` is when it could first have run. It is overdue when, by its last run that was done, it has been due for
    longer than its interval again, or than an hour for a cron expression: runs that are stopped, by the API limit say,
    do not put that off.
    """
    last = runs[0] if runs else None
    done = next((run for run in runs if run.status == "done"), None)
    failures = 0
    for run in runs:
        if run.status == "done":
            break
        failures += run.status == "failed"
    due = _due(every, last, since, failures)
    if failures:
        return "failing", failures, due
    if last is not None and last.status == "running":
        return "running", failures, due
    grace = every.length if isinstance(every, Interval) else _CRON_GRACE
    owed = _due(every, done, since, 0)
    if owed is not None and now - owed > grace:
        return "overdue", failures, due
    if last is None:
        return "never run", failures, due
    return ("ok" if done else "stopped"), failures, due


def _due(every: Every | None, last: Run | None, since: datetime, failures: int) -> datetime | None:
    """Return when a sync is due after a run; after failures, when the scheduler's pause ends."""
    if every is None:
        return None
    if last is None:
        return every.at_or_after(since)
    chance = jitter(last.sync, last.connection, failures)
    return due_again(every, last.started_at, failures=failures, chance=chance)


async def statuses(project: Resources, *, now: datetime | None = None) -> list[Status]:
    """Return how every sync of the project stands on every connection, and every other that has ever run there.

    Syncs that packages bring are among them once they have run; nobody runs them but by name, so they are never due.
    Raises SettingInvalid and ScriptNotLoaded as reading the settings and scripts does.
    """
    store, at = project.store, now or project.clock()
    folder = project.settings.syncs_folder
    listed = list_syncs(folder)
    found = {each.name: each for each in listed}
    broken = next((each.problem.cause for each in listed if each.problem and not each.shipped), "")
    own = [name for name, each in found.items() if each.sync is not None and each.where.startswith(str(folder))]
    connections = {each.name: each for each in await store.connections.list()}
    ran = {(sync, name) for sync, name in await store.runs.last() if name in connections}
    pairs = sorted({*((sync, name) for sync in own for name in connections), *ran})
    return [
        await _status(
            project,
            sync,
            connections[name],
            at,
            every=known.every if (known := found[sync].sync if sync in found else None) and sync in own else None,
            broken="" if known else broken,
        )
        for sync, name in pairs
    ]


async def _status(
    project: Resources, name: str, connection: Connection, now: datetime, *, every: Every | None, broken: str
) -> Status:
    """Return how one stands; `broken` says why scripts cannot be read, one of which may be this sync's."""
    store = project.store
    runs = await store.runs.list(_RUNS, sync=name, connection=connection.name)
    if runs and runs[0].status == "running" and not await store.runs.is_running(name, connection.name):
        runs[0].status, runs[0].error = "failed", str(ProcessDied())
    done = next((run for run in runs if run.status == "done"), None)
    watermark = done.watermark if done else None
    verdict, failures, due = judged(runs, every, since=connection.created_at, now=now)
    error = _text(_last_error(runs))
    if broken:
        verdict, error = "failing", broken
    owned = [table for table, owner in (await store.rows.owners()).items() if owner == name]
    return Status(
        sync=name,
        connection=connection.name,
        verdict=verdict,
        last_success=done.finished_at if done else None,
        watermark=watermark,
        lag=None if watermark is None else now - watermark,
        rows=sum([await store.rows.live_count(table, connection.name) for table in owned]),
        failures=failures,
        error=error,
        due=due if connection.status == "ready" else None,
        running_for=max(now - runs[0].started_at, timedelta(0)) if verdict == "running" else None,
        waits_for=_text(runs[0].error) if verdict == "running" else "",
    )


def _last_error(runs: Sequence[Run]) -> str:
    """Return the error of the latest run that ended without being done, unless one was done after it."""
    for run in runs:
        if run.status in ("failed", "stopped"):
            return run.error or ""
        if run.status == "done":
            break
    return ""


def _text(error: str | None) -> str:
    """Put an error into one line."""
    return " ".join((error or "").split())
