"""Makes a project with rows, to be served: `served FOLDER URL DATABASE_URL` tells a token; no database is SQLite."""

import json
import sys
from pathlib import Path

import anyio

from orgsync.engine import Job
from orgsync.project import GivenScripts, open_project
from orgsync.settings import PROJECT_FILE
from orgsync_syncs.contacts import contacts

from .connecting import connect_to, settings_in


async def _main(folder: Path, url: str, database: str) -> None:
    (folder / PROJECT_FILE).touch()
    settings = settings_in(folder, **({"database_url": database} if database else {}))
    async with open_project(settings, scripts=GivenScripts([contacts])) as project:
        name = await connect_to(url, project)
        outcome = await project.execute(Job("sync", contacts.name, name))
        if outcome.problem:
            raise outcome.problem
        token = await project.tokens.create("load", scopes=["read", "proxy"])
    sys.stdout.write(json.dumps({"token": token, "connection": name, "rows": outcome.run.added}) + "\n")


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "")
