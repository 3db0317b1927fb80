"""Commits of eight writers on one table: `commits FOLDER DATABASE orgsync|sequence`.

Each writer has a connection of its own, and commits 20 rows at a time together with its position: the same rows again
and again, changed each time. `sequence` is what one writes by hand, with numbers from a sequence, which lets a reader
of the feed miss rows.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import psycopg

from orgsync import Record
from orgsync.records import Position, Row, schema_of
from orgsync.store import Store, Write

from .telling import measured, tell

_WRITERS = 8
_COMMITS = 50  # of each writer
_ROWS = 20
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)

_UPSERT = """
INSERT INTO account (connection, id, system_modstamp, is_deleted, name, sync_number)
VALUES (%s, %s, %s, %s, %s, nextval('numbers')) ON CONFLICT (connection, id) DO UPDATE SET
system_modstamp = excluded.system_modstamp, is_deleted = excluded.is_deleted, name = excluded.name,
sync_number = excluded.sync_number
"""
_TABLES = """
CREATE SEQUENCE numbers;
CREATE TABLE account (connection text COLLATE "C", id text COLLATE "C", system_modstamp timestamptz, is_deleted boolean,
name text, sync_number bigint, PRIMARY KEY (connection, id));
CREATE INDEX ON account (sync_number);
CREATE TABLE position (connection text PRIMARY KEY, number bigint)
"""


class Account(Record, table=True):
    """What the writers write."""

    name: str | None


def _rows(turn: int) -> list[Row]:
    stamp = (_BEGAN + timedelta(seconds=turn)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return [(f"{number:018}", stamp, False, f"Company {number} of turn {turn}") for number in range(_ROWS)]


async def _by_orgsync(folder: Path, database: str) -> None:
    async with Store.open(database, folder=folder / "store") as store:
        await store.rows.prepare(schema_of(Account))

        async def write(name: str) -> None:
            async with store.runs.begin("accounts", name, ttl=600) as run:
                for turn in range(_COMMITS):
                    position = Position("account", None, {"turn": turn})
                    await store.rows.commit(run, [Write(schema_of(Account), _rows(turn))], position, turn)

        with measured() as span:
            async with anyio.create_task_group() as tasks:
                for number in range(_WRITERS):
                    tasks.start_soon(write, f"org-{number}")
    tell(span, rows=_WRITERS * _COMMITS * _ROWS, commits=_WRITERS * _COMMITS)


async def _by_hand(database: str) -> None:
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as admin:
        await admin.execute(_TABLES.encode())

    async def write(name: str) -> None:
        async with await psycopg.AsyncConnection.connect(database) as connection:
            for turn in range(_COMMITS):
                async with connection.cursor() as cursor:
                    await cursor.executemany(_UPSERT.encode(), [(name, *row) for row in _rows(turn)])
                    await cursor.execute(
                        "INSERT INTO position VALUES (%s, %s) ON CONFLICT (connection) DO UPDATE SET number = %s",
                        (name, turn, turn),
                    )
                await connection.commit()

    with measured() as span:
        async with anyio.create_task_group() as tasks:
            for number in range(_WRITERS):
                tasks.start_soon(write, f"org-{number}")
    tell(span, rows=_WRITERS * _COMMITS * _ROWS, commits=_WRITERS * _COMMITS)


if __name__ == "__main__":
    if sys.argv[3] == "orgsync":
        anyio.run(_by_orgsync, Path(sys.argv[1]), sys.argv[2])
    else:
        anyio.run(_by_hand, sys.argv[2])
