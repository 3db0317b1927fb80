"""The last run of every sync, those of one, and runs page by page, on each kind of database."""

from datetime import datetime, timedelta, tzinfo
from typing import Any, Self

import pytest

from orgsync.errors import ServerProblem
from orgsync.store import Connection, Run, Store
from orgsync.store.run_history import RunHistory
from tests.store.running import Start


async def ended(store: Store, start: Start, *statuses: str, sync: str = "contacts", connection: str = "acme") -> None:
    for status in statuses:
        run = await start(sync, connection)
        error = ServerProblem("It broke.") if status == "failed" else None
        await store.runs.finish(run, status="done" if status == "done" else "failed", error=error, api_calls=1)


async def test_the_last_run_of_each_sync_and_connection_is_read_and_no_action(store: Store, start: Start) -> None:
    await ended(store, start, "failed", "done", "failed")
    await ended(store, start, "done", connection="beta")
    await start("deals", "acme")
    await store.runs.start_action("contacts", "acme")
    found = await RunHistory(store).latest()
    assert {pair: (run.id, run.status) for pair, run in found.items()} == {
        ("contacts", "acme"): (3, "failed"),
        ("contacts", "beta"): (4, "done"),
        ("deals", "acme"): (5, "running"),
    }


async def test_runs_are_read_by_their_numbers(store: Store, start: Start) -> None:
    await ended(store, start, "done", "failed", "done")
    history = RunHistory(store)
    assert [(run.id, run.status) for run in await history.numbered([3, 1, 99])] == [(3, "done"), (1, "done")]
    assert not await history.numbered([])


async def test_a_run_that_has_lost_its_lease_has_failed(store: Store, start: Start) -> None:
    await store.connections.save(Connection(name="acme"), {})
    await start("deals", "acme")
    await store.connections.rename("acme", "acme-eu")
    [run] = (await RunHistory(store).latest()).values()
    assert (run.status, run.error_code) == ("failed", "process_died")


async def test_on_a_server_a_lease_lasts_by_its_clock_whatever_this_machine_says(
    store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await start("deals", "acme")

    class Fast(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + timedelta(hours=2)

    monkeypatch.setattr("orgsync.clock.datetime", Fast)
    [run] = (await RunHistory(store).latest()).values()
    assert run.status == ("running" if store.is_shared else "failed")


async def test_a_run_that_ends_while_it_is_read_has_not_died(
    store: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.connections.save(Connection(name="acme"), {})
    run = await start("deals", "acme")
    original = RunHistory._select  # pyright: ignore[reportPrivateUsage]

    async def ending(of: RunHistory, *wanted: Any, limit: int | None = None) -> list[Run]:
        found = await original(of, *wanted, limit=limit)
        if found[0].status == "running":
            await store.runs.finish(run, status="done", api_calls=1)
        return found

    monkeypatch.setattr(RunHistory, "_select", ending)
    [seen] = (await RunHistory(store).latest()).values()
    assert (seen.status, seen.error) == ("done", None)


@pytest.mark.parametrize(
    ("before", "status", "connections", "numbers"),
    [
        (None, None, None, [4, 3, 2]),
        (3, None, None, [2, 1]),
        (None, "failed", None, [4, 1]),
        (4, "failed", ["acme"], [1]),
        (None, None, ["beta", "none"], [3]),
        (None, None, [], []),
    ],
)
async def test_runs_are_read_page_by_page(
    store: Store,
    start: Start,
    before: int | None,
    status: str | None,
    connections: list[str] | None,
    numbers: list[int],
) -> None:
    await ended(store, start, "failed", "done")
    await ended(store, start, "done", connection="beta")
    await ended(store, start, "failed", sync="accounts")
    history = RunHistory(store)
    found = await history.page(3, before=before, status=status, connections=connections)
    assert [run.id for run in found] == numbers
    assert [run.id for run in await history.recent("contacts", "acme", 1)] == [2]
