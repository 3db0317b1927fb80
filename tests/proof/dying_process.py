"""A process that forks others, each of which runs a sync and kills itself before the n-th statement of its database.

With PostgreSQL a commit, and each part of a COPY, counts as a statement of its own.

Every line of its input is `SYNC STATEMENT TIME`; it answers `inside` or `outside` a transaction, where it was killed,
or `ended`, where there were fewer statements; then `over`. Forking spares each of them the imports.
"""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import stamina

from orgsync.project import open_project
from tests.projects import executed, settings_for
from tests.raw_database import on_postgres

from .copies import COPIES


class Fuse:
    """Counts statements, and kills the process before one of them."""

    def __init__(self, statement: int) -> None:
        self.left = statement

    def burn(self, *, inside: bool) -> None:
        """Count a statement that comes inside or outside a transaction."""
        self.left -= 1
        if not self.left:
            os.write(1, b"inside\n" if inside else b"outside\n")
            os.kill(os.getpid(), signal.SIGKILL)


def count_on_sqlite(fuse: Fuse) -> None:
    """Let every connection to a file count its statements."""
    connect: Any = sqlite3.connect

    def counting(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)

        connection.set_trace_callback(lambda _: fuse.burn(inside=connection.in_transaction))
        return connection

    sqlite3.connect = counting  # type: ignore[assignment]


def count_on_postgres(fuse: Fuse) -> None:
    """Let every connection to the server count what it sends."""
    import psycopg

    for owner, name in (
        (psycopg.AsyncCursor, "execute"),
        (psycopg.AsyncConnection, "commit"),
        (psycopg.AsyncCopy, "write"),
    ):
        setattr(owner, name, counting(getattr(owner, name), fuse))


def counting(call: Callable[..., Awaitable[Any]], fuse: Fuse) -> Callable[..., Awaitable[Any]]:
    from psycopg.pq import TransactionStatus

    async def counted(on: Any, *args: Any, **options: Any) -> Any:
        connection = on if hasattr(on, "info") else on.connection
        fuse.burn(inside=connection.info.transaction_status != TransactionStatus.IDLE)
        return await call(on, *args, **options)

    return counted


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
            (count_on_postgres if on_postgres() else count_on_sqlite)(Fuse(int(statement)))
            asyncio.run(run(folder, table, datetime.fromisoformat(now)))
            os.write(1, b"ended\n")
            os._exit(0)
        os.waitpid(child, 0)
        print("over", flush=True)


if __name__ == "__main__":
    stamina.set_testing(True, attempts=7, cap=True)
    main(Path(sys.argv[1]))
