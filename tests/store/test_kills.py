"""A process killed at any step of a commit leaves rows, counters and checkpoint of one moment."""

import random
from pathlib import Path

import anyio
import pytest

from orgsync.records import Position
from orgsync.store import Counts, Store, Write
from tests.store.contacts import CONTACT
from tests.store.databases import Database
from tests.store.deliveries import BATCHES, batch
from tests.store.running import running
from tests.warm_process import opened_module

STEPS = {"sqlite": 12_000, "postgresql": 200}
"""Fewer than the batches take, in tens of SQLite's steps or beginnings and ends of statements to a server."""


async def state(store: Store) -> dict[str, tuple[object, ...]]:
    rows = store.rows.read("contact", changes=True)
    return {row["id"]: (row["name"], row["is_deleted"], row["sync_change"]) async for row in rows}


async def expected(url: str, folder: Path, batches: int) -> tuple[dict[str, tuple[object, ...]], Counts]:
    """Deliver so many batches to a store that nothing disturbs."""
    total = Counts()
    async with Store.open(url, folder=folder) as store:
        await store.rows.prepare(CONTACT)
        async with running(store) as run:
            for number in range(batches):
                total += await store.rows.commit(run, [Write(CONTACT, *batch(number))], None, 0)
        return await state(store), total


@pytest.mark.parametrize("seed", range(6))
async def test_a_killed_process_leaves_whole_batches_and_the_next_run_continues(
    database: Database, folder: Path, tmp_path: Path, seed: int
) -> None:
    url = database.url
    steps = random.Random(seed).randrange(STEPS[url.partition(":")[0]])
    process = opened_module("tests.store.dying_process", url, str(folder), str(steps))
    assert await anyio.to_thread.run_sync(process.wait) == -9

    async with Store.open(url, folder=folder) as store:
        checkpoints = await store.runs.checkpoints("contacts", "acme")
        done = checkpoints["contact"].position["batch"] + 1 if checkpoints else 0
        rows, total = await expected(database.beside("undisturbed").url, tmp_path / "undisturbed", done)
        [run] = await store.runs.list()
        assert await state(store) == rows
        assert Counts(run.added, run.updated, run.deleted, run.unchanged) == total
        assert run.api_calls == max(done - 1, 0)

        async with running(store) as again:
            for number in range(done, BATCHES):
                position = Position("contact", None, {"batch": number})
                await store.rows.commit(again, [Write(CONTACT, *batch(number))], position, 0)
        whole, _ = await expected(database.beside("whole").url, tmp_path / "whole", BATCHES)
        assert await state(store) == whole
