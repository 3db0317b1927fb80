"""Which alerts there ought to be, as a function of how everything stands; and the scheduler, which looks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from orgsync.demo_org import DemoOrg, Fault
from orgsync.project.alert_rules import AlertRules
from orgsync.scheduler import Scheduler, ScriptWatcher
from orgsync.scripts.schedule import parse_every
from orgsync.settings import Settings
from orgsync.store.alerts import AlertKey, HealthFacts
from orgsync.store.health_rows import ConnectionHealth, StandingRow
from orgsync.store.view import ScheduleRow
from tests.projects import project_at

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
LAG: AlertKey = ("lag", "acme", "contacts")
SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Contact(Record, table=True):
    last_name: str


@sync(every="15m")
def contacts(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)
"""


def standing(**values: Any) -> StandingRow:
    """Return how contacts stand on acme: one run, done half an hour ago, complete up to then."""
    ago = NOW - timedelta(minutes=30)
    counts = dict.fromkeys(
        ("added", "updated", "deleted", "unchanged", "api_calls", "failed", "stopped", "failures"), 0
    )
    last = {"done": 1, "status": "done", "started_at": ago, "ended_at": ago, "error_code": None}
    failure = {"failure_error": None, "failure_error_code": None}
    success = {"success_started_at": ago, "success_ended_at": ago, "watermark": ago}
    api = {"api_used": None, "api_limit": None, "api_seen_at": ago}
    whole: dict[str, Any] = {**counts, **last, **failure, **success, **api, **values}
    return StandingRow(kind="sync", sync="contacts", connection="acme", **whole)


def decided(
    *standings: StandingRow,
    every: str | None = "15m",
    own: ScheduleRow | None = None,
    active: tuple[AlertKey, ...] = (),
    running: bool = False,
    settings: Settings | None = None,
    **connection: Any,
) -> dict[AlertKey, str]:
    row: dict[str, Any] = {"status": "ready", "status_reason": "", "created_at": NOW - timedelta(days=9), **connection}
    facts = HealthFacts(
        connections=[ConnectionHealth("acme", **row)],
        schedules=[own] if own else [],
        standings=standings,
        schemas=[],
        active=active,
    )
    schedules = {"contacts": parse_every(every) if every else None}
    under_way = [("contacts", "acme")] if running else []
    return AlertRules(settings or Settings(), schedules, under_way, NOW).decide(facts)


def test_a_sync_may_be_three_intervals_behind_and_no_more() -> None:
    assert decided(standing(watermark=NOW - timedelta(minutes=45))) == {}
    late = decided(standing(watermark=NOW - timedelta(minutes=46)))
    assert late == {LAG: "contacts on acme is 46 min behind; 45 min are normal. See why: orgsync status"}


def test_a_sync_of_every_minute_has_a_quarter_of_an_hour() -> None:
    assert decided(standing(watermark=NOW - timedelta(minutes=15)), every="1m") == {}
    assert LAG in decided(standing(watermark=NOW - timedelta(minutes=16)), every="1m")


def test_a_sync_by_the_calendar_has_an_hour_from_when_it_was_due() -> None:
    began = NOW - timedelta(hours=25)  # at eleven; the next is due at eleven
    values: dict[str, Any] = {
        "started_at": began,
        "success_started_at": began,
        "success_ended_at": began,
        "watermark": began,
    }
    assert decided(standing(**values), every="0 11 * * *") == {}
    assert LAG in decided(standing(**values), every="0 10 * * *")


def test_the_bound_can_be_set_as_a_factor_and_in_seconds() -> None:
    behind = standing(watermark=NOW - timedelta(minutes=46))
    assert decided(behind, settings=Settings(alert_lag_factor=4)) == {}
    assert decided(behind, settings=Settings(alert_lag=3600)) == {}
    assert LAG in decided(standing(), settings=Settings(alert_lag=60))


def test_a_sync_without_a_watermark_is_as_far_behind_as_its_last_success() -> None:
    assert decided(standing(watermark=None)) == {}
    ago = NOW - timedelta(hours=2)
    assert LAG in decided(standing(watermark=None, success_started_at=ago, success_ended_at=ago))


def test_what_is_not_scheduled_does_not_lag() -> None:
    behind = standing(watermark=NOW - timedelta(days=3))
    off = ScheduleRow(sync="contacts", connection="acme", off=True)
    assert decided(behind, every=None) == decided(behind, own=off) == {}
    assert LAG in decided(behind, every=None, own=ScheduleRow(sync="contacts", connection="acme", every="15m"))


def test_a_first_pass_may_take_as_long_as_it_takes_but_has_to_begin() -> None:
    assert decided(running=True) == {}
    assert LAG in decided()
    assert decided(created_at=NOW - timedelta(minutes=5)) == {}


def test_where_a_sign_in_is_needed_no_lag_is_told_beside_it_but_one_that_was_stays() -> None:
    behind = standing(watermark=NOW - timedelta(days=3))
    refused: dict[str, Any] = {"status": "needs sign-in", "status_reason": "Revoked."}
    sign_in: AlertKey = ("sign_in_needed", "acme", "")
    assert decided(behind, **refused) == {sign_in: "acme needs a sign-in: Revoked. Run: orgsync connect acme"}
    assert decided(behind, active=(LAG,), **refused).keys() == {sign_in, LAG}


def test_three_failures_in_a_row_are_an_alert_unless_the_sync_is_switched_off() -> None:
    key: AlertKey = ("failing", "acme", "contacts")
    off = ScheduleRow(sync="contacts", connection="acme", off=True)
    assert decided(standing(failures=2)) == {}
    assert key in decided(standing(failures=3))
    assert decided(standing(failures=3), own=off) == {}
    assert decided(standing(failures=3), settings=Settings(alert_failures=0)) == {}


def test_a_spent_limit_is_an_alert_until_usage_is_clearly_below_it() -> None:
    key: AlertKey = ("api_limit", "acme", "")
    assert decided(standing(api_used=799, api_limit=1000)) == {}
    assert "used 800 of its 1,000" in decided(standing(api_used=800, api_limit=1000))[key]
    assert key in decided(standing(api_used=790, api_limit=1000), active=(key,))
    assert decided(standing(api_used=750, api_limit=1000), active=(key,)) == {}
    assert key in decided(standing(api_used=500, api_limit=1000), settings=Settings(alert_api_share=0.5))
    yesterday = NOW - timedelta(hours=25)
    assert decided(standing(api_used=900, api_limit=1000, api_seen_at=yesterday)) == {}


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_scheduler_tells_a_lag_once_and_that_it_is_over(
    tmp_path: Path, org: DemoOrg, *, restarted: bool
) -> None:
    org.advance(seconds=(datetime.now(UTC) - org.now).total_seconds())
    async with project_at(tmp_path, org) as sample:
        folder, passed = tmp_path / "syncs", timedelta(0)
        folder.mkdir()
        (folder / "contacts.py").write_text(SCRIPT)
        off = ScheduleRow(sync="contacts", connection="acme", off=True)

        def scheduler() -> Scheduler:
            scripts = ScriptWatcher(folder)
            scripts.load()
            return Scheduler(replace(sample.opened, clock=lambda: datetime.now(UTC) + passed), scripts)

        async def said(by: Scheduler) -> list[tuple[str, str]]:
            with capture_logs() as logs:
                await by.run_due()
            return [(each["event"], each["kind"]) for each in logs if each["event"].startswith("alert ")]

        first = scheduler()
        assert await said(first) == []
        org.add_fault(Fault.status(503), times=None)
        passed = timedelta(hours=1)
        assert await said(first) == [("alert raised", "lag")]
        assert await said(scheduler() if restarted else first) == []
        await sample.opened.store.schedules.change([off.sync], [off.connection], off=True)
        assert await said(scheduler() if restarted else first) == [("alert cleared", "lag")]
