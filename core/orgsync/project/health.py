"""How all syncs and connections stand, in as many queries as there are tables, however many connections there are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.scripts.survey import own_syncs
from orgsync.settings import Settings
from orgsync.store.health_rows import AlertRow, StandingRow
from orgsync.store.view import ConnectionRow, View
from orgsync.store.worker_tables import WorkersSeen

from .standing import next_due
from .workers_seen import WORKER_TTL

__all__ = ["Health", "SyncHealth", "api_usage", "health_in"]

_USAGE_LASTS = timedelta(days=1)
"""The limit is of the last 24 hours: what an org said before that says nothing any more."""


@dataclass(frozen=True, slots=True)
class SyncHealth:
    """How a sync stands on a connection: `due` when it is due next, `standing` None where no run has ended."""

    sync: str
    connection: str
    due: datetime | None
    standing: StandingRow | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How everything stands at one instant."""

    at: datetime
    connections: Sequence[ConnectionRow]
    syncs: Sequence[SyncHealth]
    standings: Sequence[StandingRow]
    usage: Mapping[str, tuple[int, int]]
    alerts: Sequence[AlertRow]
    pending_messages: int
    oldest_message: datetime | None
    webhooks_off: int
    held_back: str
    workers: WorkersSeen | None


def health_in(view: View, settings: Settings, *, now: datetime) -> Health:
    """Read how everything stands; raises SettingInvalid and ScriptNotLoaded as reading the scripts does."""
    connections, standings = view.connections(), view.standings()
    pending, oldest = view.pending_messages()
    return Health(
        at=now,
        connections=connections,
        syncs=[*_syncs(view, settings, connections, standings, now)],
        standings=standings,
        usage=api_usage(standings, now),
        alerts=view.alerts(),
        pending_messages=pending,
        oldest_message=oldest,
        webhooks_off=len(view.webhooks_off()),
        held_back=view.held_back(),
        workers=view.workers(WORKER_TTL),
    )


def _syncs(
    view: View,
    settings: Settings,
    connections: Sequence[ConnectionRow],
    standings: Sequence[StandingRow],
    now: datetime,
) -> Iterator[SyncHealth]:
    """Yield how each sync stands on each connection: the project's own, what has run, and what has a schedule."""
    defaults = {each.name: each.every for each in own_syncs(settings.syncs_folder, settings.objects) if each.loads}
    own = own_schedules(view.schedules())
    known = {each.name: each for each in connections}
    stand = {(each.sync, each.connection): each for each in standings if each.kind == "sync"}
    scheduled = {of for of, each in own.items() if each.every}
    pairs = {(sync, name) for sync in defaults for name in known} | stand.keys() | scheduled
    for sync, name in sorted(pairs):
        if (connection := known.get(name)) is None:
            continue
        every = own.get((sync, name), OwnSchedule()).applied(defaults.get(sync))
        standing = stand.get((sync, name))
        failures, since = standing.failures if standing else 0, connection.created_at
        is_ready = connection.status == "ready"
        due = next_due(every, standing, failures, since=since, now=now) if is_ready else None
        yield SyncHealth(sync, name, due, standing)


def api_usage(standings: Sequence[StandingRow], now: datetime) -> dict[str, tuple[int, int]]:
    """Return how many of its daily API requests each connection's org has used, and how many there are, where known."""
    latest: dict[str, tuple[datetime, int, int]] = {}
    for each in standings:
        if each.api_used is None or each.api_limit is None or each.api_seen_at is None:
            continue
        if each.api_seen_at > now - _USAGE_LASTS:
            found = (each.api_seen_at, each.api_used, each.api_limit)
            latest[each.connection] = max(found, latest.get(each.connection, found))
    return {name: (used, limit) for name, (_, used, limit) in latest.items()}
