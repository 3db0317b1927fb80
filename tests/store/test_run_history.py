"""How every sync stands by its runs, and runs page by page: read in a few queries, on each kind of database."""

import pytest

from orgsync.errors import ServerProblem
from orgsync.store import Connection, Store
from orgsync.store.run_history import RunHistory
from tests.store.running import Start


async def ended(store: Store, start: Start, *statuses: str, sync: str = "contacts", connection: str = "acme") -> None:
    for status in statuses:
        run = await start(sync, connection)
        error = ServerProblem("It broke.") if status == "failed" else None
        await store.runs.finish(run, status="done" if status == "done" else "failed", error=error, api_calls=1)


async def test_a_sync_stands_by_its_last_run_its_last_done_and_the_failures_since(store: Store, start: Start) -> None:
    await ended(store, start, "failed", "done", "done", "failed", "failed")
    await ended(store, start, "done", connection="beta")
    await ended(store, start, "failed", sync="accounts")
    await start("deals", "acme")
    found = await RunHistory(store).standings()
    shown = {pair: (each.last.id, each.done.id if each.done else None, each.failures) for pair, each in found.items()}
    assert shown == {
        ("contacts", "acme"): (5, 3, 2),
        ("contacts", "beta"): (6, 6, 0),
        ("accounts", "acme"): (7, None, 1),
        ("deals", "acme"): (8, None, 0),
    }
    assert found["deals", "acme"].last.status == "running"


async def test_a_run_that_has_lost_its_lease_has_failed(store: Store, start: Start) -> None:
    await store.connections.save(Connection(name="acme"), {})
    await start("deals", "acme")
    await store.connections.rename("acme", "acme-eu")
    [standing] = (await RunHistory(store).standings()).values()
    assert (standing.last.status, standing.last.error_code) == ("failed", "process_died")


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
