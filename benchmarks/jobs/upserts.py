"""Upserts by orgsync, with what became of each row: `upserts FOLDER URL ROWS`."""

import sys
from pathlib import Path

import anyio

import orgsync
from benchmarks.server import Server
from orgsync.project import open_project

from .connecting import connect_to, settings_in
from .rows_to_write import rows_to_write
from .telling import measured, tell


async def _main(folder: Path, url: str, rows: int) -> None:
    server, settings = Server(url), settings_in(folder)
    async with open_project(settings) as project:
        name = await connect_to(url, project)
    server.calls()
    with measured() as span:
        async with orgsync.open(name, settings=settings) as org:
            result = await org.write("Contact", rows_to_write(rows), operation="upsert", external_id="Key__c")
            written = sum(bool(row.id) for row in result)
            result.close()
    if result.problem:
        raise result.problem
    tell(span, rows=written, calls=server.calls())


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
