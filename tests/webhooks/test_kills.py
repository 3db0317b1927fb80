"""A process killed at any moment loses no webhook: what was committed arrives, and nothing else does."""

import random
import signal
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.webhooks import deliver_due
from tests.store.databases import Database
from tests.warm_process import opened_module

from .receiver import Answer, Got, Receiver

STEPS = {"sqlite": 6000, "postgresql": 900}
"""Fewer than the process takes, in tens of SQLite's steps or beginnings and ends of statements to a server."""


@pytest.mark.parametrize("seed", range(4))
async def test_every_webhook_of_a_killed_process_arrives_in_order(
    database: Database, tmp_path: Path, settings: Settings, receiver: Receiver, seed: int
) -> None:
    folder = tmp_path / ".orgsync"
    async with Store.open(database.url, folder=folder) as store:
        await store.webhooks.add(receiver.url, events=[], connections=None, tags=[])
    steps = random.Random(seed).randrange(STEPS[database.url.partition(":")[0]])
    await killed(database, folder, steps)
    async with Store.open(database.url, folder=folder) as store:
        await deliver_due(store, settings)
        await require_all_told(store, receiver)


async def test_a_process_killed_between_acceptance_and_its_note_sends_the_message_again_with_its_id(
    database: Database, tmp_path: Path, settings: Settings, receiver: Receiver
) -> None:
    folder = tmp_path / ".orgsync"
    async with Store.open(database.url, folder=folder) as store:
        await store.webhooks.add(receiver.url, events=[], connections=None, tags=[])
        await store.webhooks.tell("run.finished", "acme", {})
    process = opened_module("tests.webhooks.delivering_process", database.url, str(folder))

    def answer(_: Got) -> Answer:
        process.kill()  # the receiver has it; who sent it never learns that
        return Answer()

    receiver.answer = answer
    assert await anyio.to_thread.run_sync(process.wait) == -signal.SIGKILL
    receiver.answer = lambda _: Answer()
    async with Store.open(database.url, folder=folder) as store:
        await deliver_due(store, settings)  # the lock has ended with its holder
        assert [each.state for each in await store.webhooks.deliveries()] == ["delivered"]
    assert len(receiver.got) == 2
    assert len({each.id for each in receiver.got}) == 1


async def killed(database: Database, folder: Path, steps: int) -> None:
    """Run the process that kills itself."""
    process = opened_module("tests.webhooks.dying_process", database.url, str(folder), str(steps))
    assert await anyio.to_thread.run_sync(process.wait) == -signal.SIGKILL


async def require_all_told(store: Store, receiver: Receiver) -> None:
    """Require that each run that ended and each change that was committed was told, in order, under distinct ids."""
    first = {each.id: each for each in reversed(receiver.got)}
    told = sorted(first.values(), key=receiver.got.index)
    ended = {run.id for run in await store.runs.list(limit=1000) if run.status != "running"}
    assert {each.data["run"] for each in told if each.type == "run.finished"} == ended
    ranges = [(each.data["first"], each.data["last"]) for each in told if each.type == "records.changed"]
    changes = [row["sync_seq"] async for row in store.rows.read("contact", changes=True)]
    assert changes
    assert [seq for seq in changes if not any(low <= seq <= high for low, high in ranges)] == []
    for connection in ("acme", "globex"):
        runs = [each.data["run"] for each in told if each.data["connection"] == connection]
        assert all(before <= after for before, after in pairwise(runs))
    assert {each.state for each in await store.webhooks.deliveries(limit=1000)} == {"delivered"}
