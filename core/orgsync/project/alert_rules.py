"""Which alerts there ought to be: decided from how everything stands, without clock, network or database."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orgsync.scripts.own_schedules import OwnSchedule, own_schedules
from orgsync.scripts.schedule import Every, Interval
from orgsync.settings import Settings
from orgsync.store.alerts import AlertKey, HealthFacts, failing_message, sign_in_message
from orgsync.store.health_rows import StandingRow

from .health import api_usage
from .health_views import SEE_STATUS

__all__ = ["AlertRules"]

_LEAST_BOUND = timedelta(minutes=15)
_CRON_GRACE = timedelta(hours=1)
_BACK_BELOW = 0.95
"""The share of a bound below which usage has to fall before the alert ends: readings go up and down."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The rules of a project: `schedules` are those of the scripts, `running` the syncs and connections under way."""

    settings: Settings
    schedules: Mapping[str, Every | None]
    running: Collection[tuple[str, str]]
    now: datetime

    def decide(self, facts: HealthFacts) -> dict[AlertKey, str]:
        """Return the alerts that there ought to be, each with its message."""
        return dict(
            [*_sign_ins(facts), *self._failing(facts), *self._lags(facts), *self._usage(facts), *_schemas(facts)]
        )

    def _failing(self, facts: HealthFacts) -> Iterator[tuple[AlertKey, str]]:
        most = self.settings.alert_failures
        own = own_schedules(facts.schedules)
        for each in facts.standings if most else ():
            is_off = own.get((each.sync, each.connection), OwnSchedule()).off
            if each.kind == "sync" and each.failures >= most and not is_off:
                message = failing_message(each.sync, each.connection, each.failures, SEE_STATUS)
                yield ("failing", each.connection, each.sync), message

    def _lags(self, facts: HealthFacts) -> Iterator[tuple[AlertKey, str]]:
        own = own_schedules(facts.schedules)
        standings = {(each.sync, each.connection): each for each in facts.standings if each.kind == "sync"}
        for connection in facts.connections:
            for sync, default in self.schedules.items():
                of = sync, connection.name
                every, key = own.get(of, OwnSchedule()).applied(default), ("lag", connection.name, sync)
                if every is None or (connection.status != "ready" and key not in facts.active):
                    continue  # that a sign-in is needed is told already
                if late := self._late(every, standings.get(of), of, since=connection.created_at):
                    behind, bound = late
                    message = f"{sync} on {connection.name} is {_span(behind)} behind; {_span(bound)} are normal."
                    yield key, f"{message} {SEE_STATUS}"

    def _late(
        self, every: Every, standing: StandingRow | None, of: tuple[str, str], *, since: datetime
    ) -> tuple[timedelta, timedelta] | None:
        """Return how far a sync is behind and how far it may be, where it is further than that."""
        success = standing.success_started_at if standing else None
        if success is None and of in self.running:
            return None  # the first pass may take long
        read_up_to = (standing.read_up_to if standing else None) or since
        behind = self.now - read_up_to
        bound = self._bound(every, read_up_to, success or since)
        return (behind, bound) if behind > bound else None

    def _bound(self, every: Every, read_up_to: datetime, started: datetime) -> timedelta:
        settings = self.settings
        if settings.alert_lag is not None:
            return timedelta(seconds=settings.alert_lag)
        if isinstance(every, Interval):
            return max(every.length * settings.alert_lag_factor, _LEAST_BOUND)
        return every.next_after(max(started, read_up_to)) + _CRON_GRACE - read_up_to

    def _usage(self, facts: HealthFacts) -> Iterator[tuple[AlertKey, str]]:
        settings = self.settings
        share = settings.api_limit_share if settings.alert_api_share is None else settings.alert_api_share
        for name, (used, limit) in api_usage(facts.standings, self.now).items():
            key = "api_limit", name, ""
            if used >= limit * share * (_BACK_BELOW if key in facts.active else 1):
                yield (
                    key,
                    f"The org of {name} has used {used:,} of its {limit:,} daily API requests. At "
                    f"{settings.api_limit_share:.0%} runs stop until it has used less. See by what: orgsync status",
                )


def _sign_ins(facts: HealthFacts) -> Iterator[tuple[AlertKey, str]]:
    for each in facts.connections:
        if each.status != "ready":
            yield ("sign_in_needed", each.name, ""), sign_in_message(each.name, each.status_reason)


def _schemas(facts: HealthFacts) -> Iterator[tuple[AlertKey, str]]:
    for each in facts.schemas:
        message = f"{each.object} of {each.connection} has changed. See how, and what it touches: orgsync drift"
        yield ("schema_changed", each.connection, each.object), message


def _span(time: timedelta) -> str:
    """Write a time in its two largest units."""
    minutes = int(time.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{number} {unit}" for number, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if number]
    return " ".join(parts[:2]) or "less than a minute"
