"""Status, findings and errors as the JSON that `--json` writes."""

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from .views import Instant, instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orgsync.errors import OrgsyncError
    from orgsync.store.health_rows import AlertRow

    from .doctor import Finding
    from .status import Status

__all__ = [
    "OWED",
    "SEE_STATUS",
    "AlertView",
    "ErrorView",
    "FindingView",
    "StatusView",
    "Verdict",
    "alert_view",
    "error_view",
    "finding_view",
    "status_view",
]

OWED: "Mapping[str, str]" = {"full": "reads everything", "reconcile": "compares the copy's Ids with the org's"}
"""What the next run does where an earlier one, which was to, has not."""

SEE_STATUS = "See why: orgsync status"
"""How the message of an alert may end; `orgsync status` itself leaves it out."""


Verdict: TypeAlias = Literal["ok", "failing", "overdue", "running", "stopped", "reset", "never run", "off", "no script"]
"""How a sync stands on a connection."""


class ErrorView(TypedDict):
    """An error; no detail of a script, which may hold data."""

    code: str
    cause: str
    remedy: str
    exit_code: int


class FindingView(TypedDict):
    """One thing that `orgsync doctor` has checked."""

    about: str
    state: str
    found: str | None
    note: str | None
    error: ErrorView | None


class AlertView(TypedDict):
    """An alert that is active; `subject` is the sync or the object that it is about, None for the connection."""

    kind: str
    connection: str
    subject: str | None
    message: str
    raised_at: str


class StatusView(TypedDict):
    """How one sync stands on one connection; lags are in seconds, `owed` is what an earlier run has left."""

    sync: str
    connection: str
    state: Verdict
    last_success: Instant | None
    watermark: Instant | None
    lag: float | None
    rows: int
    failures: int
    error: str | None
    error_code: str | None
    script_error: str | None
    script_error_code: str | None
    running_for: float | None
    waits_for: str | None
    every: str | None
    due: Instant | None
    owed: Literal["full", "reconcile"] | None
    alerts: list[AlertView]


def error_view(problem: "OrgsyncError") -> ErrorView:
    """Return an error as JSON."""
    return {
        "code": problem.code,
        "cause": _one_line(problem.cause),
        "remedy": _one_line(problem.remedy),
        "exit_code": problem.exit_code,
    }


def finding_view(finding: "Finding") -> FindingView:
    """Return a finding as JSON."""
    return {
        "about": finding.about,
        "state": "problem" if finding.problem else "ok",
        "found": _one_line(finding.text) or None,
        "note": _one_line(finding.note) or None,
        "error": error_view(finding.problem) if finding.problem else None,
    }


def status_view(status: "Status") -> StatusView:
    """Return how one sync stands on one connection as JSON."""
    return {
        "sync": status.sync,
        "connection": status.connection,
        "state": status.verdict,
        "last_success": instant(status.last_success),
        "watermark": instant(status.watermark),
        "lag": status.lag.total_seconds() if status.lag is not None else None,
        "rows": status.rows,
        "failures": status.failures,
        "error": status.error or None,
        "error_code": status.error_code,
        "script_error": status.script_error or None,
        "script_error_code": status.script_error_code,
        "running_for": status.running_for.total_seconds() if status.running_for is not None else None,
        "waits_for": status.waits_for or None,
        "every": str(status.every) if status.every else None,
        "due": instant(status.due),
        "owed": status.owed or None,
        "alerts": [alert_view(each) for each in status.alerts],
    }


def alert_view(alert: "AlertRow") -> AlertView:
    """Return an alert as JSON."""
    return {
        "kind": alert.kind,
        "connection": alert.connection,
        "subject": alert.subject or None,
        "message": _one_line(alert.message),
        "raised_at": str(instant(alert.raised_at)),
    }


def _one_line(text: str) -> str:
    return " ".join(text.split())
