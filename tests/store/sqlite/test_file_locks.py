"""Locks: exclusive across tasks and processes, and freed with their holder."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from orgsync.errors import AlreadyRunning, StoreUnavailable
from orgsync.store import Store
from orgsync.store.sqlite.file_locks import Locks
from tests.warm_process import opened

HOLDER = Path(__file__).with_name("holding_process.py")


@pytest.fixture
def locks(tmp_path: Path) -> Locks:
    return Locks(tmp_path / "locks")


@contextmanager
def another_process(folder: Path, name: str) -> Generator["subprocess.Popen[bytes]"]:
    with opened(
        [sys.executable, str(HOLDER), str(folder), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


async def try_once(locks: Locks, name: str) -> bool:
    try:
        async with locks.hold(name, timeout=0):
            return True
    except AlreadyRunning:
        return False


async def test_one_task_at_a_time_holds_a_lock(locks: Locks) -> None:
    inside, most = 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with locks.hold("x", timeout=None):
            inside += 1
            most = max(most, inside)
            await anyio.lowlevel.checkpoint()
            inside -= 1

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(work)
    assert (inside, most) == (0, 1)


async def test_a_held_lock_is_refused_at_once_and_others_are_free(locks: Locks) -> None:
    async with locks.hold("x", timeout=0):
        with pytest.raises(AlreadyRunning, match="'x' is held"):
            async with locks.hold("x", timeout=0):
                pass
        assert await try_once(locks, "y")
    assert await try_once(locks, "x")


async def test_two_stores_of_one_process_exclude_each_other(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as one, Store.open(url, folder=folder) as two:
        async with one.lock("x", timeout=None):
            with pytest.raises(AlreadyRunning):
                async with two.lock("x", timeout=0):
                    pass
            with pytest.raises(AlreadyRunning):
                async with two.lock("x", timeout=0.01):
                    pass
        async with two.lock("x", timeout=0):
            pass


async def test_waiting_ends_with_the_time_or_with_the_lock(locks: Locks) -> None:
    async def wait() -> None:
        async with locks.hold("x", timeout=30):
            events.append("second")

    events: list[str] = []
    async with anyio.create_task_group() as tasks, locks.hold("x", timeout=0):
        with pytest.raises(AlreadyRunning):
            async with locks.hold("x", timeout=0.01):
                pass
        tasks.start_soon(wait)
        await anyio.sleep(0.01)
        events.append("first")
    assert events == ["first", "second"]


async def test_a_cancelled_wait_leaves_the_lock_in_order(locks: Locks, tmp_path: Path) -> None:
    async with locks.hold("x", timeout=0):
        with anyio.move_on_after(0.01):
            async with locks.hold("x", timeout=None):
                pass
    other = Locks(tmp_path / "locks")
    async with other.hold("x", timeout=0):
        with anyio.move_on_after(0.01):
            async with locks.hold("x", timeout=None):
                pass
    assert await try_once(locks, "x")


async def test_an_error_inside_frees_the_lock(locks: Locks) -> None:
    with pytest.raises(ValueError, match="inside"):
        async with locks.hold("x", timeout=0):
            raise ValueError("inside")
    assert await try_once(locks, "x")


async def test_another_process_excludes_and_its_sudden_death_frees(locks: Locks, tmp_path: Path) -> None:
    with another_process(tmp_path / "locks", "x") as process:
        assert not await try_once(locks, "x")
        process.kill()
        async with locks.hold("x", timeout=30):
            pass


async def test_a_lock_is_taken_when_the_other_process_lets_go(locks: Locks, tmp_path: Path) -> None:
    with another_process(tmp_path / "locks", "x") as process:
        with pytest.raises(AlreadyRunning):
            async with locks.hold("x", timeout=0.01):
                pass
        assert process.stdin is not None
        process.stdin.close()
        async with locks.hold("x", timeout=30):
            pass


async def test_any_text_names_a_lock_and_unlike_names_are_unlike_locks(locks: Locks, tmp_path: Path) -> None:
    unlike = ["a b", "a/b", "a-b", "A-b", "../a", "ä", "", "x" * 500, "x" * 501]
    async with anyio.create_task_group() as tasks:
        held = [locks.hold(name, timeout=0) for name in unlike]
        for lock in held:
            await lock.__aenter__()
        for lock in reversed(held):
            await lock.__aexit__(None, None, None)
        tasks.cancel_scope.cancel()
    assert len(list((tmp_path / "locks").glob("*.lock"))) == len(unlike)


async def test_a_folder_that_cannot_be_used_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    locks = Locks(tmp_path / "file")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="cannot be written"):
            async with locks.hold("x", timeout=0):
                pass
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        async with locks.hold("x", timeout=None):
            pass
