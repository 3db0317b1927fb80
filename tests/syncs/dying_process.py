"""A process that runs the sync of files, to be killed from outside in the middle of a content."""

import asyncio
import sys
from pathlib import Path

import stamina

from orgsync.project import open_project
from orgsync_syncs.files import files
from tests.projects import executed, settings_for


async def main(folder: Path) -> None:
    async with open_project(settings_for(folder, timeout=300)) as opened:
        await executed(opened, files)


if __name__ == "__main__":
    stamina.set_testing(True, attempts=7, cap=True)
    asyncio.run(main(Path(sys.argv[1])))
