"""A process that takes a lease, commits and lets go as the lines of its standard input say, and answers each."""

import asyncio
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import anyio.to_thread

from orgsync.errors import AlreadyRunning
from orgsync.store import Run, Store
from tests.store.contacts import contact, deliver


class Commands:
    def __init__(self, store: Store, ttl: float) -> None:
        self.store = store
        self.ttl = ttl
        self.held = AsyncExitStack()
        self.run: Run | None = None

    async def take(self) -> str:
        begun = self.store.runs.begin("contacts", "acme", ttl=self.ttl)
        self.run = await self.held.enter_async_context(begun)
        return f"held {self.run.epoch}"

    async def commit(self) -> str:
        assert self.run is not None
        counts = await deliver(self.store, self.run, [contact("woken")])
        return f"added {counts.added}"

    async def leave(self) -> str:
        await self.held.aclose()
        return "left"


async def main(url: str, folder: str, ttl: str) -> None:
    async with Store.open(url, folder=Path(folder)) as store:
        commands = Commands(store, float(ttl))
        while line := (await anyio.to_thread.run_sync(sys.stdin.readline)).strip():
            try:
                answer = await getattr(commands, line)()
            except AlreadyRunning as error:
                answer = f"refused: {error}"
            print(answer, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
