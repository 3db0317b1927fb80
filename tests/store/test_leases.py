"""Leases: one writer for (sync, connection), and nothing written by one that has been replaced."""

import os
import signal
import subprocess
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from orgsync.errors import AlreadyRunning
from orgsync.records import to_stored
from orgsync.store import Connection, Run, Store
from tests.store.contacts import CONTACT, contact, deliver, feed, names
from tests.store.databases import ON_SQLITE_ALONE, Database
from tests.store.running import Start, running
from tests.warm_process import opened_module

ROOT = Path(__file__).parents[2]
LONG_AGO = "2026-01-01T00:00:00.000Z"
LONG = 3600.0
"""Seconds that no test waits for: what it sees happen does not hang on expiry."""


class Process:
    """Another process; see leasing_process.py."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    def tell(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.tell(command)
        return self.answer()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGSTOP)
        os.waitpid(self.process.pid, os.WUNTRACED)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)


Spawn = Callable[[], Process]


@pytest.fixture
def spawn(url: str, folder: Path) -> Generator[Spawn]:
    """Begin other processes on the store, whose leases last long."""
    arguments = (url, str(folder), str(LONG))
    begun: list[subprocess.Popen[str]] = []

    def begin() -> Process:
        pipe = subprocess.PIPE
        begun.append(opened_module("tests.store.leasing_process", *arguments, text=True, stdin=pipe, stdout=pipe))
        return Process(begun[-1])

    yield begin
    for process in begun:
        process.kill()
        with process:
            pass


class Rows:
    """The table of leases, behind the store's back."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def change(self, column: str, value: object) -> None:
        self.database.execute(f"UPDATE orgsync_lease SET {column} = ?", value)

    def read(self, column: str, sync: str = "contacts") -> Any:
        found = self.database.execute(f"SELECT {column} FROM orgsync_lease WHERE sync = ?", sync)[0][0]
        return to_stored(found) if isinstance(found, datetime) else found

    def expire(self) -> None:
        self.change("expires_at", LONG_AGO)


@pytest.fixture
def rows(database: Database) -> Rows:
    return Rows(database)


async def taken(store: Store, ttl: float = LONG) -> int | None:
    """Take the lease and release it; return its epoch, or None where another holds it."""
    try:
        async with store.runs.begin("contacts", "acme", ttl=ttl) as run:
            return run.epoch
    except AlreadyRunning:
        return None


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(120):
        while not true():  # noqa: ASYNC110 # it comes true in the database
            await anyio.sleep(0.001)


async def test_each_holder_has_a_higher_epoch_and_others_are_refused_meanwhile(store: Store) -> None:
    async with store.runs.begin("contacts", "acme") as run:
        assert (run.sync, run.connection, run.epoch) == ("contacts", "acme", 1)
        with pytest.raises(
            AlreadyRunning, match=rf"'contacts' on 'acme' has been running since .*Z, in process {os.getpid()}"
        ):
            async with store.runs.begin("contacts", "acme"):
                pass
    assert [await taken(store), await taken(store)] == [2, 3]


async def test_another_sync_and_another_connection_have_leases_of_their_own(store: Store) -> None:
    async with (
        store.runs.begin("contacts", "acme"),
        store.runs.begin("accounts", "acme"),
        store.runs.begin("contacts", "beta") as third,
    ):
        assert third.epoch == 1


async def test_two_stores_of_one_process_exclude_each_other(url: str, folder: Path, store: Store) -> None:
    async with Store.open(url, folder=folder) as other:
        async with store.runs.begin("contacts", "acme"):
            assert await taken(other) is None
        assert await taken(other) == 2


async def test_of_many_tasks_one_at_a_time_holds_the_lease(store: Store) -> None:
    inside, most, epochs = 0, 0, list[int]()

    async def work() -> None:
        nonlocal inside, most
        while True:
            try:
                async with store.runs.begin("contacts", "acme") as run:
                    inside += 1
                    most = max(most, inside)
                    epochs.append(run.epoch)
                    await anyio.lowlevel.checkpoint()
                    inside -= 1
                    return
            except AlreadyRunning:
                await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(work)
    assert (most, epochs) == (1, list(range(1, 11)))


async def test_a_killed_process_is_followed_at_once(store: Store, spawn: Spawn) -> None:
    other = spawn()
    assert other.ask("take") == "held 1"
    assert await taken(store) is None
    other.kill()
    async with running(store) as run:
        assert run.epoch == 2
    assert [each.status for each in await store.runs.list()] == ["running", "failed"]


@ON_SQLITE_ALONE
async def test_a_killed_process_leaves_no_file(store: Store, spawn: Spawn, folder: Path) -> None:
    other = spawn()
    other.ask("take")
    other.kill()
    assert await taken(store) == 2
    assert len(list((folder / "holders").iterdir())) == 1


async def test_a_stopped_process_keeps_its_lease_until_it_runs_out(store: Store, spawn: Spawn, rows: Rows) -> None:
    other = spawn()
    other.ask("take")
    other.stop()
    assert await taken(store) is None
    rows.expire()
    assert await taken(store) == 2


async def test_a_process_that_wakes_after_another_took_over_writes_nothing(
    store: Store, spawn: Spawn, rows: Rows
) -> None:
    other = spawn()
    other.ask("take")
    other.stop()
    rows.expire()
    async with running(store) as run:
        await deliver(store, run, [contact("mine")])
        other.wake()
        assert other.ask("commit").startswith(
            f"refused: The run of 'contacts' on 'acme' was taken over by process {os.getpid()} on "
        )
    assert other.ask("leave") == "left"
    assert list(await names(store)) == ["mine"]
    assert [each.added for each in await store.runs.list()] == [1, 0]
    assert rows.read("epoch") == 2


async def test_a_process_that_wakes_before_another_took_over_continues(store: Store, spawn: Spawn, rows: Rows) -> None:
    other = spawn()
    other.ask("take")
    other.stop()
    rows.expire()
    other.wake()
    assert other.ask("commit") == "added 1"
    assert await taken(store) is None


async def test_of_two_processes_that_race_exactly_one_holds_the_lease(spawn: Spawn) -> None:
    pair = [spawn(), spawn()]
    for number in range(1, 101):
        for each in pair:
            each.tell("take")
        answers = [each.answer() for each in pair]
        won = [each for each, answer in zip(pair, answers, strict=True) if answer == f"held {number}"]
        assert len(won) == 1
        assert sum(answer.startswith("refused: 'contacts' on 'acme' has been running since") for answer in answers) == 1
        assert won[0].ask("leave") == "left"


async def test_a_holder_of_another_host_is_waited_for(store: Store, spawn: Spawn, rows: Rows) -> None:
    other = spawn()
    other.ask("take")
    other.kill()
    rows.change("holder", f"{rows.read('holder').partition('@')[0]}@elsewhere")
    with pytest.raises(AlreadyRunning, match=r"in process .* on elsewhere"):
        async with store.runs.begin("contacts", "acme"):
            pass
    rows.expire()
    assert await taken(store) == 2


async def test_a_holder_whose_file_is_in_another_folder_is_not_taken_for_dead(
    store: Store, url: str, tmp_path: Path
) -> None:
    async with store.runs.begin("contacts", "acme"), Store.open(url, folder=tmp_path / "other") as other:
        assert await taken(other) is None


async def test_a_killed_process_that_held_two_leases_frees_both(store: Store, spawn: Spawn, rows: Rows) -> None:
    other = spawn()
    other.ask("take")
    rows.database.execute(
        "INSERT INTO orgsync_lease SELECT 'accounts', connection, epoch, holder, taken_at, ttl, expires_at "
        "FROM orgsync_lease"
    )
    other.kill()
    assert await taken(store) == 2
    async with store.runs.begin("accounts", "acme") as second:
        assert second.epoch == 2


async def test_what_runs_under_a_lost_lease_is_refused_whole(store: Store, run: Run, rows: Rows) -> None:
    await deliver(store, run, [contact("a")])
    rows.change("epoch", 5)
    with pytest.raises(AlreadyRunning, match="was taken over by process"):
        await deliver(store, run, [contact("b")], deleted_ids=["a"])
    with pytest.raises(AlreadyRunning, match="was taken over by process"):
        await store.runs.finish(run, status="done", api_calls=9)
    found = await store.runs.get(run.id)
    assert (found.status, found.added, found.deleted) == ("running", 1, 0)
    assert list(await names(store)) == ["a"]
    assert [change for _, change, _ in await feed(store)] == ["added"]


async def test_a_lease_that_ran_out_and_that_nobody_took_is_renewed_by_a_commit(
    store: Store, run: Run, rows: Rows
) -> None:
    rows.expire()
    await deliver(store, run, [contact("a")])
    assert rows.read("expires_at") > LONG_AGO
    assert await taken(store) is None


async def test_nothing_is_committed_after_the_lease_was_let_go(store: Store) -> None:
    async with running(store) as run:
        pass
    with pytest.raises(AlreadyRunning, match="has lost its lease"):
        await deliver(store, run, [contact("a")])
    assert await taken(store) == 2


async def test_renaming_or_removing_a_connection_ends_its_leases_and_no_other(store: Store, start: Start) -> None:
    for name in ("acme", "beta", "zeta"):
        await store.connections.save(Connection(name=name), {})
    acme, beta, zeta = [await start(connection=name) for name in ("acme", "beta", "zeta")]
    await store.connections.rename("acme", "acme-eu")
    await store.connections.remove("beta", keep_rows=True)
    for lost in (acme, beta):
        with pytest.raises(AlreadyRunning, match="renamed or removed"):
            await deliver(store, lost, [contact("a")])
    await deliver(store, zeta, [contact("a")])
    assert await taken(store) == 2


async def test_a_heartbeat_renews_the_lease(store: Store, rows: Rows) -> None:
    async with store.runs.begin("contacts", "acme", ttl=0.04):
        rows.change("ttl", LONG)
        first = rows.read("expires_at")
        await until(lambda: rows.read("expires_at") > first)


async def test_a_heartbeat_that_finds_another_epoch_leaves_that_alone(store: Store, rows: Rows) -> None:
    async with store.runs.begin("contacts", "acme", ttl=0.02):
        rows.change("epoch", 5)
        rows.change("expires_at", LONG_AGO)
        for _ in range(20):
            await anyio.sleep(0.005)
    assert (rows.read("epoch"), rows.read("holder") != "", rows.read("expires_at")) == (5, True, LONG_AGO)


async def test_a_heartbeat_that_cannot_write_for_a_while_continues(
    database: Database, folder: Path, rows: Rows
) -> None:
    async with Store.open(database.impatient_url, folder=folder) as store, running(store) as run:
        assert await store.rows.prepare(CONTACT) == []
        async with store.runs.begin("accounts", "acme", ttl=0.04):
            with rows.database.locked():
                await anyio.sleep(0.1)
            before = rows.read("expires_at", "accounts")
            await until(lambda: rows.read("expires_at", "accounts") > before)
        await deliver(store, run, [contact("a")])


async def test_a_lease_that_cannot_be_released_runs_out(database: Database, folder: Path, rows: Rows) -> None:
    async with Store.open(database.impatient_url, folder=folder) as store:
        with rows.database.locked():
            pass
        begun = store.runs.begin("contacts", "acme")
        await begun.__aenter__()
        with rows.database.locked():
            await begun.__aexit__(None, None, None)
        assert await taken(store) is None
        rows.expire()
        assert await taken(store) == 2


@pytest.mark.parametrize("error", [ValueError("inside"), SystemExit("inside")])
async def test_an_error_inside_comes_out_as_it_is_and_the_lease_is_free(store: Store, error: BaseException) -> None:
    with pytest.raises(type(error), match="inside") as caught:
        async with store.runs.begin("contacts", "acme"):
            raise error
    assert caught.value.__context__ is None
    assert await taken(store) == 2


async def test_a_cancelled_holder_ends_cancelled_and_the_lease_is_free(store: Store) -> None:
    with anyio.CancelScope() as scope:
        async with store.runs.begin("contacts", "acme"):
            scope.cancel()
            await anyio.lowlevel.checkpoint()
            raise AssertionError("it went on")
    assert scope.cancelled_caught
    assert await taken(store) == 2


async def test_a_holder_that_is_cancelled_while_it_takes_the_lease_leaves_it_free(store: Store) -> None:
    for _ in range(20):
        with anyio.CancelScope() as scope:
            scope.cancel()
            async with store.runs.begin("contacts", "acme"):
                await anyio.lowlevel.checkpoint()
                raise AssertionError("it went on")
    assert await taken(store) == 21


@ON_SQLITE_ALONE
async def test_a_closed_store_leaves_no_file(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        assert not (folder / "holders").exists()
        assert await taken(store) == 1
        assert len(list((folder / "holders").iterdir())) == 1
    assert list((folder / "holders").iterdir()) == []
