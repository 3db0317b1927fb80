"""A process that runs a sync and kills itself after so many commits."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import stamina

from orgsync import Record, Sync, field
from orgsync.engine import Committed
from orgsync.extract import bulk
from orgsync.project import open_project
from tests.extract.extracting import reading
from tests.projects import executed, settings_for

__all__ = ["SYNCS", "Contact"]

_ROWS_AT_ONCE = 3


class Contact(Record, table=True):
    """A contact, with a field of its account's."""

    last_name: str | None
    email: str | None
    account_name: str | None = field("Account.Name")


SYNCS: dict[str, Sync[Record]] = {
    "bulk": reading(Contact, api="bulk"),
    "rest": reading(Contact),
}


async def main(folder: Path, name: str, commits: int) -> None:
    left = commits

    def die(_: Committed) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    async with open_project(settings_for(folder)) as opened:
        await executed(opened, SYNCS[name], on_commit=die)


if __name__ == "__main__":
    stamina.set_testing(True, attempts=7, cap=True)
    for name, value in {"_ROWS_AT_ONCE": _ROWS_AT_ONCE}.items():
        if not hasattr(bulk, name):
            raise LookupError(name)
        setattr(bulk, name, value)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
