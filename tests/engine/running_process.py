"""A process that runs the sync of accounts, to be killed: says when it is ready, then how many rows each commit has."""

import logging
import sys
from pathlib import Path

import anyio
import structlog

from orgsync import Batches, Context, Record, sync
from orgsync.project import open_project
from tests.projects import executed, settings_for

__all__ = ["Account", "accounts"]


class Account(Record, table=True):
    name: str | None


@sync
def accounts(ctx: Context) -> Batches[Account]:
    """Read accounts."""
    return ctx.changes(Account)


async def main(folder: Path) -> None:
    async with open_project(settings_for(folder)) as opened:
        print("ready", flush=True)
        await executed(opened, accounts, on_commit=lambda committed: print(committed.rows, flush=True))


if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # stdout is for the test
    anyio.run(main, Path(sys.argv[1]))
