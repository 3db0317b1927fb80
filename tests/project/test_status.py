"""What a sync's runs on a connection say of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from orgsync.project.standing import RUNS_NEEDED, next_due, standing_of
from orgsync.project.status import Verdict, judged
from orgsync.scripts import Cron, Every, Interval
from orgsync.store import Run, RunStatus
from orgsync.store.health_rows import StandingRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY = Interval(timedelta(hours=1))
NIGHTLY = Cron("0 6 * * *")


def run(status: RunStatus, hours_ago: float) -> Run:
    began = NOW - timedelta(hours=hours_ago)
    ended = None if status == "running" else began
    found = Run(id=1, sync="s", connection="c", epoch=1, status=status, started_at=began, finished_at=ended)
    if status in ("failed", "stopped"):
        found.error, found.error_code = f"It {status} {hours_ago} hours ago.", status
    return found


def kept(runs: list[Run]) -> StandingRow | None:
    """Return what the store keeps of runs, the latest first; None where none has ended."""
    ended = [run for run in runs if run.finished_at is not None]
    done = next((run for run in ended if run.status == "done"), None)
    since = ended[: ended.index(done)] if done else ended
    failed = next((run for run in since if run.status == "failed"), None)
    if not ended:
        return None
    return StandingRow(
        kind="sync",
        sync="s",
        connection="c",
        **dict.fromkeys(("done", "failed", "stopped", "added", "updated", "deleted", "unchanged", "api_calls"), 0),
        failures=sum(run.status == "failed" for run in since),
        status=ended[0].status,
        started_at=ended[0].started_at,
        ended_at=ended[0].started_at,
        error_code=ended[0].error_code,
        failure_error=failed.error if failed else None,
        failure_error_code=failed.error_code if failed else None,
        success_started_at=done.started_at if done else None,
        success_ended_at=done.finished_at if done else None,
        watermark=done.watermark if done else None,
        api_used=None,
        api_limit=None,
        api_seen_at=None,
    )


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
    standing = standing_of(runs, kept(runs))
    found, due = judged(standing, every, since=NOW - timedelta(days=1), now=NOW)
    assert (found, standing.failures, standing.was_reset) == (verdict, failures, False)
    assert (due is None) is (every is None)


@pytest.mark.parametrize(
    ("runs", "error"),
    [
        ([run("failed", 1), run("failed", 2)], "It failed 1 hours ago."),
        ([run("stopped", 1), run("failed", 2), run("failed", 3)], "It failed 2 hours ago."),
        ([run("stopped", 1), run("stopped", 2), run("stopped", 3), run("failed", 4)], "It failed 4 hours ago."),
        ([run("running", 0.1), run("stopped", 1), run("failed", 2)], "It failed 2 hours ago."),
        ([run("stopped", 1), run("done", 2), run("failed", 3)], "It stopped 1 hours ago."),
        ([run("running", 0.1), run("done", 1), run("failed", 2)], ""),
        ([run("done", 1), run("failed", 2)], ""),
    ],
)
def test_the_reason_is_that_of_the_last_failure_whatever_was_stopped_since(runs: list[Run], error: str) -> None:
    read_by_status = standing_of(runs[:RUNS_NEEDED], kept(runs))
    assert (read_by_status.error, read_by_status.error_code) == (error, error.split()[1] if error else None)
    if runs[0].status != "running" or read_by_status.failures:
        assert standing_of(runs[:1], kept(runs)) == read_by_status, "a page reads the latest run alone"


def test_a_sync_of_a_connection_just_made_is_not_overdue() -> None:
    assert judged(standing_of([], None), HOURLY, since=NOW - timedelta(minutes=5), now=NOW)[0] == "never run"


@pytest.mark.parametrize("status", ["done", "failed", "stopped"])
def test_runs_that_ended_before_a_reset_say_nothing_of_the_copy(status: RunStatus) -> None:
    before = [run(status, 0.2), run("done", 1)]
    standing = standing_of(before, None)
    assert (standing.was_reset, standing.last, standing.success, standing.error) == (True, None, None, "")
    for every in (HOURLY, NIGHTLY):
        assert judged(standing, every, since=NOW - timedelta(minutes=5), now=NOW) == ("reset", NOW)
    assert judged(standing, None, since=NOW - timedelta(days=1), now=NOW) == ("reset", None)


def test_the_first_run_after_a_reset_has_no_success_before_it() -> None:
    under_way = standing_of([run("running", 0.1), run("done", 1)], None)
    assert (under_way.was_reset, under_way.success) == (False, None)
    assert judged(under_way, HOURLY, since=NOW - timedelta(minutes=5), now=NOW)[0] == "running"
    stopped = [run("stopped", 0.1), run("done", 1)]
    found = standing_of(stopped, kept(stopped[:1]))
    assert (found.success, found.error) == (None, stopped[0].error)


def test_a_run_that_died_after_a_reset_and_that_nobody_has_noted_has_failed() -> None:
    died = run("failed", 0.1)
    died.finished_at = None
    standing = standing_of([died, run("done", 1)], None)
    assert (standing.failures, standing.success, standing.error) == (1, None, died.error)


def test_what_never_ran_is_due_now_with_a_cron_expression_too_as_the_scheduler_has_it() -> None:
    since = NOW - timedelta(minutes=5)
    assert judged(standing_of([], None), NIGHTLY, since=since, now=NOW) == ("never run", NOW)


def test_what_never_ran_is_due_since_it_could_first_have_run() -> None:
    since = NOW - timedelta(hours=2)
    assert next_due(HOURLY, None, 0, since=since, now=NOW) == since
    assert next_due(NIGHTLY, None, 0, since=since, now=NOW) == NOW, "it runs at once, whatever the cron expression says"
    assert next_due(None, None, 0, since=since, now=NOW) is None


@pytest.mark.parametrize("code", ["run_interrupted", "process_died", "limit_reached"])
def test_what_was_cut_short_is_due_since_then_as_the_scheduler_has_it_and_after_the_limit_in_its_rhythm(
    code: str,
) -> None:
    last = run("failed" if code == "process_died" else "stopped", 0.5)
    last.error_code, last.finished_at = code, last.started_at + timedelta(minutes=1)
    since, rhythm = NOW - timedelta(days=1), last.started_at + timedelta(hours=1)
    due = rhythm if code == "limit_reached" else last.finished_at
    assert next_due(HOURLY, last, 0, since=since, now=NOW) == due
    stored = kept([last])
    assert stored is not None
    assert next_due(HOURLY, replace(stored, ended_at=last.finished_at), 0, since=since, now=NOW) == due
    last.finished_at = None  # no run has noted that its process has died
    assert next_due(HOURLY, last, 0, since=since, now=NOW) == (rhythm if code == "limit_reached" else last.started_at)
    assert next_due(None, last, 0, since=since, now=NOW) is None


def test_every_verdict_is_known() -> None:
    known = {"ok", "failing", "overdue", "running", "stopped", "reset", "never run", "off", "no script"}
    assert set(get_args(Verdict)) == known
