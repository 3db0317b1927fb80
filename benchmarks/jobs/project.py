"""Makes a project in a folder, with one sync and many connections: `project FOLDER URL CONNECTIONS EVERY`."""

import sys
from pathlib import Path

import anyio

from orgsync.project import open_project
from orgsync.settings import PROJECT_FILE

from .connecting import connect_to, settings_in

_SCRIPT = '''"""The contacts sync that comes with orgsync, more often."""

from orgsync import Batches, Context, sync
from orgsync_syncs.contacts import Contact


@sync(every="{every}")
def contacts(ctx: Context) -> Batches[Contact]:
    """Every contact that changed since the last run, deletions included."""
    return ctx.changes(Contact)
'''


async def _main(folder: Path, url: str, connections: int, every: str) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "contacts.py").write_text(_SCRIPT.format(every=every), encoding="utf-8")
    (folder / PROJECT_FILE).touch()
    async with open_project(settings_in(folder)) as project:
        for number in range(connections):
            await connect_to(url, project, number=number)


if __name__ == "__main__":
    anyio.run(_main, Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
