"""A whole query of somebody who may read the record tables and nothing else, in a connection of its own."""

import re
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import quote

from ..free_query import QueryBounds, QueryResult, refused, takes_too_long
from .condition import only_reading

__all__ = ["free_query"]

_BUSY_SECONDS = 5
_INSTRUCTIONS = 100
"""Of SQLite's, between two looks at the clock: one may move a value of four megabytes."""

_LARGEST_VALUE = 4_000_000
"""Bytes of a value, and of a row on the disk: an object's row may hold many long texts."""

_LONGEST_PATTERN = 200
_OF_SQLITE = ("sqlite_", "pragma_", "orgsync_", "dbstat", "bytecode", "tables_used", "fts", "rtree", "json_")
_NOT_CALLED = ("load_extension", "printf", "format", "fts3_tokenizer")
"""What loads code, tells addresses in memory, or is one instruction however long it takes."""

_OWN_NAME = re.compile(r"""([^\W\d]\w*)\s*(?:\([^()]*\)\s*)?AS\s*(?:NOT\s+)?(?:MATERIALIZED\s*)?\(""", re.IGNORECASE)


def free_query(path: Path, sql: str, tables: Collection[str], bounds: QueryBounds) -> QueryResult:
    """Run one SELECT on a file that is opened for reading alone; `tables` are those that it may read.

    Raises ArgumentInvalid for any other statement, for one that reads more, and for one that costs too much.
    """
    until = monotonic() + bounds.seconds
    uri = f"file:{quote(str(path))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)) as on:
        on.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
        on.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        on.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, _LONGEST_PATTERN)
        on.set_progress_handler(lambda: monotonic() > until, _INSTRUCTIONS)
        only_reading(on, tables, counted=_own_names(on, sql), not_called=_NOT_CALLED)
        try:
            return _read(on, sql, bounds)
        except sqlite3.Error as error:
            raise _explained(error, tables, bounds) from None


def _own_names(on: sqlite3.Connection, sql: str) -> set[str]:
    """Return the names of a query's CTEs; one that is a table's as well, or SQLite's own, is not among them."""
    tables = {name.lower() for (name,) in on.execute("SELECT name FROM sqlite_master")}
    found = set(_OWN_NAME.findall(sql))
    return {name for name in found if name.lower() not in tables and not name.lower().startswith(_OF_SQLITE)}


def _read(on: sqlite3.Connection, sql: str, bounds: QueryBounds) -> QueryResult:
    cursor = on.execute(sql)
    if cursor.description is None:
        raise refused("it is no SELECT.", "Send one SELECT.")
    rows: list[list[Any]] = []
    size = 0
    for row in cursor:
        values = [value.hex() if isinstance(value, bytes) else value for value in row]
        size += sum(len(value.encode()) if isinstance(value, str) else 8 for value in values)
        if len(rows) == bounds.rows or size > bounds.bytes:
            return QueryResult([each[0] for each in cursor.description], rows, is_cut=True)
        rows.append(values)
    return QueryResult([each[0] for each in cursor.description], rows, is_cut=False)


def _explained(error: sqlite3.Error, tables: Collection[str], bounds: QueryBounds) -> Exception:
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_INTERRUPT:
        return takes_too_long(bounds)
    if code == sqlite3.SQLITE_TOOBIG:
        return refused("a value is too large.", "Ask for parts: substr(column, 1, 1000).")
    if "to use function" in str(error):
        name = str(error).rpartition(" ")[2]
        return refused(f"the function {name} may not be called.", "Use others, such as round() and ||.")
    if code == sqlite3.SQLITE_AUTH or "not authorized" in str(error) or "prohibited" in str(error):
        return refused("it may read record tables alone.", f"One SELECT of these: {', '.join(sorted(tables))}.")
    if code in (None, sqlite3.SQLITE_ERROR) or isinstance(error, sqlite3.ProgrammingError):
        return refused(
            f"{str(error).rstrip('.')}.", "Send one SELECT in SQLite's SQL; the tool `tables` lists tables and columns."
        )
    return error
