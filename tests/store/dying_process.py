"""A process that delivers batches and kills itself after so many steps of SQLite's machine, or a server's answers."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Engine, event

from orgsync.records import Position
from orgsync.store import Store, Write
from tests.store.contacts import CONTACT
from tests.store.deliveries import BATCHES, batch
from tests.store.running import running


class Fuse:
    """Counts steps once it is lit."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.lit = False

    def burn(self) -> int:
        self.left -= self.lit
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0


async def main(url: str, folder: Path, fuse: Fuse) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.rows.prepare(CONTACT)
        async with running(store) as run:
            fuse.lit = True
            for number in range(BATCHES):
                rows, deleted_ids = batch(number)
                await store.rows.commit(
                    run, [Write(CONTACT, rows, deleted_ids)], Position("contact", None, {"batch": number}), number
                )


def count_statements(fuse: Fuse) -> None:
    """Burn before and after each statement, commit and part of a COPY that PostgreSQL gets."""
    from psycopg import AsyncConnection, AsyncCopy

    for owner, name in ((AsyncConnection, "execute"), (AsyncConnection, "commit"), (AsyncCopy, "write")):
        setattr(owner, name, burning(getattr(owner, name), fuse))


def burning(call: Callable[..., Awaitable[Any]], fuse: Fuse) -> Callable[..., Awaitable[Any]]:
    async def counted(*args: Any, **options: Any) -> Any:
        fuse.burn()
        answer = await call(*args, **options)
        fuse.burn()
        return answer

    return counted


if __name__ == "__main__":
    fuse = Fuse(int(sys.argv[3]))

    async def set_fuse(driver: aiosqlite.Connection) -> None:
        await driver.set_progress_handler(fuse.burn, 10)

    @event.listens_for(Engine, "connect")
    def _attach(connection: Any, _record: Any) -> None:
        connection.run_async(set_fuse)

    if sys.argv[1].startswith("postgresql:"):
        event.remove(Engine, "connect", _attach)
        count_statements(fuse)

    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), fuse))
