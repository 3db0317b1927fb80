"""A process that delivers until it is killed; arguments: the database's URL, the folder."""

import asyncio
import sys
from pathlib import Path

from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.webhooks import deliver


async def main(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await deliver(store, Settings(project=folder, webhook_allow_private=True))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
