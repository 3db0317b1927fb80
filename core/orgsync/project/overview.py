"""How every connection stands with all its syncs, in a number of queries that does not grow with them: for pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from anyio import to_thread

from orgsync.engine import Resources
from orgsync.errors import OrgsyncError
from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.scripts.packages import SYNCS, provided
from orgsync.scripts.schedule import Every
from orgsync.scripts.survey import SurveyedSync, own_syncs
from orgsync.settings import Settings
from orgsync.store import Run
from orgsync.store.health_rows import AlertRow, StandingRow
from orgsync.store.run_history import RunHistory
from orgsync.store.statuses import Owed
from orgsync.store.view import ConnectionRow

from .health import api_usage
from .standing import standing_of, standings_of_syncs
from .status import Verdict, judged
from .view import open_view

__all__ = ["WORST_FIRST", "ConnectionOverview", "ConnectionState", "SyncOverview", "overview"]

ConnectionState: TypeAlias = Literal["needs sign-in", "no syncs"] | Verdict

WORST_FIRST: tuple[ConnectionState, ...] = (
    *("needs sign-in", "failing", "overdue", "reset", "stopped", "running", "never run", "ok", "no script", "off"),
    "no syncs",
)


@dataclass(frozen=True, slots=True)
class SyncOverview:
    """How a sync stands on a connection; as `Status`, but for its rows, which are too dear to count for all.

    `error` is why the script does not load, or else that of `Standing`.
    """

    sync: str
    connection: str
    verdict: Verdict
    last: Run | None
    last_success: datetime | None
    lag: timedelta | None
    failures: int
    due: datetime | None
    every: Every | None
    error: str
    error_code: str | None
    owed: Owed

    @property
    def is_running(self) -> bool:
        """Whether a run is under way, also after failures."""
        return self.last is not None and self.last.status == "running"


@dataclass(frozen=True, slots=True)
class ConnectionOverview:
    """A connection with its syncs, the worst first.

    `usage` are the API requests that its org has used in a day, and those that there are, None where not known;
    `alerts` those that are active.
    """

    connection: ConnectionRow
    syncs: Sequence[SyncOverview]
    usage: tuple[int, int] | None
    alerts: Sequence[AlertRow]

    @property
    def state(self) -> ConnectionState:
        """The worst of its syncs' states; needs sign-in is worse than any."""
        if self.connection.status != "ready":
            return "needs sign-in"
        return self.syncs[0].verdict if self.syncs else "no syncs"

    @property
    def lag(self) -> timedelta | None:
        """The longest lag of a sync that is not switched off."""
        return max((each.lag for each in self._active if each.lag is not None), default=None)

    @property
    def last_success(self) -> datetime | None:
        """When a sync was done last."""
        return max((each.last_success for each in self.syncs if each.last_success is not None), default=None)

    @property
    def due(self) -> datetime | None:
        """When the first of its syncs is due."""
        return min((each.due for each in self._active if each.due is not None), default=None)

    @property
    def error(self) -> str:
        """Why it needs a sign-in, or the error of its worst sync."""
        if self.connection.status != "ready":
            return self.connection.status_reason
        return next((each.error for each in self.syncs if each.error), "")

    @property
    def _active(self) -> Sequence[SyncOverview]:
        return [each for each in self.syncs if each.verdict not in ("off", "no script")]


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is besides the runs."""

    connections: Sequence[ConnectionRow]
    schedules: Mapping[tuple[str, str], OwnSchedule]
    own: Mapping[str, SurveyedSync]
    elsewhere: frozenset[str]
    owners: frozenset[str]
    standings: Sequence[StandingRow]
    alerts: Sequence[AlertRow]
    owed: Mapping[tuple[str, str], Owed]


async def overview(project: Resources, *, now: datetime | None = None) -> list[ConnectionOverview]:
    """Return how every connection stands, by name; which syncs there are is decided as `statuses_in` does.

    Raises SettingInvalid and ScriptNotLoaded as reading the settings and scripts does.
    """
    at = now or project.clock()
    latest = await RunHistory(project.store).latest()  # before what is kept of them
    known = await to_thread.run_sync(_read, project.settings)
    standings = standings_of_syncs(known.standings)
    found: dict[str, list[SyncOverview]] = {each.name: [] for each in known.connections}
    for sync, connection in _pairs(known, latest):
        pair = sync, connection.name
        if (each := _sync(known, sync, connection, latest.get(pair), standings.get(pair), at)) is not None:
            found[connection.name].append(each)
    usage, alerts = api_usage(known.standings, at), dict[str, list[AlertRow]]()
    for alert in known.alerts:
        alerts.setdefault(alert.connection, []).append(alert)
    return [
        ConnectionOverview(each, sorted(found[each.name], key=_worst_first), usage.get(name), alerts.get(name, ()))
        for each in known.connections
        for name in (each.name,)
    ]


def _read(settings: Settings) -> _Known:
    own = {each.name: each for each in own_syncs(settings.syncs_folder, settings.objects)}
    with open_view(settings) as view:
        elsewhere, owners = frozenset(provided(SYNCS).keys() | view.objects()), frozenset(view.owners().values())
        return _Known(
            connections=view.connections(),
            schedules=own_schedules(view.schedules()),
            own=own,
            elsewhere=elsewhere,
            owners=owners,
            standings=view.standings(),
            alerts=view.alerts(),
            owed=view.owed(),
        )


def _pairs(known: _Known, latest: Mapping[tuple[str, str], Run]) -> Sequence[tuple[str, ConnectionRow]]:
    named = {each.name: each for each in known.connections}
    scheduled = (pair for pair, each in known.schedules.items() if each.every)
    others = {pair for pair in (*latest, *scheduled) if pair[1] in named}
    own = {(sync, name) for sync in known.own for name in named}
    return [(sync, named[name]) for sync, name in sorted(own | others)]


def _sync(
    known: _Known,
    sync: str,
    connection: ConnectionRow,
    last: Run | None,
    kept: StandingRow | None,
    now: datetime,
) -> SyncOverview | None:
    """Return how a sync stands on a connection; None for one that is gone and has left no table."""
    surveyed = known.own.get(sync)
    problem = _problem(known, sync, surveyed)
    is_gone = problem is None and surveyed is None and sync not in known.elsewhere
    if is_gone and sync not in known.owners:
        return None
    own = known.schedules.get((sync, connection.name), OwnSchedule())
    every = own.applied(surveyed.every if surveyed is not None and surveyed.loads else None)
    standing = standing_of([last] if last is not None else [], kept)
    success = standing.success
    verdict, due = judged(standing, every, since=connection.created_at, now=now)
    if verdict != "running":
        verdict = "no script" if is_gone else "off" if own.off else "failing" if problem else verdict
    return SyncOverview(
        sync=sync,
        connection=connection.name,
        verdict=verdict,
        last=last,
        last_success=success.finished_at if success else None,
        lag=now - success.watermark if success and success.watermark else None,
        failures=standing.failures,
        due=due if connection.status == "ready" else None,
        every=every,
        error=str(problem) if problem else standing.error,
        error_code=problem.code if problem else standing.error_code,
        owed=known.owed.get((sync, connection.name), ""),
    )


def _problem(known: _Known, sync: str, surveyed: SurveyedSync | None) -> OrgsyncError | None:
    """Return why a sync's script does not load, or why another's does not, which may be this sync's."""
    if surveyed is not None:
        return None if surveyed.loads else surveyed.problem
    if sync in known.elsewhere:
        return None
    return next((each.problem for each in known.own.values() if each.problem and not each.loads), None)


def _worst_first(each: SyncOverview) -> tuple[int, str]:
    return WORST_FIRST.index(each.verdict), each.sync
