"""A process that runs, tells and delivers, and kills itself after so many steps of the database; then the next begins.

Arguments: the database's URL, the folder, the number of steps.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Engine, event

from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.webhooks import deliver_due
from tests.store.contacts import contact, deliver
from tests.store.dying_process import Fuse, count_statements
from tests.store.running import running

RUNS = 20


async def main(url: str, folder: Path, fuse: Fuse) -> None:
    settings = Settings(project=folder, webhook_allow_private=True)
    async with Store.open(url, folder=folder) as store:
        async with running(store, connection="first") as run:
            await deliver(store, run, [contact("a")])
        fuse.lit = True
        for number in range(RUNS):
            for connection in ("acme", "globex"):
                async with running(store, connection=connection) as run:
                    for part in "ab":
                        await deliver(store, run, [contact(f"{part}{number}")])
                    await store.runs.finish(run, status="done", api_calls=number)
            await deliver_due(store, settings)


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
