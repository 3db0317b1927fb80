"""What is done in one go is one switch to SQLite's thread, and one transaction."""

import asyncio
from pathlib import Path

import pytest

from orgsync.errors import StoreUnavailable
from orgsync.store.backend import Transaction
from orgsync.store.sqlite.database import SqliteBackend


async def add(on: Transaction) -> None:
    await on.seen_ids.add("acme", "contact", ["003"])


async def seen(on: Transaction) -> int:
    return len(await on.seen_ids.list("acme", "contact", after="", limit=9))


async def test_what_is_written_in_one_go_is_there_for_all_who_read(tmp_path: Path) -> None:
    async with SqliteBackend.open(f"sqlite:///{tmp_path}/orgsync.db", tmp_path) as backend:
        await backend.write(add)
        assert await backend.read(seen) == 1


async def test_an_error_takes_back_what_was_written_in_one_go(tmp_path: Path) -> None:
    async def failing(on: Transaction) -> None:
        await add(on)
        raise StoreUnavailable("No room is left.", "Make room.")

    async with SqliteBackend.open(f"sqlite:///{tmp_path}/orgsync.db", tmp_path) as backend:
        with pytest.raises(StoreUnavailable, match="No room is left"):
            await backend.write(failing)
        assert await backend.read(seen) == 0
        await backend.write(add)
        assert await backend.read(seen) == 1


async def test_work_in_one_go_that_waits_for_anything_else_is_an_error_and_writes_nothing(tmp_path: Path) -> None:
    async def waiting(on: Transaction) -> None:
        await add(on)
        await asyncio.sleep(0)

    async with SqliteBackend.open(f"sqlite:///{tmp_path}/orgsync.db", tmp_path) as backend:
        with pytest.raises(RuntimeError, match="awaits what is not its transaction's"):
            await backend.write(waiting)
        assert await backend.read(seen) == 0
