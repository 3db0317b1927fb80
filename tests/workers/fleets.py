"""Workers for tests: in this process, over a PostgreSQL database of the test's own."""

import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio

from orgsync.demo_org import DemoOrg
from orgsync.engine import Observer, nobody
from orgsync.project import Project, open_project
from orgsync.scheduler import Patience, ScriptWatcher
from orgsync.settings import Settings
from orgsync.store import Run
from orgsync.workers import Worker, open_worker
from tests.cli.commandline import started
from tests.postgres_server import new_database
from tests.projects import credentials_for, settings_for

ACCOUNTS = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="15m")
def accounts(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""

SLOW = """\
from pathlib import Path

import anyio

from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="15m")
async def slow(ctx: Context) -> Batches[Account]:
    while not Path(PATH).exists():
        await anyio.sleep(0.02)
    async for batch in ctx.changes(Account):
        yield batch
"""


@dataclass
class Fleet:
    """A project on PostgreSQL that any number of workers work for."""

    project: Project
    org: DemoOrg
    settings: Settings

    def write(self, name: str, text: str) -> None:
        folder = self.settings.syncs_folder
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    def write_slow(self) -> Path:
        """Write a sync that waits for a file, and give that file's path."""
        gate = self.settings.project / "go"
        self.write("slow.py", SLOW.replace("PATH", repr(str(gate))))
        return gate

    @asynccontextmanager
    async def worker(
        self, *, concurrency: int = 4, observe: Observer = nobody, patience: Patience | None = None, **settings: Any
    ) -> AsyncGenerator[Worker]:
        """Run a worker during the block."""
        own = replace_settings(self.settings, **settings)
        scripts = ScriptWatcher(own.syncs_folder, (), own.objects)
        scripts.load()
        async with (
            open_worker(own, scripts, concurrency=concurrency, observe=observe, patience=patience) as worker,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(worker.run)
            while worker.name not in await self.alive():  # noqa: ASYNC110 # it says so by itself, in the database
                await anyio.sleep(0.02)
            yield worker
            tasks.cancel_scope.cancel()

    def process(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the command as a process of its own, which the caller ends."""
        return started(self.settings.project, *arguments, env={"ORGSYNC_DATABASE_URL": self.settings.database_url})

    async def started(self, number: int = 1) -> list[Run]:
        """Wait until so many runs are under way."""
        while True:
            found = [each for each in await self.project.runs.list(limit=1000) if each.status == "running"]
            if len(found) >= number:
                return found
            await anyio.sleep(0.02)

    async def runs(self) -> list[Run]:
        """Give the runs that have ended, the oldest first."""
        found = await self.project.runs.list(limit=1000)
        return [each for each in reversed(found) if each.status != "running"]

    async def ran(self, number: int = 1) -> list[Run]:
        """Wait until so many runs have ended."""
        while len(found := await self.runs()) < number:  # noqa: ASYNC110 # other processes end them
            await anyio.sleep(0.02)
        return found

    async def at_rest(self) -> None:
        """Wait until no job is under way."""
        while await self.counts():  # noqa: ASYNC110 # other processes end them
            await anyio.sleep(0.02)

    async def alive(self, ttl: float = 15.0) -> list[str]:
        """Name the workers that were seen within so many seconds."""
        async with self.project.store.workers() as on:
            return [each.name for each in await on.alive(ttl)]

    async def planned(self) -> None:
        """Wait until a worker says in the database that it plans."""
        async with self.project.store.workers() as on:
            while not any(each.plans for each in await on.alive(15.0)):  # noqa: ASYNC110 # another connection writes it
                await anyio.sleep(0.02)

    async def counts(self) -> dict[str, int]:
        async with self.project.store.workers() as on:
            return await on.counts()


def replace_settings(settings: Settings, **changes: Any) -> Settings:
    return settings.model_copy(update=changes)


@asynccontextmanager
async def fleet_at(
    folder: Path, org: DemoOrg, *, connections: int = 1, url: str = "", **settings: Any
) -> AsyncGenerator[Fleet]:
    """Open a project on a database of its own, or at a URL, with connections that lead to an org."""
    url = url or new_database(f"test_{uuid4().hex}")
    own = settings_for(folder, **{"database_url": url, "lease": 3, **settings})
    async with open_project(own) as project:
        await project.connections.connect("acme", credentials_for(org))
        acme, secrets = await project.store.connections.get("acme"), await project.store.connections.secrets("acme")
        for number in range(1, connections):
            copied = acme.model_copy(update={"name": f"c{number:03}", "org_id": f"00D{number:012}AAA"})
            await project.store.connections.save(copied, secrets)
        changed = {"lease": own.lease, "timeout": 10, "batch_rows": 1, "overlap": 0, **settings}
        lines = [f"{name} = {value!r}" for name, value in changed.items()]
        (folder / "orgsync.toml").write_text("\n".join([*lines, ""]))
        yield Fleet(project, org, own)
