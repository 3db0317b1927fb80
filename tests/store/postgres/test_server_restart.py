"""A server that is killed and started again in the middle of runs: nothing is lost, and nothing comes twice."""

import random
from collections.abc import Iterator
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from orgsync.errors import StoreUnavailable
from orgsync.records import Position
from orgsync.store import Counts, Store, Write
from orgsync.store.postgres.change_numbers import ChangeNumbers
from tests.postgres_server import PostgresServer, shared_server
from tests.store.contacts import CONTACT, contact, deliver, names
from tests.store.databases import PostgresDatabase
from tests.store.deliveries import BATCHES, batch
from tests.store.running import running


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    found = shared_server()
    yield found
    if not found.is_up():
        found.start()


async def state(store: Store) -> dict[str, tuple[object, ...]]:
    rows = store.rows.read("contact", changes=True)
    return {row["id"]: (row["name"], row["is_deleted"], row["sync_change"]) async for row in rows}


async def next_batch(store: Store) -> int:
    """Return the number of the batch that comes next, as the position tells."""
    checkpoints = await store.runs.checkpoints("contacts", "acme")
    return checkpoints["contact"].position["batch"] + 1 if checkpoints else 0


async def run_to_the_end(store: Store) -> None:
    """Deliver what has not been, in one run."""
    async with running(store) as run:
        for number in range(await next_batch(store), BATCHES):
            position = Position("contact", None, {"batch": number})
            await store.rows.commit(run, [Write(CONTACT, *batch(number))], position, number)


async def test_a_run_goes_on_when_the_server_comes_back(
    database: PostgresDatabase, server: PostgresServer, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        server.kill()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, server.start)
            await deliver(store, run, [contact("b")])
        assert set(await names(store)) == {"a", "b"}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_server_killed_within_batches_leaves_whole_ones_and_the_next_run_continues(
    database: PostgresDatabase, server: PostgresServer, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, take, kills = random.Random(seed), ChangeNumbers.take, 0

    async def taken(numbers: ChangeNumbers, size: int) -> int:
        nonlocal kills
        if chance.random() < 0.3 and kills < 4:
            kills += 1
            server.kill()
            server.start()
        return await take(numbers, size)

    monkeypatch.setattr(ChangeNumbers, "take", taken)
    ended = False
    async with Store.open(database.url, folder=tmp_path) as store:
        while not ended:
            try:
                await run_to_the_end(store)
                ended = True
            except StoreUnavailable:
                database.execute("UPDATE orgsync_lease SET expires_at = now() - interval '1 day'")
        found, runs = await state(store), await store.runs.list()
    monkeypatch.setattr(ChangeNumbers, "take", take)
    assert kills > 0
    async with Store.open(database.beside("whole").url, folder=tmp_path) as store:
        await run_to_the_end(store)
        [whole] = await store.runs.list()
        assert found == await state(store)
    totals = sum((Counts(run.added, run.updated, run.deleted, run.unchanged) for run in runs), Counts())
    assert totals == Counts(whole.added, whole.updated, whole.deleted, whole.unchanged)
