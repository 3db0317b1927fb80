"""Live rows as the image of an SQLite database with one table, which another database copies by a single statement.

Binding values is most of what writing rows costs, and Python's lock is held meanwhile: a process that only decodes does
it here, into memory, and what is left for the writing process is SQLite's own work.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orgsync.records import Row, Schema

__all__ = ["ATTACHED", "IS_SUPPORTED", "TABLE", "columns_of", "decode", "encode"]

IS_SUPPORTED = hasattr(sqlite3.Connection, "deserialize")
"""Whether Python's SQLite was built with what makes and reads images."""

ATTACHED = "orgsync_image"
"""The name of the database that holds an image, beside the one that copies it."""
TABLE = "live_row"

_IS_DELETED = 2


def columns_of(schema: "Schema") -> list[str]:
    """Return the names of the table's columns: one for each of the class's, but for `is_deleted`."""
    return [f"value{at}" for at in range(len(schema.columns) - 1)]


def encode(schema: "Schema", rows: "Sequence[Row]") -> bytes:
    """Return live rows in their order; their rowids count from 1.

    Raises UnicodeEncodeError for half of a surrogate pair, and OverflowError for an integer of more than 64 bits.
    """
    names = columns_of(schema)
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as memory:
        memory.execute(f"CREATE TABLE {TABLE} ({', '.join(names)})")  # no type, so that values keep theirs
        memory.execute("BEGIN")
        live = ((*row[:_IS_DELETED], *row[_IS_DELETED + 1 :]) for row in rows)
        memory.executemany(f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(names))})", live)  # noqa: S608
        memory.execute("COMMIT")
        return memory.serialize()


def decode(schema: "Schema", image: bytes) -> "list[Row]":
    """Return the rows of an image."""
    with closing(sqlite3.connect(":memory:")) as memory:
        memory.deserialize(image)
        found = memory.execute(f"SELECT * FROM {TABLE}").fetchall()  # noqa: S608
    columns = [*zip(*found, strict=True)]
    columns.insert(_IS_DELETED, (False,) * len(found))
    kinds = [column.type for column in schema.columns]
    values = [_booleans(given) if kind is bool else given for kind, given in zip(kinds, columns, strict=True)]
    return [*zip(*values, strict=True)]


def _booleans(values: "Sequence[int | None]") -> "Sequence[bool | None]":
    """Return SQLite's integers as what they were."""
    return [None if value is None else bool(value) for value in values]
