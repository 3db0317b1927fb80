"""How each sync stands on each connection: last success, lag, rows, failures, and whether it is overdue."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orgsync.errors import OrgsyncError
from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.scripts.packages import SYNCS, provided
from orgsync.scripts.schedule import Every, Interval, due_again
from orgsync.scripts.survey import own_syncs
from orgsync.settings import Settings
from orgsync.store.health_rows import AlertRow
from orgsync.store.statuses import Owed
from orgsync.store.view import ConnectionRow, View

from .health_views import Verdict
from .standing import RUNS_NEEDED, Standing, next_due, standing_of, standings_of_syncs
from .view import open_view

if TYPE_CHECKING:
    from orgsync.engine import Resources

__all__ = ["Status", "Verdict", "judged", "statuses", "statuses_in"]

_CRON_GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Status:
    """How one sync stands on one connection.

    `lag` is the time since the watermark, None where there is none; `due` when the sync is due next, the pause
    after failures included, None for one that is run by hand or waits for a sign-in; `failures` how many runs have
    failed since the last success; `every` is its schedule on this connection, None where it is run by hand alone or
    switched off. `error` is cause and remedy of the last failure since the last success, or else of what stopped the
    last run, and `error_code` the code of that error. `script_error` is cause and remedy of a script that does not
    load, which is this sync's or may be, and `script_error_code` its code. The verdict is "no script" for a copy whose
    sync no script of the project and no package has any more, and "reset" for one that has not run since it was reset:
    its next run reads everything. `running_for` is how long a run has been under way, None where none is, and
    `waits_for` what it has been waiting for, with a remedy. `alerts` are those that are active: of this sync here, and
    of the connection. `owed` is what an earlier run was asked for and has left to the next: "full" or "reconcile".
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
    owed: Owed = ""

    @property
    def needs_attention(self) -> bool:
        """Whether somebody has to look: it fails, was due too long ago, or has been waiting for an answer for long.

        So it is with one that was reset, where it has a schedule: what it ought to keep up to date is not there.
        """
        if self.verdict == "reset":
            return self.every is not None
        return self.verdict in ("failing", "overdue") or bool(self.waits_for)


def judged(
    standing: Standing, every: Every | None, *, since: datetime, now: datetime
) -> tuple[Verdict, datetime | None]:
    """Return verdict and next due time of a sync, by how it stands on a connection.

    `since` is when it could first have run. It is overdue when, by its last run that was done, it has been due for
    longer than its interval again, or than an hour for a cron expression: runs that are stopped, by the API limit say,
    do not put that off. One that was reset is due now, for the scheduler runs it at once.
    """
    if standing.was_reset:
        return "reset", now if every is not None else None
    last, success = standing.last, standing.success
    due = next_due(every, last, standing.failures, since=since, now=now)
    if standing.failures:
        return "failing", due
    if last is not None and last.status == "running":
        return "running", due
    grace = every.length if isinstance(every, Interval) else _CRON_GRACE
    owed = None if every is None else due_again(every, success.started_at) if success else every.at_or_after(since)
    if owed is not None and now - owed > grace:
        return "overdue", due
    if last is None:
        return "never run", due
    return ("ok" if success else "stopped"), due


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
    elsewhere = provided(SYNCS).keys() | view.objects() if others else set[str]()
    owners, alerts, owed = set(view.owners().values()), view.alerts(), view.owed()
    pairs = sorted({*((sync, name) for sync in own_names for name in connections), *ran})
    standings = _standings(view, pairs)
    found: list[Status] = []
    for sync, name in pairs:
        problem = broken.get(sync) or (None if sync in schedules or sync in elsewhere else some_broken)
        gone = not problem and sync not in own_names | elsewhere
        if not gone or sync in owners:
            schedule = set_here.get((sync, name), OwnSchedule())
            every = schedules.get(sync)
            standing = standings[sync, name]
            status = _status(view, standing, sync, connections[name], now, own=schedule, every=every, problem=problem)
            about = [each for each in alerts if each.concerns(sync, name)]
            status = replace(status, alerts=about, owed=owed.get((sync, name), ""))
            found.append(replace(status, verdict="no script") if gone and status.verdict != "running" else status)
    return found


def _standings(view: View, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Standing]:
    """Read how syncs stand on connections."""
    runs = {(sync, name): view.runs(RUNS_NEEDED, sync=sync, connection=name) for sync, name in pairs}
    kept = standings_of_syncs(view.standings())
    return {pair: standing_of(found, kept.get(pair)) for pair, found in runs.items()}


def _status(
    view: View,
    standing: Standing,
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
    last, success = standing.last, standing.success
    watermark = success.watermark if success else None
    verdict, due = judged(standing, every, since=connection.created_at, now=now)
    if problem:
        verdict = "failing"
    if own.off and verdict != "running":
        verdict = "off"
    owned = [table for table, owner in view.owners().items() if owner == name]
    return Status(
        sync=name,
        connection=connection.name,
        verdict=verdict,
        last_success=success.finished_at if success else None,
        watermark=watermark,
        lag=None if watermark is None else now - watermark,
        rows=sum([view.live_count(table, connection.name) for table in owned]),
        failures=standing.failures,
        error=_text(standing.error),
        error_code=standing.error_code,
        script_error=_text(str(problem)) if problem else "",
        script_error_code=problem.code if problem else None,
        due=due if connection.status == "ready" else None,
        running_for=max(now - last.started_at, timedelta(0)) if last and verdict == "running" else None,
        waits_for=_text(last.error) if last and verdict == "running" else "",
        every=every,
    )


def _text(error: str | None) -> str:
    """Put an error into one line."""
    return " ".join((error or "").split())
