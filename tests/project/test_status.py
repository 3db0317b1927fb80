"""What a sync's runs on a connection say of it."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from orgsync.project.status import Verdict, judged
from orgsync.scripts import Cron, Every, Interval
from orgsync.store import Run, RunStatus

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY = Interval(timedelta(hours=1))
NIGHTLY = Cron("0 6 * * *")


def run(status: RunStatus, hours_ago: float) -> Run:
    began = NOW - timedelta(hours=hours_ago)
    return Run(id=1, sync="s", connection="c", epoch=1, status=status, started_at=began, finished_at=began)


@pytest.mark.parametrize(
    ("runs", "every", "verdict", "failures"),
    [
        ([run("done", 0.5)], HOURLY, "ok", 0),
        ([run("done", 1.9)], HOURLY, "ok", 0),
        ([run("done", 2.1)], HOURLY, "overdue", 0),
        ([run("done", 500)], None, "ok", 0),
        ([run("failed", 0.5), run("failed", 1.5), run("done", 2.5), run("failed", 3.5)], HOURLY, "failing", 2),
        ([run("failed", 0.5)], None, "failing", 1),
        ([run("done", 0.5), run("failed", 1.5)], HOURLY, "ok", 0),
        ([run("stopped", 0.5), run("done", 1.5)], HOURLY, "ok", 0),
        ([run("stopped", 0.5), run("stopped", 1.5), run("done", 2.5)], HOURLY, "overdue", 0),
        ([run("stopped", 0.5)], HOURLY, "overdue", 0),
        ([run("stopped", 0.5)], None, "stopped", 0),
        ([run("running", 0.1), run("done", 1)], HOURLY, "running", 0),
        ([run("running", 0.1), run("failed", 1)], HOURLY, "failing", 1),
        ([run("done", 20)], NIGHTLY, "overdue", 0),
        ([run("done", 5.9)], NIGHTLY, "ok", 0),
        ([], HOURLY, "overdue", 0),
        ([], None, "never run", 0),
    ],
)
def test_a_sync_is_judged_by_its_runs(runs: list[Run], every: Every | None, verdict: Verdict, failures: int) -> None:
    found, failed, due = judged(runs, every, since=NOW - timedelta(days=1), now=NOW)
    assert (found, failed) == (verdict, failures)
    assert (due is None) is (every is None)


def test_a_sync_of_a_connection_just_made_is_not_overdue() -> None:
    assert judged([], HOURLY, since=NOW - timedelta(minutes=5), now=NOW)[0] == "never run"
    assert set(get_args(Verdict)) == {"ok", "failing", "overdue", "running", "stopped", "never run", "off", "no script"}
