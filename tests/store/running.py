"""Runs under leases."""

from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Protocol

from orgsync.store import Run, Store


class Start(Protocol):
    def __call__(self, sync: str = "contacts", connection: str = "acme") -> Awaitable[Run]: ...


@asynccontextmanager
async def running(store: Store, sync: str = "contacts", connection: str = "acme") -> AsyncGenerator[Run]:
    async with store.runs.begin(sync, connection) as run:
        yield run
