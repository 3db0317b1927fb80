"""What runs when: restarts, pauses, fairness, failures, rests, and connections that come and go."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from orgsync.engine import Job
from orgsync.errors import ProcessDied
from orgsync.scheduler import settle
from orgsync.scheduler.agenda import LIMIT_PAUSE, Agenda
from orgsync.scheduler.job_end import Settled
from orgsync.scheduler.rules import Bounds, ConnectionState
from orgsync.scripts import Interval
from orgsync.scripts.schedule import parse_every
from orgsync.store import Run, RunStatus

NOON = datetime(2026, 1, 30, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
QUARTER = Interval(15 * MINUTE)
SECOND = timedelta(seconds=1)


def agenda(*connections: str, syncs: tuple[str, ...] = ("x",), bounds: Bounds | None = None) -> Agenda:
    made = Agenda(bounds or Bounds(100, 100), chance=lambda _sync, _connection, _failures: 0.0)
    made.set_syncs(dict.fromkeys(syncs, QUARTER), NOON)
    made.set_connections([link(name) for name in connections], NOON)
    return made


def link(name: str, *, org: str = "", ready: bool = True) -> ConnectionState:
    return ConnectionState(name, org or f"org of {name}", ready)


def ran(connection: str, minutes_ago: float, status: RunStatus = "done", sync: str = "x") -> Run:
    return Run(id=1, sync=sync, connection=connection, status=status, started_at=NOON - minutes_ago * MINUTE)


def elsewhere(started: datetime, status: RunStatus, *, died: bool = False) -> Run:
    """Give a run of x on a by another process."""
    code = ProcessDied.code if died else None
    return Run(id=9, sync="x", connection="a", status=status, error_code=code, started_at=started)


def run_all(made: Agenda, now: datetime, *, failed: bool = False) -> list[str]:
    """Run what is due to its end, and name the connections in the order of their turns."""
    order: list[str] = []
    while jobs := made.start(now):
        for job in jobs:
            order.append(job.connection)
            made.ended(job, NOON, failed=failed)
    return order


def test_what_never_ran_is_due_at_once_and_then_after_its_interval() -> None:
    made = agenda("a", "b")
    assert run_all(made, NOON) == ["a", "b"]
    assert made.next_due() == NOON + 15 * MINUTE
    assert run_all(made, NOON + 15 * MINUTE - SECOND) == []
    assert run_all(made, NOON + 15 * MINUTE) == ["a", "b"]


def test_a_cron_sync_that_never_ran_is_due_at_once_too() -> None:
    made = Agenda(Bounds(8, 2))
    made.set_syncs({"x": parse_every("0 6 * * *")}, NOON)
    made.set_connections([link("a")], NOON)
    assert run_all(made, NOON) == ["a"]
    assert made.next_due() == datetime(2026, 1, 31, 6, tzinfo=UTC)


def test_an_interval_is_counted_from_the_last_start() -> None:
    made = agenda("a")
    [job] = made.start(NOON)
    made.start(NOON + 10 * MINUTE)
    made.ended(job, NOON)
    assert made.next_due() == NOON + 15 * MINUTE


def test_a_sync_that_is_reset_before_its_run_is_known_to_have_ended_is_due_at_once_and_then_in_its_rhythm() -> None:
    made = agenda("a")
    [job] = made.start(NOON)
    made.note_reset([("x", "a")], NOON + SECOND)
    assert made.start(NOON + SECOND) == []
    made.ended(job, NOON + 2 * SECOND)
    assert run_all(made, NOON + 2 * SECOND) == ["a"]
    assert run_all(made, NOON + 14 * MINUTE) == []


def test_a_restart_keeps_the_rhythm_and_what_missed_five_slots_runs_once() -> None:
    made = Agenda(Bounds(8, 8))
    made.note_runs([ran("fresh", 5), ran("missed", 5 * 15 + 1)], NOON)
    made.set_syncs({"x": QUARTER}, NOON)
    made.set_connections([link("fresh"), link("missed")], NOON)
    assert run_all(made, NOON) == ["missed"]
    assert made.next_due() == NOON + 10 * MINUTE


def test_a_run_that_was_cut_short_continues_at_once_after_a_restart() -> None:
    made = Agenda(Bounds(8, 8))
    died = ran("died", 1, "failed")
    died.error_code = ProcessDied.code
    made.note_runs([ran("stopped", 1, "stopped"), died, ran("failed", 1, "failed")], NOON)
    made.set_syncs({"x": QUARTER}, NOON)
    made.set_connections([link(name) for name in ("stopped", "died", "failed")], NOON)
    assert sorted(run_all(made, NOON)) == ["died", "stopped"]


def test_a_clock_that_was_set_back_puts_nothing_off() -> None:
    made = Agenda(Bounds(8, 8))
    made.note_runs([ran("a", -10_000)], NOON)
    made.set_syncs({"x": QUARTER}, NOON)
    made.set_connections([link("a")], NOON)
    made.start(NOON)
    assert made.next_due() == NOON + 15 * MINUTE


def test_a_clock_set_back_while_it_runs_moves_intervals_with_it_and_leaves_cron_slots_where_they_are() -> None:
    made = Agenda(Bounds(8, 8), chance=lambda _sync, _connection, _failures: 0.0)
    made.set_syncs({"x": QUARTER, "y": parse_every("0 13 * * *")}, NOON)
    made.set_connections([link("a")], NOON)
    run_all(made, NOON)
    made.set_back(60 * MINUTE, NOON - 60 * MINUTE)
    assert made.next_due() is None, "it is planned anew"
    assert run_all(made, NOON - 46 * MINUTE) == []
    assert run_all(made, NOON - 45 * MINUTE) == ["a"]
    made.set_back(0 * MINUTE, NOON)
    assert [job.name for job in made.start(NOON + 59 * MINUTE)] == ["x"]
    assert [job.name for job in made.start(NOON + 60 * MINUTE)] == ["y"]


def test_an_org_that_rests_is_not_kept_resting_by_a_clock_that_is_set_back() -> None:
    made = agenda("a")
    [job] = made.start(NOON)
    made.pause(job, NOON)
    made.set_back(60 * MINUTE, NOON - 60 * MINUTE)
    assert run_all(made, NOON - 60 * MINUTE + LIMIT_PAUSE) == ["a"]


def test_what_another_process_has_run_is_not_run_again() -> None:
    made = agenda("a", "b")
    run_all(made, NOON)
    later = NOON + 14 * MINUTE
    made.note_runs([Run(id=9, sync="x", connection="a", status="done", started_at=later)], later)
    assert run_all(made, NOON + 15 * MINUTE) == ["b"]
    assert run_all(made, later + 15 * MINUTE) == ["a"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("died", [True, False])
def test_what_another_process_runs_is_not_due_until_that_run_ends_and_at_once_where_it_was_cut_short(
    *, known: bool, died: bool
) -> None:
    made = agenda("a") if known else Agenda(Bounds(8, 8))
    if known:
        run_all(made, NOON)
    began = NOON + MINUTE
    made.note_runs([elsewhere(began, "running")], began)
    made.set_syncs({"x": QUARTER}, began)
    made.set_connections([link("a")], began)
    assert run_all(made, NOON + 60 * MINUTE) == [], "it would only find that the other one runs"
    assert made.next_due() is None
    made.note_runs([elsewhere(began, "failed" if died else "stopped", died=died)], NOON + 61 * MINUTE)
    assert run_all(made, NOON + 61 * MINUTE) == ["a"]


def test_what_another_process_has_run_to_its_end_is_due_by_its_start() -> None:
    made = agenda("a")
    run_all(made, NOON)
    began = NOON + MINUTE
    made.note_runs([elsewhere(began, "running")], began)
    made.note_runs([elsewhere(began, "done")], began + MINUTE)
    assert run_all(made, began + 15 * MINUTE - SECOND) == []
    assert run_all(made, began + 15 * MINUTE) == ["a"]


def test_a_run_elsewhere_whose_row_is_gone_keeps_nothing_from_being_due() -> None:
    made = agenda("a")
    made.note_runs([elsewhere(NOON, "running")], NOON)
    made.note_runs([], NOON + MINUTE)
    assert run_all(made, NOON + 15 * MINUTE) == ["a"]


def test_what_meets_a_run_elsewhere_is_due_again_soon_and_that_run_is_none_of_its_own() -> None:
    made = agenda("a")
    [job] = made.start(NOON)
    assert settle(made, job, "elsewhere", NOON + SECOND) == Settled()
    assert run_all(made, NOON + 15 * SECOND) == []
    assert run_all(made, NOON + 16 * SECOND) == ["a"], "nobody has said that the other one goes on"

    made = agenda("a")
    [job] = made.start(NOON)
    settle(made, job, "elsewhere", NOON + SECOND)
    made.note_runs([elsewhere(NOON - MINUTE, "running")], NOON + 2 * SECOND)
    assert run_all(made, NOON + 20 * MINUTE) == []
    made.note_runs([elsewhere(NOON - MINUTE, "stopped")], NOON + 20 * MINUTE)
    assert run_all(made, NOON + 20 * MINUTE) == ["a"]


@pytest.mark.parametrize("end", ["elsewhere", "limit"])
def test_an_end_that_is_neither_a_success_nor_a_failure_leaves_the_failures_as_they_were(
    end: Literal["elsewhere", "limit"],
) -> None:
    made = agenda("a")
    run_all(made, NOON, failed=True)
    later = NOON + 30 * MINUTE
    [job] = made.start(later)
    settle(made, job, end, later)
    again = later + LIMIT_PAUSE
    assert made.start(again) == [job]
    assert settle(made, job, "failed", again).failures == 2


def test_failures_of_runs_elsewhere_count_and_one_that_is_cut_short_changes_nothing() -> None:
    made = agenda("a")
    run_all(made, NOON, failed=True)
    made.note_runs([elsewhere(NOON + 29 * MINUTE, "running")], NOON + 30 * MINUTE)
    made.note_runs([elsewhere(NOON + 29 * MINUTE, "failed")], NOON + 30 * MINUTE)
    assert run_all(made, NOON + 88 * MINUTE) == [], "twice in a row: an hour"
    made.note_runs([elsewhere(NOON + 88 * MINUTE, "stopped")], NOON + 88 * MINUTE)
    [job] = made.start(NOON + 88 * MINUTE)
    assert settle(made, job, "failed", NOON + 88 * MINUTE).failures == 3


def test_a_reset_before_a_run_that_did_nothing_makes_a_job_due_once() -> None:
    made = agenda("a")
    [job] = made.start(NOON)
    made.note_reset([("x", "a")], NOON)
    made.postpone(job, NOON + SECOND)
    assert run_all(made, NOON + SECOND) == ["a"], "and not twice"

    [job] = made.start(NOON + 16 * MINUTE)
    made.note_reset([("x", "a")], NOON + 16 * MINUTE)
    made.set_syncs({}, NOON + 16 * MINUTE)
    made.ended(job, NOON + 16 * MINUTE)
    made.set_syncs({"x": QUARTER}, NOON + 17 * MINUTE)
    assert run_all(made, NOON + 17 * MINUTE) == ["a"], "and not twice"


def test_a_thousand_connections_begin_within_the_bounds_and_none_is_starved() -> None:
    names = [f"c{number}" for number in range(1000)]
    made = agenda(*names, bounds=Bounds(8, 2))
    seen: list[str] = []
    while jobs := made.start(NOON):
        assert len(made.slots.running) <= 8
        seen += [job.connection for job in jobs]
        made.ended(jobs[0], NOON)
        for job in jobs[1:]:
            made.ended(job, NOON)
    assert sorted(seen) == sorted(names)


def test_connections_to_one_org_share_its_bound() -> None:
    made = agenda(bounds=Bounds(8, 2))
    made.set_connections([link(name, org="one") for name in "abcd"] + [link("e")], NOON)
    assert sorted(job.connection for job in made.start(NOON)) == ["a", "b", "e"]
    made.ended(Job("sync", "x", "a"), NOON)
    assert [job.connection for job in made.start(NOON)] == ["c"]


def test_a_connection_with_much_to_do_does_not_starve_another() -> None:
    made = agenda("busy", syncs=tuple(f"s{number}" for number in range(50)), bounds=Bounds(1, 1))
    [first] = made.start(NOON)
    made.set_connections([link("busy"), link("new")], NOON + SECOND)
    made.ended(first, NOON)
    order = [job.connection for _ in range(4) for job in one(made, NOON + SECOND)]
    assert order == ["new", "busy", "new", "busy"]


def one(made: Agenda, now: datetime) -> list[Job]:
    jobs = made.start(now)
    for job in jobs:
        made.ended(job, NOON)
    return jobs


def test_failures_back_off_and_success_ends_it() -> None:
    made = agenda("a")
    assert run_all(made, NOON, failed=True) == ["a"]
    assert made.next_due() == NOON + 30 * MINUTE
    assert run_all(made, NOON + 30 * MINUTE, failed=True) == ["a"]
    assert made.next_due() == NOON + 90 * MINUTE
    assert run_all(made, NOON + 90 * MINUTE) == ["a"]
    assert made.next_due() == NOON + 105 * MINUTE


def test_a_connection_that_needs_a_sign_in_is_waited_for_and_then_runs_at_once() -> None:
    made = agenda("a", syncs=("x", "y"))
    run_all(made, NOON, failed=True)
    made.set_connections([link("a", ready=False)], NOON + MINUTE)
    assert made.waiting == ["a"]
    assert run_all(made, NOON + 300 * MINUTE) == []
    made.set_connections([link("a")], NOON + 301 * MINUTE)
    assert run_all(made, NOON + 301 * MINUTE) == ["a", "a"]


def test_a_mended_connection_runs_before_it_would_have_been_due() -> None:
    made = agenda("a")
    run_all(made, NOON)
    made.set_connections([link("a", ready=False)], NOON + MINUTE)
    made.set_connections([link("a")], NOON + 2 * MINUTE)
    assert run_all(made, NOON + 2 * MINUTE) == ["a"]


def test_an_org_at_its_limit_rests_and_others_continue() -> None:
    made = agenda(bounds=Bounds(1, 1))
    made.set_connections([link("a", org="one"), link("b", org="one"), link("c")], NOON)
    [job] = made.start(NOON)
    assert made.pause(job, NOON + MINUTE) == NOON + MINUTE + LIMIT_PAUSE
    assert run_all(made, NOON + MINUTE) == ["c"]
    assert run_all(made, NOON + LIMIT_PAUSE) == ["c"]
    assert sorted(run_all(made, NOON + MINUTE + LIMIT_PAUSE)) == ["a", "b"]


def test_a_removed_connection_is_forgotten_even_while_it_runs() -> None:
    made = agenda("a", "b")
    jobs = made.start(NOON)
    made.set_connections([link("b")], NOON)
    for job in jobs:
        made.ended(job, NOON)
    assert run_all(made, NOON + 15 * MINUTE) == ["b"]


def test_another_rhythm_holds_from_the_last_start_and_what_failed_is_tried_with_new_scripts() -> None:
    made = agenda("a", syncs=("x", "y"))
    x, y = sorted(made.start(NOON), key=lambda job: job.name)
    made.ended(x, NOON)
    made.ended(y, NOON, failed=True)
    made.set_syncs({"x": Interval(5 * MINUTE), "y": QUARTER}, NOON + MINUTE)
    assert one(made, NOON + MINUTE) == [y]
    assert one(made, NOON + 5 * MINUTE) == [x]
    made.set_syncs({"y": QUARTER}, NOON + 6 * MINUTE)
    assert one(made, NOON + 60 * MINUTE) == [y]


def test_what_is_asked_for_starts_before_what_is_due_also_where_it_is_not_due_itself() -> None:
    made = agenda("a", "b", bounds=Bounds(1, 1))
    asked = Job("sync", "by hand", "b")
    assert made.start(NOON, first=[asked, Job("sync", "x", "gone")]) == [asked]
    made.ended(asked, NOON)
    assert run_all(made, NOON) == ["a", "b"]
    due = Job("sync", "x", "b")
    assert made.start(NOON, first=[due]) == [due]
    assert made.start(NOON, first=[due]) == []  # it runs already
    made.ended(due, NOON)
    assert made.next_due() == NOON + 15 * MINUTE


def test_what_runs_elsewhere_is_not_started_and_what_was_given_up_is_due_again() -> None:
    made = agenda("a", "b")
    one = Job("sync", "x", "a")
    made.adopt(one, NOON)
    assert [job.connection for job in made.start(NOON)] == ["b"]
    made.slots.release(one)
    assert made.slots.waiting_to_retry == {one}
    made.postpone(one, NOON + SECOND)
    assert made.slots.waiting_to_retry == set()
    assert made.start(NOON) == []
    assert made.start(NOON + SECOND) == [one]


def test_more_run_at_once_when_the_bounds_are_wider() -> None:
    made = agenda("a", "b", bounds=Bounds(0, 1))
    assert made.start(NOON) == []
    made.slots.set_bounds(Bounds(1, 1))
    assert len(made.start(NOON)) == 1
    made.slots.set_bounds(Bounds(2, 1))
    assert len(made.start(NOON)) == 1
