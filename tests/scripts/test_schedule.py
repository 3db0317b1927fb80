"""Intervals and cron expressions: parsed, written, and when they are due next."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.errors import ScriptNotLoaded
from orgsync.scripts import Cron, Interval
from orgsync.scripts.schedule import parse_every

FRIDAY = datetime(2026, 1, 30, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds", "written"),
    [("30s", 30, "30s"), ("15m", 900, "15m"), (" 90 m ", 5400, "90m"), ("2h", 7200, "2h"), ("48h", 172_800, "2d")],
)
def test_an_interval_is_a_number_and_a_unit(text: str, seconds: int, written: str) -> None:
    every = parse_every(text)
    assert every == Interval(timedelta(seconds=seconds))
    assert str(every) == written
    assert every.next_after(FRIDAY) == FRIDAY + timedelta(seconds=seconds)
    assert every.at_or_after(FRIDAY) == FRIDAY


@pytest.mark.parametrize(
    "text", ["", "15", "m", "0m", "-1m", "1w", "1.5h", "15 minutes", "367d", "99999999999999d", "٣m"]
)
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(ScriptNotLoaded, match="is not an interval") as caught:
        parse_every(text)
    assert '"15m"' in caught.value.remedy


def test_a_cron_expression_is_due_at_its_times_in_utc() -> None:
    working_days = parse_every("0 6  * * 1-5")
    assert working_days == Cron("0 6 * * 1-5")
    assert str(working_days) == "0 6 * * 1-5"
    monday = datetime(2026, 2, 2, 6, tzinfo=UTC)
    assert working_days.next_after(FRIDAY) == monday
    assert working_days.next_after(FRIDAY.astimezone(timezone(timedelta(hours=9)))) == monday
    assert working_days.next_after(monday) == monday + timedelta(days=1)
    assert working_days.at_or_after(monday) == monday
    assert working_days.at_or_after(monday + timedelta(seconds=1)) == monday + timedelta(days=1)


@pytest.mark.parametrize(
    "text", ["0 6 * *", "0 0 6 * * 1", "61 6 * * *", "a b c d e", "0 0 30 2 *", "0 0 * * 5L/2", "@daily is not it"]
)
def test_what_is_no_cron_expression_or_never_occurs_is_refused(text: str) -> None:
    with pytest.raises(ScriptNotLoaded, match="is not a cron expression, or one that never occurs") as caught:
        parse_every(text)
    assert "UTC" in caught.value.remedy


@given(
    st.sampled_from(["30s", "15m", "7d", "* * * * *", "*/7 3 * * *", "0 6 * * 1-5", "0 0 29 2 *"]),
    st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),
)
def test_what_is_next_lies_ahead_and_at_or_after_never_skips(text: str, instant: datetime) -> None:
    every = parse_every(text)
    upcoming = every.next_after(instant)
    assert upcoming > instant
    assert instant <= every.at_or_after(instant) <= upcoming
    assert every.at_or_after(upcoming) == upcoming
