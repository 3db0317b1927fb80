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
