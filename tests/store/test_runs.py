"""Runs and checkpoints: what is kept of them, and what becomes of a run whose process died."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from orgsync.errors import AlreadyRunning, NameUnknown, ServerProblem
from orgsync.records import Position
from orgsync.store import Run, Store
from tests.store.running import Start

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def test_a_run_starts_empty_and_ends_with_what_it_is_given(store: Store, run: Run) -> None:
    assert (run.status, run.finished_at, run.added, run.api_calls) == ("running", None, 0, 0)
    done = await store.runs.finish(run, status="done", api_calls=4, watermark=NOON)
    assert (done.status, done.error, done.api_calls, done.watermark) == ("done", None, 4, NOON)
    assert done.finished_at is not None
    assert done.finished_at >= done.started_at == run.started_at
    assert await store.runs.get(run.id) == done


async def test_a_failed_run_keeps_its_error(store: Store, run: Run) -> None:
    failed = await store.runs.finish(run, status="failed", error=ServerProblem("It broke."), api_calls=1)
    assert (failed.status, failed.error, failed.watermark) == ("failed", "It broke.", None)
    assert failed.error_code == (await store.runs.get(run.id)).error_code == "server_problem"


async def test_a_run_left_running_by_a_dead_process_is_failed_by_the_next(store: Store, run: Run, start: Start) -> None:
    elsewhere, newer = await start("contacts", "beta"), await start("contacts", "acme")
    dead = await store.runs.get(run.id)
    assert (dead.status, dead.error) == (
        "failed",
        "The run's end was not noted: its process ended before, or could not write to the database. "
        "What it had committed is kept, and the next run resumes there.",
    )
    assert dead.error_code == "process_died"
    assert dead.finished_at is not None
    assert [(await store.runs.get(each.id)).status for each in (elsewhere, newer)] == ["running", "running"]


async def test_a_run_ends_once(store: Store, run: Run) -> None:
    await store.runs.finish(run, status="failed", error=ServerProblem("It broke."), api_calls=1)
    with pytest.raises(AlreadyRunning, match="has lost its lease"):
        await store.runs.finish(run, status="done", api_calls=9)
    late = await store.runs.get(run.id)
    assert (late.status, late.error, late.api_calls) == ("failed", "It broke.", 1)


async def test_runs_are_listed_latest_first_and_can_be_narrowed(store: Store, start: Start) -> None:
    for sync, connection in (("contacts", "acme"), ("accounts", "acme"), ("contacts", "beta")):
        await start(sync, connection)
    assert [run.id for run in await store.runs.list()] == [3, 2, 1]
    assert [run.id for run in await store.runs.list(2)] == [3, 2]
    assert [run.id for run in await store.runs.list(sync="contacts")] == [3, 1]
    assert [run.id for run in await store.runs.list(connection="acme")] == [2, 1]
    assert [run.id for run in await store.runs.list(sync="contacts", connection="acme")] == [1]


async def test_a_number_that_no_run_has_is_refused(store: Store) -> None:
    with pytest.raises(NameUnknown, match="no run 7"):
        await store.runs.get(7)


async def test_each_stream_keeps_its_own_checkpoint(store: Store, run: Run) -> None:
    await store.rows.commit(run, [], Position("contact", NOON, {"after": "ä"}), 1)
    await store.rows.commit(run, [], Position("", None, {"page": [1, None]}), 1)
    await store.rows.commit(run, [], Position("contact", NOON + timedelta(hours=1), {}), 1)
    found = await store.runs.checkpoints("contacts", "acme")
    assert set(found) == {"contact", ""}
    assert (found["contact"].watermark, found["contact"].position) == (NOON + timedelta(hours=1), {})
    assert (found[""].watermark, found[""].position) == (None, {"page": [1, None]})
    assert await store.runs.checkpoints("contacts", "beta") == {}
    assert await store.runs.checkpoints("accounts", "acme") == {}


async def test_an_instant_in_another_zone_comes_back_as_the_same_instant_in_utc(store: Store, run: Run) -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    await store.rows.commit(run, [], Position("contact", tokyo, {}), 1)
    found = (await store.runs.checkpoints("contacts", "acme"))["contact"].watermark
    assert found is not None
    assert (found, found.tzinfo) == (NOON, UTC)


async def test_old_runs_are_forgotten_but_for_each_syncs_last(
    store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.store.runs._REMOVED_AT_ONCE", 2)  # more than one round
    for _ in range(4):
        await store.runs.finish(await start("contacts", "acme"), status="done", api_calls=1)
    await store.runs.finish(await start("accounts", "acme"), status="failed", api_calls=1)
    running = await start("contacts", "beta")
    after = datetime.now(UTC) + timedelta(seconds=1)
    assert await store.runs.remove_before(after - timedelta(days=1)) == 0
    assert await store.runs.remove_before(after) == 3
    assert [(run.sync, run.connection) for run in await store.runs.list()] == [
        ("contacts", "beta"), ("accounts", "acme"), ("contacts", "acme"),
    ]  # fmt: skip
    assert running.id == (await store.runs.list(1))[0].id


async def test_a_reset_says_of_a_run_whose_process_died_that_nothing_of_it_is_kept(store: Store) -> None:
    async with store.runs.begin("contacts", "acme") as run:
        await store.rows.commit(run, [], Position("contact", None, {}), 1)
    await store.rows.reset("contacts", "acme")
    assert str((await store.runs.get(run.id)).error).endswith("What it had committed was discarded by a reset.")
