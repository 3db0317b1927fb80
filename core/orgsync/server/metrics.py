"""How everything stands as metrics of Prometheus: names, types and labels."""

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from orgsync.project.health import Health, SyncHealth

__all__ = ["CONTENT_TYPE", "metrics_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that every version of Prometheus reads."""

_OF_SYNC = ("sync", "connection")
_CHANGES = ("added", "updated", "deleted", "unchanged")
_OUTCOMES = ("done", "failed", "stopped")


def metrics_text(health: Health, sees: Callable[[str], bool], *, of_all: bool) -> bytes:
    """Return the metrics of the connections that a caller sees; `of_all` adds what is no connection's."""
    registry = CollectorRegistry()
    registry.register(_Families([*_families(health, sees), *(_of_the_project(health) if of_all else ())]))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _families(health: Health, sees: Callable[[str], bool]) -> Iterator[Metric]:
    syncs = [each for each in health.syncs if sees(each.connection)]
    yield from _of_syncs(health, syncs)
    yield from _totals(health, sees)
    yield from _of_connections(health, sees)
    alerts = GaugeMetricFamily(
        "orgsync_alert_active", "1 for each alert that is active.", labels=("kind", "connection", "subject")
    )
    for alert in health.alerts:
        if sees(alert.connection):
            alerts.add_metric(alert.key, 1)
    yield alerts


def _of_syncs(health: Health, syncs: Iterable[SyncHealth]) -> Iterator[Metric]:
    lag = _gauge("orgsync_sync_lag_seconds", "Seconds that a sync is behind its org.")
    success = _gauge("orgsync_sync_last_success_timestamp_seconds", "When a run of a sync was last done.")
    failures = _gauge("orgsync_sync_consecutive_failures", "Runs of a sync that have failed since the last success.")
    due = _gauge("orgsync_sync_next_due_timestamp_seconds", "When a sync is due next.")
    for each in syncs:
        of, standing = (each.sync, each.connection), each.standing
        if each.due is not None:
            due.add_metric(of, each.due.timestamp())
        failures.add_metric(of, standing.failures if standing else 0)
        if standing and standing.read_up_to and standing.success_ended_at:
            lag.add_metric(of, max((health.at - standing.read_up_to).total_seconds(), 0))
            success.add_metric(of, standing.success_ended_at.timestamp())
    yield from (lag, success, failures, due)


def _gauge(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, labels=_OF_SYNC)


def _totals(health: Health, sees: Callable[[str], bool]) -> Iterator[Metric]:
    runs = CounterMetricFamily(
        "orgsync_runs", "Runs that have ended, by outcome.", labels=("kind", "name", "connection", "outcome")
    )
    rows = CounterMetricFamily("orgsync_rows", "Rows of the copy, by change.", labels=(*_OF_SYNC, "change"))
    calls = CounterMetricFamily(
        "orgsync_api_calls", "API requests that runs have sent.", labels=("kind", "name", "connection")
    )
    for each in health.standings:
        if not sees(each.connection):
            continue
        of = (each.kind, each.sync, each.connection)
        for outcome in _OUTCOMES:
            runs.add_metric((*of, outcome), getattr(each, outcome))
        for change in _CHANGES if each.kind == "sync" else ():
            rows.add_metric((each.sync, each.connection, change), getattr(each, change))
        calls.add_metric(of, each.api_calls)
    yield from (runs, rows, calls)


def _of_connections(health: Health, sees: Callable[[str], bool]) -> Iterator[Metric]:
    labels = ("connection",)
    refused = GaugeMetricFamily(
        "orgsync_connection_needs_sign_in", "1 where a connection has to be signed in again, else 0.", labels=labels
    )
    used = GaugeMetricFamily(
        "orgsync_api_requests_used", "API requests that the org has used in the last 24 hours.", labels=labels
    )
    allowed = GaugeMetricFamily(
        "orgsync_api_requests_allowed", "API requests that the org allows in 24 hours.", labels=labels
    )
    for each in health.connections:
        if sees(each.name):
            refused.add_metric((each.name,), each.status != "ready")
            if each.name in health.usage:
                number, most = health.usage[each.name]
                used.add_metric((each.name,), number)
                allowed.add_metric((each.name,), most)
    yield from (refused, used, allowed)


def _of_the_project(health: Health) -> Iterator[Metric]:
    age = max((health.at - health.oldest_message).total_seconds(), 0) if health.oldest_message else 0
    yield GaugeMetricFamily(
        "orgsync_webhook_messages_pending", "Messages of webhooks that are not delivered.", health.pending_messages
    )
    yield GaugeMetricFamily("orgsync_webhook_oldest_pending_seconds", "The age of the oldest of them.", age)
    yield GaugeMetricFamily("orgsync_webhooks_off", "Webhooks that are switched off.", health.webhooks_off)
    yield GaugeMetricFamily(
        "orgsync_feed_held_back",
        "1 where an open transaction has held back the change feeds for more than a minute, else 0.",
        bool(health.held_back),
    )
    if health.workers is not None:
        yield GaugeMetricFamily("orgsync_workers", "Workers that are alive.", len(health.workers.workers))
        jobs = GaugeMetricFamily("orgsync_worker_jobs", "Jobs of workers, by state.", labels=("state",))
        for state, number in sorted(health.workers.jobs.items()):
            jobs.add_metric((state,), number)
        yield jobs
