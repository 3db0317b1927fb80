"""What passes cost in API calls: `changed FOLDER URL ROWS...`, a pass after each number of rows has changed."""

import sys
from pathlib import Path

import anyio

from benchmarks.server import Server
from orgsync.engine import Job
from orgsync.project import GivenScripts, open_project
from orgsync_syncs.contacts import contacts

from .connecting import connect_to, settings_in
from .telling import measured, tell


async def _main(folder: Path, url: str, changes: list[int]) -> None:
    server, calls, found = Server(url), dict[int, int](), dict[int, int]()
    async with open_project(settings_in(folder), scripts=GivenScripts([contacts])) as project:
        name = await connect_to(url, project)
        outcome = await project.execute(Job("sync", contacts.name, name))
        with measured() as span:
            for rows in changes:
                server.change(rows)
                server.calls()
                outcome = await project.execute(Job("sync", contacts.name, name))
                if outcome.problem:
                    raise outcome.problem
                calls[rows], found[rows] = server.calls(), outcome.run.updated
    server.change(0)
    tell(span, rows=sum(found.values()), calls_of=calls, updated=found)


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], [int(each) for each in sys.argv[3:]])
