"""When a job is due again, whose turn it is, and how many may run: functions without clock or network."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.engine import Job
from orgsync.scheduler.rules import Bounds, Load, in_turn, resumable, startable
from orgsync.scripts.schedule import due_again, parse_every

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
KINDS = st.just("sync")
MINUTE = timedelta(minutes=1)


def minutes_until(every: str, failures: int, chance: float = 0.0) -> float:
    return (due_again(parse_every(every), NOON, failures=failures, chance=chance) - NOON) / MINUTE


@pytest.mark.parametrize(
    ("every", "pauses"),
    [("15m", [15, 30, 60, 60]), ("1m", [1, 2, 4, 8, 16, 32, 60, 60]), ("1d", [1440, 1440, 1440])],
)
def test_the_interval_doubles_with_each_failure_up_to_an_hour_or_itself(every: str, pauses: list[int]) -> None:
    assert [minutes_until(every, failures) for failures in range(len(pauses))] == pauses
    assert minutes_until(every, 10_000) == pauses[-1]


def test_a_cron_sync_that_failed_waits_for_a_slot_and_skips_none_that_is_far_away() -> None:
    assert [minutes_until("* * * * *", failures) for failures in range(4)] == [1, 2, 4, 8]
    late = NOON + timedelta(seconds=3)
    daily = parse_every("0 12 * * *")
    assert due_again(daily, late, failures=5) == due_again(daily, late) == NOON + timedelta(days=1)


@given(st.sampled_from(["1s", "15m", "3h", "*/5 * * * *"]), st.integers(0, 50), st.floats(0, 1))
def test_chance_shortens_a_pause_by_a_quarter_at_most_and_never_below_the_interval(
    every: str, failures: int, chance: float
) -> None:
    whole, drawn = minutes_until(every, failures), minutes_until(every, failures, chance)
    assert max(minutes_until(every, 0), whole * 0.75) - 0.001 <= drawn <= whole + 0.001


def test_connections_take_turns_however_much_one_has_to_do() -> None:
    busy = [(Job("sync", f"sync {number:02}", "busy"), NOON) for number in range(50)]
    order = in_turn([*busy, (Job("sync", "one", "small"), NOON)], {"busy": NOON - MINUTE})
    assert order[:3] == [Job("sync", "one", "small"), Job("sync", "sync 00", "busy"), Job("sync", "sync 01", "busy")]
    assert len(order) == 51


def test_the_connection_that_was_served_longest_ago_goes_first() -> None:
    served = {"a": NOON, "b": NOON - 2 * MINUTE, "c": NOON - MINUTE}
    due = [(Job("sync", "x", name), NOON) for name in ("a", "b", "c", "new")]
    assert [job.connection for job in in_turn(due, served)] == ["new", "b", "c", "a"]
    overdue = [
        (Job("sync", "late", "a"), NOON - MINUTE),
        (Job("sync", "x", "a"), NOON),
        (Job("sync", "later", "a"), NOON - 2 * MINUTE),
    ]
    assert [job.name for job in in_turn(overdue, served)] == ["later", "late", "x"]


JOBS = st.lists(st.builds(Job, KINDS, st.sampled_from("xyz"), st.sampled_from("abcdef")), unique=True)
ORGS = {name: f"org {number // 2}" for number, name in enumerate("abcdef")}


@given(JOBS, st.integers(1, 5), st.integers(1, 3))
def test_neither_bound_is_passed_and_no_room_is_left_that_could_be_used(
    jobs: list[Job], in_all: int, each: int
) -> None:
    bounds = Bounds(in_all, each)
    running: set[Job] = set()
    for _ in jobs:
        queue = [job for job in jobs if job not in running]
        running |= set(startable(queue, Load(running), ORGS, bounds))
        busy = [ORGS[job.connection] for job in running]
        assert len(running) <= in_all
        assert all(busy.count(org) <= each for org in busy)
        left = [job for job in queue if job not in running and busy.count(ORGS[job.connection]) < each]
        assert len(running) == in_all or not left
        running.pop()


@given(st.lists(st.tuples(st.builds(Job, KINDS, st.text(max_size=2), st.sampled_from("abc")), st.integers(0, 9))))
def test_every_due_job_has_its_turn_once(due: list[tuple[Job, int]]) -> None:
    jobs = dict(due)
    order = in_turn([(job, NOON + minutes * MINUTE) for job, minutes in jobs.items()], {})
    assert len(order) == len(jobs)
    assert set(order) == set(jobs)
    for name in "abc":
        own = [jobs[job] for job in order if job.connection == name]
        assert all(a <= b for a, b in pairwise(own))


def test_connections_that_do_not_answer_come_behind_and_leave_slots_for_those_that_do() -> None:
    slow, prompt = [Job("sync", "x", name) for name in "abcd"], [Job("sync", "x", name) for name in "ef"]
    orgs = {name: name for name in "abcdef"}
    order = in_turn([(job, NOON) for job in slow + prompt], {}, last="abcd")
    assert order == prompt + slow
    bounds = Bounds(4, 4)
    assert startable(order, Load([], (), "abcd", 2), orgs, bounds) == prompt + slow[:2]
    assert startable(slow, Load([], (), "abcd", 3), orgs, bounds) == slow[:1], (
        "a connection that answers may be due soon"
    )
    assert startable(slow, Load(slow[:1], (), "abcd", 20), orgs, bounds) == []
    assert startable(slow, Load([], (), "abcd", 0), orgs, bounds) == slow, "nobody else wants the slots"
    one = Bounds(1, 1)
    assert startable(slow, Load([], (), "abcd", 20), orgs, one) == slow[:1], "a single slot is shared"


def test_a_run_that_waits_makes_room_and_continues_before_another_of_its_kind_starts() -> None:
    slow, prompt, bounds = (
        [Job("sync", "x", name) for name in "abc"],
        [Job("sync", "x", name) for name in "de"],
        Bounds(2, 2),
    )
    orgs = {name: name for name in "abcde"}
    assert startable(prompt, Load(slow[:2]), orgs, bounds) == []
    assert startable(prompt, Load(slow[:2], slow[:2]), orgs, bounds) == prompt
    assert resumable([*slow, *prompt], Load([*slow, *prompt], [*slow, *prompt], "abc", 2), bounds) == prompt
    assert resumable(slow, Load(slow, slow, "abc", 2), bounds) == slow[:1]
    assert resumable(slow, Load([*slow, *prompt], slow, "abc", 2), bounds) == []


def test_what_waits_is_bounded_too() -> None:
    waiting = [Job("sync", "x", f"w{number}") for number in range(16)]
    orgs = {job.connection: job.connection for job in waiting} | {"new": "new"}
    new = [Job("sync", "x", "new")]
    assert startable(new, Load(waiting[:8], waiting[:8], {"new"}), orgs, Bounds(1, 1)) == []
    assert startable(new, Load(waiting[:8], waiting[:8]), orgs, Bounds(1, 1)) == new
    assert startable(new, Load(waiting, waiting), orgs, Bounds(1, 1)) == []
