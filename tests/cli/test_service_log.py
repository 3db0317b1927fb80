"""The lines that `orgsync up` writes for a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

from orgsync.scheduler import RUN_ENDED
from orgsync_cli.service_log import Lines

BEGAN = datetime(2026, 1, 31, 10, 15, tzinfo=UTC)


def run(sync: str, *, added: int = 0, seconds: float = 0) -> dict[str, Any]:
    """The event of a run that has ended."""
    counts = {"added": added, "updated": 0, "deleted": 0, "unchanged": 0, "api_calls": 3, "seconds": 0.5}
    ended = {"event": RUN_ENDED, "level": "info", "at": BEGAN + timedelta(seconds=seconds), "status": "done"}
    return {**ended, "sync": sync, "connection": "acme", **counts}


def test_runs_with_nothing_to_report_are_counted_in_a_line_of_their_own() -> None:
    lines = Lines()
    assert lines(None, "info", run("accounts")) == (
        "2026-01-31T10:15:00Z accounts on acme: nothing new (3 API calls, 0.50 s)"
    )
    for _ in range(3):
        with pytest.raises(structlog.DropEvent):
            lines(None, "info", run("accounts", seconds=10))
    assert lines(None, "info", run("contacts", added=2, seconds=20)).splitlines() == [
        "2026-01-31T10:15:20Z 3 other runs: nothing new",
        "2026-01-31T10:15:20Z contacts on acme: 2 added (3 API calls, 0.50 s)",
    ]


@pytest.mark.parametrize(
    ("again", "said"),
    [
        (0, "3 other runs: nothing new"),
        (2, "3 other runs: 2 failed again, 1 found nothing new"),
        (3, "3 other runs: 3 failed again"),
    ],
)
def test_runs_that_fail_as_before_are_counted_as_that(again: int, said: str) -> None:
    lines = Lines()
    lines(None, "info", run("accounts"))
    for number in range(3):
        failed = {"status": "failed", "repeated": True} if number < again else {}
        with pytest.raises(structlog.DropEvent):
            lines(None, "info", {**run("accounts", seconds=10), **failed})
    assert lines(None, "info", run("contacts", added=2, seconds=20)).splitlines()[0].endswith(f"Z {said}")


def test_what_is_wrong_with_a_connection_is_not_said_of_each_of_its_runs() -> None:
    failed = {
        **run("accounts"),
        "level": "warning",
        "status": "failed",
        "error": "Salesforce does not accept the refresh token.",
    }
    assert "refresh token" in Lines()(None, "warning", {**failed, "error_code": "query_refused"})
    line = Lines()(None, "warning", {**failed, "error_code": "sign_in_needed"})
    assert line == "2026-01-31T10:15:00Z warning: accounts on acme: failed (3 API calls, 0.50 s)"
