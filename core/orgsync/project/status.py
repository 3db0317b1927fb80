"""How each sync stands on each connection: last success, lag, rows, failures, and whether it is overdue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orgsync.errors import OrgsyncError
from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.scripts.schedule import Every, Interval, due_again, jitter
from orgsync.scripts.survey import own_syncs, shipped_names
from orgsync.settings import Settings
from orgsync.store.health_rows import AlertRow
from orgsync.store.view import ConnectionRow, RunRow, View

from .health_views import Verdict
from .view import open_view

if TYPE_CHECKING:
    from orgsync.engine import Resources
    from orgsync.store import Run

__all__ = ["Status", "Verdict", "judged", "judged_by", "statuses", "statuses_in"]

_RUNS = 100
"""How many runs back failures are counted."""

_CRON_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Status:
    """How one sync stands on one connection.

    `lag` is the time since the watermark, None where there is none; `due` when the sync is due next, the pause
    after failures included, None for one that is run by hand or waits for a sign-in; `failures` how many runs have
    failed since the last success; `every` is its schedule on this connection, None where it is run by hand alone or
    switched off. `error` is cause and remedy of what ended the last run, unless that is done, and `error_code` the code
    of that error. `script_error` is cause and remedy of a script that does not load, which is this sync's or may be,
    and `script_error_code` its code. The verdict is "no script" for a copy whose sync no script of the project and no
    package has any more.
    `running_for` is how long a run has been under way, None where none is, and `waits_for` what it has been waiting
    for, with a remedy. `alerts` are those that are active: of this sync here, and of the connection.
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
    error_code: str | None = None
    script_error: str = ""
    script_error_code: str | None = None
    running_for: timedelta | None = None
    waits_for: str = ""
    every: Every | None = None
    alerts: Sequence[AlertRow] = ()

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to look: it fails, was due too long ago, or has been waiting for an answer for long."""
        return self.verdict in ("failing", "overdue") or bool(self.waits_for)


def judged(
    runs: "Sequence[Run | RunRow]", every: Every | None, *, since: datetime, now: datetime
) -> tuple[Verdict, int, datetime | None]:
    """Return verdict, failures in a row and next due time of a sync, from its runs on a connection, the latest first.

    `since` is when it could first have run. It is overdue when, by its last run that was done, it has been due for
    longer than its interval again, or than an hour for a cron expression: runs that are stopped, by the API limit say,
    do not put that off.
    """
    done = next((run for run in runs if run.status == "done"), None)
    failures = 0
    for run in runs:
        if run.status == "done":
            break
        failures += run.status == "failed"
    verdict, due = judged_by(runs[0] if runs else None, done, failures, every, since=since, now=now)
    return verdict, failures, due


def judged_by(
    last: "Run | RunRow | None",
    done: "Run | RunRow | None",
    failures: int,
    every: Every | None,
    *,
    since: datetime,
    now: datetime,
) -> tuple[Verdict, datetime | None]:
    """Return verdict and next due time as `judged` does, from the last run, the last done and the failures since."""
    due = _due(every, last, since, failures)
    if failures:
        return "failing", due
    if last is not None and last.status == "running":
        return "running", due
    grace = every.length if isinstance(every, Interval) else _CRON_GRACE
    owed = _due(every, done, since, 0)
    if owed is not None and now - owed > grace:
        return "overdue", due
    if last is None:
        return "never run", due
    return ("ok" if done else "stopped"), due


def _due(every: Every | None, last: "Run | RunRow | None", since: datetime, failures: int) -> datetime | None:
    """Return when a sync is due after a run; after failures, when the scheduler's pause ends."""
    if every is None:
        return None
    if last is None:
        return every.at_or_after(since)
    chance = jitter(last.sync, last.connection, failures)
    return due_again(every, last.started_at, failures=failures, chance=chance)


async def statuses(project: "Resources", *, now: datetime | None = None) -> list[Status]:
    """Return how every sync of the project stands, as `statuses_in` does, by its database and its clock."""
    from anyio import to_thread

    settings, at = project.settings, now or project.clock()

    def read() -> list[Status]:
        with open_view(settings) as view:
            return statuses_in(view, settings, now=at)

    return await to_thread.run_sync(read)


def statuses_in(view: View, settings: Settings, *, now: datetime) -> list[Status]:
    """Return how every sync of the project stands on every connection, and every other that has a copy there.

    A script that does not load stands among them by the name of its file, as failing.
    Syncs that packages bring are among them once they have run or have a schedule on a connection; by themselves they
    are never due. A sync whose script is gone stands among them until its tables are given up.
    Raises SettingInvalid and ScriptNotLoaded as reading the settings and scripts does.
    """
    own = own_syncs(settings.syncs_folder, settings.objects)
    schedules = {each.name: each.every for each in own if each.loads}
    broken = {each.name: each.problem for each in own if each.problem and not each.loads}
    some_broken = next(iter(broken.values()), None)
    connections = {each.name: each for each in view.connections()}
    set_here = own_schedules(view.schedules())
    ran = {*view.pairs(), *(pair for pair, each in set_here.items() if each.every)}
    ran = {(sync, name) for sync, name in ran if name in connections}
    own_names = {*schedules, *broken}
    others = {sync for sync, _ in ran} - own_names
    elsewhere = shipped_names() | view.objects() if others else set[str]()
    owners, alerts = set(view.owners().values()), view.alerts()
    found: list[Status] = []
    for sync, name in sorted({*((sync, name) for sync in own_names for name in connections), *ran}):
        problem = broken.get(sync) or (None if sync in schedules or sync in elsewhere else some_broken)
        gone = not problem and sync not in own_names | elsewhere
        if not gone or sync in owners:
            schedule = set_here.get((sync, name), OwnSchedule())
            every = schedules.get(sync)
            standing = _status(view, sync, connections[name], now, own=schedule, every=every, problem=problem)
            standing = replace(standing, alerts=[each for each in alerts if each.concerns(sync, name)])
            found.append(replace(standing, verdict="no script") if gone and standing.verdict != "running" else standing)
    return found


def _status(
    view: View,
    name: str,
    connection: ConnectionRow,
    now: datetime,
    *,
    own: OwnSchedule,
    every: Every | None,
    problem: OrgsyncError | None,
) -> Status:
    """Return how one stands; `problem` is why scripts cannot be read, one of which may be this sync's."""
    every = own.applied(every)
    runs = view.runs(_RUNS, sync=name, connection=connection.name)
    done = next((run for run in runs if run.status == "done"), None)
    watermark = done.watermark if done else None
    verdict, failures, due = judged(runs, every, since=connection.created_at, now=now)
    ended = _last_ended_badly(runs)
    error, code = (_text(ended.error), ended.error_code) if ended else ("", None)
    if problem:
        verdict = "failing"
    if own.off and verdict != "running":
        verdict = "off"
    owned = [table for table, owner in view.owners().items() if owner == name]
    return Status(
        sync=name,
        connection=connection.name,
        verdict=verdict,
        last_success=done.finished_at if done else None,
        watermark=watermark,
        lag=None if watermark is None else now - watermark,
        rows=sum([view.live_count(table, connection.name) for table in owned]),
        failures=failures,
        error=error,
        error_code=code,
        script_error=_text(str(problem)) if problem else "",
        script_error_code=problem.code if problem else None,
        due=due if connection.status == "ready" else None,
        running_for=max(now - runs[0].started_at, timedelta(0)) if verdict == "running" else None,
        waits_for=_text(runs[0].error) if verdict == "running" else "",
        every=every,
    )


def _last_ended_badly(runs: Sequence[RunRow]) -> RunRow | None:
    """Return the latest run that ended without being done, unless one was done after it."""
    for run in runs:
        if run.status in ("failed", "stopped"):
            return run
        if run.status == "done":
            break
    return None


def _text(error: str | None) -> str:
    """Put an error into one line."""
    return " ".join((error or "").split())
