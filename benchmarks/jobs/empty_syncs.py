"""Make a project whose syncs read nothing, with connections that lead nowhere: FOLDER URL CONNECTIONS SYNCS."""

import sys
from functools import partial
from pathlib import Path

import anyio

from orgsync.settings import Settings
from orgsync.store import Connection, Store

SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Empty{number}(Record, table=True):
    name: str


@sync(every="10h")
async def empty_{number}(ctx: Context) -> Batches[Empty{number}]:
    return
    yield
"""


async def main(*arguments: str) -> None:
    """Make it."""
    folder, url, connections, syncs = arguments
    place = Path(folder)
    (place / "orgsync.toml").write_text("")
    (place / "syncs").mkdir()
    for number in range(int(syncs)):
        (place / "syncs" / f"empty_{number}.py").write_text(SCRIPT.format(number=number))
    settings = Settings(project=place, database_url=url)
    async with Store.open(settings.store_url, folder=settings.folder) as store:
        for number in range(int(connections)):
            connection = Connection(name=f"c{number:05}", org_id=f"00D{number:012}AAA", login_url="http://127.0.0.1:1")
            await store.connections.save(connection, {"refresh_token": "none"})


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))
