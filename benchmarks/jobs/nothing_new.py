"""Passes that find nothing new: `nothing_new FOLDER URL CONNECTIONS PASSES`, by the contacts sync that is shipped."""

import sys
from collections.abc import Sequence
from pathlib import Path

import anyio

from benchmarks.server import Server
from orgsync.engine import Job
from orgsync.project import GivenScripts, Project, open_project
from orgsync_syncs.contacts import contacts

from .connecting import connect_to, settings_in
from .telling import measured, tell

_AT_ONCE = 8  # as many as `orgsync up` runs by default


async def _main(folder: Path, url: str, connections: int, passes: int) -> None:
    server, names = Server(url), list[str]()
    async with open_project(settings_in(folder), scripts=GivenScripts([contacts])) as project:
        for number in range(connections):
            names.append(await connect_to(url, project, number=number))
        await _run_all(project, names)
        server.calls()
        with measured() as span:
            for _ in range(passes):
                await _run_all(project, names)
    tell(span, rows=0, runs=connections * passes, calls=server.calls())


async def _run_all(project: Project, names: Sequence[str]) -> None:
    """Run every connection once, some at a time."""
    waiting = iter(names)

    async def take_turns() -> None:
        for name in waiting:
            outcome = await project.execute(Job("sync", contacts.name, name))
            if outcome.problem:
                raise outcome.problem

    async with anyio.create_task_group() as tasks:
        for _ in range(_AT_ONCE):
            tasks.start_soon(take_turns)


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
