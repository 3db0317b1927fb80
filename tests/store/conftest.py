"""An open store on each kind of database, and runs under leases that last as long as the test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync.store import Run, Store
from tests.store.databases import DATABASES, Database
from tests.store.running import Start, running


@pytest.fixture(params=[*DATABASES])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return DATABASES[request.param](tmp_path)


@pytest.fixture
def url(database: Database) -> str:
    return database.url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".orgsync"


@pytest.fixture
async def store(url: str, folder: Path) -> AsyncIterator[Store]:
    async with Store.open(url, folder=folder) as opened:
        yield opened


@pytest.fixture
async def start(store: Store) -> AsyncIterator[Start]:
    """Start runs; one on the same sync and connection lets go of the older one's lease."""
    held: dict[tuple[str, str], tuple[anyio.Event, asyncio.Task[None]]] = {}

    async def hold(sync: str, connection: str, begun: "asyncio.Future[Run]", leave: anyio.Event) -> None:
        async with running(store, sync, connection) as run:
            begun.set_result(run)
            await leave.wait()

    async def release_lease(key: tuple[str, str]) -> None:
        leave, task = held.pop(key)
        leave.set()
        await task

    async def begin(sync: str = "contacts", connection: str = "acme") -> Run:
        key = sync, connection
        if key in held:
            await release_lease(key)
        # A lease has a task group, which must end in the task that began it: a fixture's beginning and end are two.
        begun: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        leave = anyio.Event()
        held[key] = leave, asyncio.create_task(hold(sync, connection, begun, leave))
        either: list[asyncio.Future[Any]] = [begun, held[key][1]]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return begun.result()

    yield begin
    for key in list(held):
        await release_lease(key)


@pytest.fixture
async def run(start: Start) -> Run:
    return await start()
