"""A process that forks others, each of which runs a sync and kills itself before the n-th statement of its database.

Every line of its input is `SYNC STATEMENT TIME`; it answers `inside` or `outside` a transaction, where it was killed,
or `ended`, where there were fewer statements; then `over`. Forking spares each of them the imports.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import stamina

from orgsync.project import open_project
from tests.projects import executed, settings_for

from .copies import COPIES


def kill_before(statement: int) -> None:
    """Let every connection to a database count its statements, and the process die before one of them."""
    left = statement
    connect: Any = sqlite3.connect

    def counting(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if not left:
                os.write(1, b"inside\n" if connection.in_transaction else b"outside\n")
                os.kill(os.getpid(), signal.SIGKILL)

        connection.set_trace_callback(die)
        return connection

    sqlite3.connect = counting  # type: ignore[assignment]


async def run(folder: Path, table: str, now: datetime) -> None:
    [copied] = [each for each in COPIES if each.table == table]
    async with open_project(settings_for(folder)) as opened:
        outcome = await executed(opened, copied.sync, clock=lambda: now)
    if outcome.problem:
        raise outcome.problem


def main(folder: Path) -> None:
    for line in sys.stdin:
        table, statement, now = line.split()
        child = os.fork()
        if not child:
            kill_before(int(statement))
            asyncio.run(run(folder, table, datetime.fromisoformat(now)))
            os.write(1, b"ended\n")
            os._exit(0)
        os.waitpid(child, 0)
        print("over", flush=True)


if __name__ == "__main__":
    stamina.set_testing(True, attempts=7, cap=True)
    main(Path(sys.argv[1]))
