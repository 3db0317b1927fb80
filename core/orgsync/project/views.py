"""Runs, connections and syncs as the JSON that `--json` writes; status and findings are in `health_views`."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypedDict

from orgsync.clock import utc_now
from orgsync.store.statuses import ConnectionStatus, Environment, RunKind, RunStatus

if TYPE_CHECKING:
    from orgsync.engine import Job, Outcome
    from orgsync.errors import OrgsyncError
    from orgsync.store import ConnectionRow, Run, RunRow

    from .dry_run import DryRunChange, OpenDryRun
    from .schedules import Schedule
    from .syncs import ListedSync

__all__ = [
    "ChangeView",
    "ClashView",
    "ConnectionView",
    "DryRunView",
    "FinishedRunView",
    "Instant",
    "ListedRunView",
    "OwnScheduleView",
    "RunView",
    "ScheduleView",
    "SyncView",
    "change_view",
    "connection_view",
    "dry_run_view",
    "finished_run_view",
    "instant",
    "listed_run_view",
    "not_started_view",
    "run_view",
    "schedule_view",
    "seconds_of",
    "sync_view",
]


Instant: TypeAlias = Annotated[str, "date-time"]
"""An instant as `instant` writes it; the HTTP API's document says so by this format."""


class RunView(TypedDict):
    """A run of a sync or of an action, by its name; `seconds` are those so far while it is under way."""

    kind: RunKind
    sync: str | None
    action: str | None
    connection: str
    status: Literal[RunStatus, "not started"]
    added: int
    updated: int
    deleted: int
    unchanged: int
    api_calls: int
    seconds: float
    watermark: Instant | None
    error: str | None
    error_code: str | None


class ListedRunView(RunView):
    """A run in the list of runs."""

    id: int
    started_at: Instant | None


class FinishedRunView(RunView):
    """A run that this process made, with the plan of its last long read."""

    plan: str | None


class DryRunView(FinishedRunView):
    """A dry run; its changes follow as a list `changes`."""

    dry_run: bool
    at_limit: bool


class ChangeView(TypedDict):
    """What a run would do to one row: each column's value before and after."""

    table: str
    id: str
    change: str
    fields: dict[str, tuple[Any, Any]]


class ConnectionView(TypedDict):
    """A connection; nothing secret is in it."""

    name: str
    environment: Environment
    status: ConnectionStatus
    status_reason: str | None
    org_id: str
    user_id: str
    username: str
    login_url: str
    instance_url: str
    flow: str
    client_id: str
    scope: str
    api_version: str
    tags: list[str]
    metadata: dict[str, Any]
    mapping: dict[str, str]
    created_at: Instant | None
    updated_at: Instant | None


class ClashView(TypedDict):
    """A table that another sync writes as well; `owned` says that it belongs to the other."""

    table: str
    sync: str
    owned: bool


class ScheduleView(TypedDict):
    """What is set for a sync on a connection; `every` is what holds there, `default` what the script says."""

    sync: str
    connection: str
    every: str | None
    off: bool
    own: bool
    default: str | None


class OwnScheduleView(TypedDict):
    """What is set for a connection, in the list of syncs; `every` is None for the script's own."""

    connection: str
    every: str | None
    off: bool


class SyncView(TypedDict):
    """A sync and where it was found."""

    sync: str
    every: str | None
    reconcile: str | None
    formulas: str | None
    summary: str | None
    tables: Sequence[str]
    where: str
    problem: str | None
    clashes: list[ClashView]
    schedules: list[OwnScheduleView]


def instant(value: datetime | None) -> str | None:
    """Write an instant as `2026-01-31T10:15:00.000Z`."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_of(run: "Run | RunRow") -> float:
    """Return how long a run took, or has taken so far."""
    return round(((run.finished_at or utc_now()) - run.started_at).total_seconds(), 3)


def run_view(run: "Run | RunRow") -> RunView:
    """Return a run as JSON."""
    is_action = run.kind == "action"
    return {
        "kind": run.kind,
        "sync": None if is_action else run.sync,
        "action": run.sync if is_action else None,
        "connection": run.connection,
        "status": run.status,
        "added": run.added,
        "updated": run.updated,
        "deleted": run.deleted,
        "unchanged": run.unchanged,
        "api_calls": run.api_calls,
        "seconds": seconds_of(run),
        "watermark": instant(run.watermark),
        "error": run.error,
        "error_code": run.error_code,
    }


def listed_run_view(run: "Run | RunRow") -> ListedRunView:
    """Return a run with its number and start as JSON."""
    return {"id": run.id, **run_view(run), "started_at": instant(run.started_at)}


def finished_run_view(outcome: "Outcome") -> FinishedRunView:
    """Return how a run ended as JSON."""
    return {**run_view(outcome.run), "plan": None if outcome.plan is None else str(outcome.plan)}


def not_started_view(job: "Job", problem: "OrgsyncError") -> FinishedRunView:
    """Return a run that could not begin as JSON."""
    return {
        "kind": "sync",
        "sync": job.name,
        "action": None,
        "connection": job.connection,
        "status": "not started",
        "added": 0,
        "updated": 0,
        "deleted": 0,
        "unchanged": 0,
        "api_calls": 0,
        "seconds": 0.0,
        "watermark": None,
        "error": _text(problem),
        "error_code": problem.code,
        "plan": None,
    }


def dry_run_view(dry_run: "OpenDryRun") -> DryRunView:
    """Return a dry run as JSON, but for its changes: there may be more of them than memory holds."""
    return {**finished_run_view(dry_run.outcome), "dry_run": True, "at_limit": dry_run.at_limit}


def change_view(change: "DryRunChange") -> ChangeView:
    """Return a change of a dry run as JSON."""
    return {"table": change.table, "id": change.id, "change": change.kind, "fields": change.fields}


def connection_view(connection: "ConnectionRow") -> ConnectionView:
    """Return a connection as JSON."""
    return {
        "name": connection.name,
        "environment": connection.environment,
        "status": connection.status,
        "status_reason": connection.status_reason or None,
        "org_id": connection.org_id,
        "user_id": connection.user_id,
        "username": connection.username,
        "login_url": connection.login_url,
        "instance_url": connection.instance_url,
        "flow": connection.grant,
        "client_id": connection.client_id,
        "scope": connection.scope,
        "api_version": connection.api_version,
        "tags": list(connection.tags),
        "metadata": dict(connection.metadata),
        "mapping": dict(connection.mapping),
        "created_at": instant(connection.created_at),
        "updated_at": instant(connection.updated_at),
    }


def sync_view(listed: "ListedSync") -> SyncView:
    """Return a sync as JSON."""
    found = listed.found
    return {
        "sync": found.name,
        "every": str(found.every) if found.every else None,
        "reconcile": str(found.reconcile) if found.reconcile else None,
        "formulas": str(found.formulas) if found.formulas else None,
        "summary": found.summary if found.loads else None,
        "tables": list(found.tables),
        "where": found.where,
        "problem": _text(found.problem) if found.problem else None,
        "clashes": [{"table": each.table, "sync": each.other, "owned": each.owned} for each in listed.clashes],
        "schedules": [{"connection": row.connection, "every": row.every, "off": row.off} for row in listed.schedules],
    }


def schedule_view(schedule: "Schedule") -> ScheduleView:
    """Return when a sync is due on a connection as JSON."""
    return {
        "sync": schedule.sync,
        "connection": schedule.connection,
        "every": schedule.every,
        "off": schedule.off,
        "own": schedule.own,
        "default": schedule.default,
    }


def _text(problem: "OrgsyncError") -> str:
    return f"{problem.cause} {problem.remedy}".strip()
