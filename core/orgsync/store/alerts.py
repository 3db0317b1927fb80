"""Alerts: each is told once when raised and once when cleared, in the transaction that keeps which are active.

Which alerts there ought to be is decided above. What is kept here is which were told, so that neither a restart nor a
second process tells one twice.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from orgsync.logs import get_logger
from orgsync.records import to_stored

from .backend import Backend, Transaction
from .health_rows import AlertRow, ConnectionHealth, SchemaRow, StandingRow
from .messages import tell, tell_run
from .model import Run
from .view import ScheduleRow

__all__ = [
    "ALERT_KINDS",
    "AlertChange",
    "AlertKey",
    "AlertKind",
    "Alerts",
    "HealthFacts",
    "clear_alert",
    "clear_alerts_of",
    "failing_message",
    "log_alerts",
    "note_run_end",
    "raise_alert",
    "sign_in_message",
]

AlertKind: TypeAlias = Literal["lag", "failing", "sign_in_needed", "api_limit", "schema_changed"]

ALERT_KINDS: Mapping[AlertKind, str] = {
    "lag": "A sync is further behind than it may be.",
    "failing": "A sync has failed several times in a row.",
    "sign_in_needed": "Salesforce refuses a connection: somebody has to sign in again.",
    "api_limit": "An org has used so much of its daily API requests that runs stop.",
    "schema_changed": "Fields that syncs may read are new, gone, or of another type.",
}
"""Every kind of alert, with what it says."""

AlertKey: TypeAlias = tuple[str, str, str]
"""Kind, connection and subject: the sync or the object that the alert is about, or ""."""


@dataclass(frozen=True, slots=True)
class AlertChange:
    """An alert that was raised, or cleared."""

    alert: AlertRow
    raised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFacts:
    """What is known when it is decided which alerts there ought to be."""

    connections: Sequence[ConnectionHealth]
    schedules: Sequence[ScheduleRow]
    standings: Sequence[StandingRow]
    schemas: Sequence[SchemaRow]
    active: Collection[AlertKey]


class Alerts:
    """The alerts of one open store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def list(self) -> Sequence[AlertRow]:
        """Read those that are active."""
        async with self._backend.reading() as on:
            return await on.health.alerts()

    async def standings(self) -> Sequence[StandingRow]:
        """Read how each sync and action stands on each connection."""
        async with self._backend.reading() as on:
            return await on.health.standings()

    async def settle(
        self,
        decide: Callable[[HealthFacts], Mapping[AlertKey, str]],
        *,
        schemas_since: datetime,
        connections: Collection[str] = (),
    ) -> Sequence[AlertChange]:
        """Raise and clear alerts until they are those that `decide` returns, by key with their messages.

        Only those of these connections are touched, of all where none is named. Where something has to change, what it
        is decided by is read again in the transaction that changes it: what a run has just told is not told again.
        """
        async with self._backend.reading() as on:
            if not _differences(await _facts(on, schemas_since), decide, connections):
                return ()
        async with self._backend.writing() as on:
            facts = await _facts(on, schemas_since)
            changes = [
                await (clear_alert(on, *key) if message is None else raise_alert(on, *key, message))
                for key, message in _differences(facts, decide, connections).items()
            ]
        found = [each for each in changes if each is not None]
        log_alerts(found)
        return found


def _differences(
    facts: HealthFacts, decide: Callable[[HealthFacts], Mapping[AlertKey, str]], connections: Collection[str]
) -> dict[AlertKey, str | None]:
    """Return what is to be raised, with its message, and what is to be cleared."""
    wanted, there = decide(facts), {each.name for each in facts.connections}
    found: dict[AlertKey, str | None] = dict.fromkeys(sorted(set(facts.active) - wanted.keys()))
    found |= {key: wanted[key] for key in sorted(wanted.keys() - set(facts.active)) if key[1] in there}
    return {key: message for key, message in found.items() if not connections or key[1] in connections}


async def _facts(on: Transaction, schemas_since: datetime) -> HealthFacts:
    return HealthFacts(
        connections=await on.health.connections(),
        schedules=await on.schedules.list(),
        standings=await on.health.standings(),
        schemas=await on.health.changed_schemas(schemas_since),
        active={each.key for each in await on.health.alerts()},
    )


async def raise_alert(on: Transaction, kind: str, connection: str, subject: str, message: str) -> AlertChange | None:
    """Raise an alert and tell it; None where it is active already."""
    at = await on.now()
    alert = AlertRow(kind=kind, connection=connection, subject=subject, message=message, raised_at=at)
    if not await on.health.raise_alert(alert):
        return None
    await tell(on, "alert.raised", connection, _data(alert))
    return AlertChange(alert, raised=True)


async def clear_alert(on: Transaction, kind: str, connection: str, subject: str) -> AlertChange | None:
    """Clear an alert and tell it; None where it is not active."""
    alert = await on.health.clear_alert(kind, connection, subject)
    if alert is None:
        return None
    await tell(on, "alert.cleared", connection, _data(alert))
    return AlertChange(alert, raised=False)


async def clear_alerts_of(on: Transaction, connection: str) -> Sequence[AlertChange]:
    """Clear all alerts of a connection."""
    cleared = [await clear_alert(on, *each.key) for each in await on.health.alerts(connection)]
    return [each for each in cleared if each is not None]


async def note_run_end(
    on: Transaction, run: Run, *, used: int | None = None, limit: int | None = None, alert_after: int = 0
) -> Sequence[AlertChange]:
    """Tell that a run has ended, and add it to how its sync stands; raise or clear the alert of failures in a row.

    `used` of `limit` daily API requests were used. The alert is raised at `alert_after` failures; for 0 it is left.
    """
    await tell_run(on, run)
    failures = await on.health.note_end(run.id, used=used, limit=limit)
    change = None
    if run.kind != "sync" or not alert_after:
        return ()
    if run.status == "done":
        change = await clear_alert(on, "failing", run.connection, run.sync)
    elif failures >= alert_after:
        message = failing_message(run.sync, run.connection, failures, run.error)
        change = await raise_alert(on, "failing", run.connection, run.sync, message)
    return [change] if change else []


def failing_message(sync: str, connection: str, failures: int, error: str | None) -> str:
    """Say that a sync fails, and why, or where that is said."""
    times = "once" if failures == 1 else f"{failures} times in a row"
    return f"{sync} on {connection} has failed {times}. {' '.join((error or '').split())}".rstrip()


def sign_in_message(connection: str, reason: str) -> str:
    """Say that a connection needs a sign-in, why, and what to do."""
    why = " ".join(reason.split()) or "Salesforce refuses the sign-in."
    return f"{connection} needs a sign-in: {why} Run: orgsync connect {connection}"


def log_alerts(changes: Sequence[AlertChange]) -> None:
    """Log what was raised and cleared, once it is committed."""
    log = get_logger("orgsync.alerts")
    for each in changes:
        facts = {"kind": each.alert.kind, "connection": each.alert.connection, **_subject(each.alert)}
        if each.raised:
            log.warning("alert raised", **facts, error=each.alert.message)
        else:
            log.info("alert cleared", **facts)


def _data(alert: AlertRow) -> dict[str, Any]:
    return {
        "kind": alert.kind,
        "connection": alert.connection,
        **_subject(alert),
        "message": alert.message,
        "raised_at": to_stored(alert.raised_at),
    }


def _subject(alert: AlertRow) -> dict[str, str]:
    """Return what the alert is about, by what it is."""
    if not alert.subject:
        return {}
    return {"object" if alert.kind == "schema_changed" else "sync": alert.subject}
