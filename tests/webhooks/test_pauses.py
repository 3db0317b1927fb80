"""Pauses between attempts grow, and end a day after the first attempt."""

from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from orgsync.webhooks.pauses import DAY, PAUSES, next_attempt

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_schedule_without_chance_is_the_one_that_the_docs_state() -> None:
    at, times = NOW, [0.0]
    for attempts in range(50):
        due = next_attempt(attempts, NOW if attempts else None, now=at, retry_after=None, chance=lambda: 0.5)
        if due is None:
            break
        at = due
        times.append((due - NOW).total_seconds())
    assert times[:8] == [0, 5, 35, 155, 755, 2555, 6155, 13_355]
    assert times[-1] == DAY.total_seconds()
    assert len(times) == 14


@given(st.integers(0, 40), st.floats(0, 1), st.timedeltas(timedelta(0), DAY), st.none() | st.floats(0, 1e7))
@example(0, 0.5, DAY, None)
@example(0, 0.5, DAY - timedelta(microseconds=1), None)
def test_a_pause_is_as_long_as_the_receiver_asks_and_never_beyond_the_day(
    attempts: int, chance: float, passed: timedelta, asked: float | None
) -> None:
    now = NOW + passed
    due = next_attempt(attempts, NOW, now=now, retry_after=asked, chance=lambda: chance)
    if due is None:
        assert passed >= DAY
        return
    assert now < due <= NOW + DAY
    if due < NOW + DAY:
        assert due - now >= timedelta(seconds=max(0.79 * PAUSES[min(attempts, 7)], (asked or 0) - 0.001))
