"""A database that is given up leaves no thread behind, which would report to an event loop that is gone."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync.store import Store
from orgsync.store.sqlite import driver


def threads() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if "_connection_worker_thread" in each.name}


@pytest.mark.parametrize("opening", range(2, 5))
async def test_a_database_that_is_given_up_while_it_is_opened_leaves_no_thread(
    opening: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, opened, original = threads(), 0, sqlite3.connect
    cancelled, loop = anyio.CancelScope(), asyncio.get_running_loop()
    thread_of_loop = threading.get_ident()

    def slow(*given: Any, **options: Any) -> sqlite3.Connection:
        nonlocal opened
        opened += 1
        if opened == opening:
            assert threading.get_ident() != thread_of_loop
            loop.call_soon_threadsafe(cancelled.cancel)
            time.sleep(0.3)
        made: sqlite3.Connection = original(*given, **options)
        return made

    monkeypatch.setattr(sqlite3, "connect", slow)
    with cancelled:
        async with Store.open(f"sqlite:///{tmp_path / 'it.db'}", folder=tmp_path) as store:
            await store.connections.list()
            async with store.session() as session:
                await session.connection()
    assert cancelled.cancelled_caught
    assert threads() == before


async def test_a_connection_that_is_taken_while_its_task_is_cancelled_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, original = threads(), driver.Statements.fetch
    cancelled = anyio.CancelScope()

    async def cancelling(of: driver.Statements, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if sql == driver.NOT_DURABLE:
            cancelled.cancel()
        return await original(of, sql, parameters)

    monkeypatch.setattr(driver, "_ENDS_WITHIN", 0.5)
    monkeypatch.setattr(driver.Statements, "fetch", cancelling)
    with cancelled:
        async with Store.open(f"sqlite:///{tmp_path / 'it.db'}", folder=tmp_path) as store:
            await store.connections.list()
    assert cancelled.cancelled_caught
    assert threads() == before


async def test_a_session_that_is_left_open_keeps_no_store_from_closing(tmp_path: Path) -> None:
    with anyio.fail_after(10) as in_time:
        async with Store.open(f"sqlite:///{tmp_path / 'it.db'}", folder=tmp_path) as store:
            left = store.session()
            taken = await (await (await left.__aenter__()).connection()).get_raw_connection()
    assert not in_time.cancel_called  # closing is shielded: it would be late, and not cancelled
    opened: Any = taken.driver_connection
    await opened.close()
