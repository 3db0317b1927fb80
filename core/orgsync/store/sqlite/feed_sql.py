"""The change feed of a record table, in SQLite's words: a view of its rows and of the copies that were discarded.

SQLite reads the view in the order of its numbers by two indexes, one for the rows and one for what was discarded, if
both halves give each column the same affinity, and if the query selects the number that it orders by. Otherwise it
sorts the whole table for every page.
"""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Mapping

from orgsync.column_names import exact_name

from .row_sql import and_also, listed
from .table_sql import quoted

__all__ = [
    "CONFLICT",
    "SQL_OF_VIEW",
    "changes_after",
    "create_view",
    "drop_view",
    "dropped_kinds",
    "feed_kinds",
    "feed_of",
]

_NUMBER, _FEED_NUMBER = "sync_number", "sync_seq"
_GIVEN_UP = {"connection": "connection", _NUMBER: "number", "sync_changed_at": "cleared_at"}
_CONSTANT = {"is_deleted": "1", "sync_change": "'cleared'"}
"""What an event of a copy that was discarded has in the columns of a row; all others are NULL."""

CONFLICT = (
    "SELECT m.name FROM sqlite_master AS m, (SELECT ? AS owner, ? AS feed, ? AS number) AS wanted "
    "WHERE m.name = feed COLLATE NOCASE AND NOT (type = 'view' AND sql LIKE '% FROM orgsync_cleared %') "
    "OR m.name = number COLLATE NOCASE AND NOT (type = 'index' AND tbl_name = owner COLLATE NOCASE)"
)
"""The query for whatever has the name of a table's change feed, or of that feed's index, and is none."""

SQL_OF_VIEW = "SELECT sql FROM sqlite_master WHERE type = 'view' AND name = ? COLLATE NOCASE"


def feed_of(table: str) -> str:
    """Return the name of a record table's change feed."""
    return f"{table}_changes"


def feed_kinds(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of a change feed and their types, from those of its table."""
    return {_FEED_NUMBER if name == _NUMBER else name: kind for name, kind in columns.items()}


def dropped_kinds(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of the change feed of a table that was dropped and their types, from those of the view."""
    digits = {exact_name(name) for name in columns}
    kinds = {name: kind for name, kind in columns.items() if name not in digits}
    return kinds | ({"is_deleted": "BOOLEAN"} if kinds else {})  # SQLite knows only the affinity of a view's column


def create_view(table: str, columns: Mapping[str, str], *, is_dropped: bool = False) -> str:
    """Return the statement that makes the change feed of a table with these columns, digits of numbers included.

    That of a table that is dropped still shows which connections' rows were discarded, and nothing else.
    """
    rows = ", ".join(f"{quoted(name)} AS {quoted(_in_feed(name))}" for name in columns)
    given_up = ", ".join(
        f"{_GIVEN_UP.get(name) or _constant(name, kind)} AS {quoted(_in_feed(name))}" for name, kind in columns.items()
    )
    text = "'" + table.replace("'", "''") + "'"
    of_rows = "" if is_dropped else f"SELECT {rows} FROM {quoted(table)} UNION ALL "
    return (
        f"CREATE VIEW {quoted(feed_of(table))} AS {of_rows}"
        f"SELECT {given_up} FROM orgsync_cleared WHERE record_table = {text}"
    )


def drop_view(table: str) -> str:
    """Return the statement that drops a table's change feed, if it is there."""
    return f"DROP VIEW IF EXISTS {quoted(feed_of(table))}"


def changes_after(table: str, columns: Mapping[str, str], *, of_one: bool, condition: str = "") -> str:
    """Return the query for a page of changes by number, of one connection or of all; `condition` is an expression.

    Its parameters: the number before, the connection if it is of one, the limit. The plus keeps SQLite from searching
    by the connection, for then it would sort all of its rows.
    """
    owner = "AND +connection = ? " if of_one else ""
    return (
        f"SELECT {listed(columns)} FROM {quoted(feed_of(table))} WHERE {_FEED_NUMBER} > ? {owner}{and_also(condition)}"
        f"ORDER BY {_FEED_NUMBER} LIMIT ?"
    )


def _in_feed(column: str) -> str:
    return _FEED_NUMBER if column == _NUMBER else column


def _constant(column: str, kind: str) -> str:
    return f"CAST({_CONSTANT.get(column, 'NULL')} AS {_affinity(kind)})"


def _affinity(kind: str) -> str:
    """Return the affinity that SQLite derives from a declared type, by its documented rules."""
    name = kind.upper()
    if "INT" in name:
        return "INTEGER"
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not name or "BLOB" in name:
        return "BLOB"
    return "REAL" if any(part in name for part in ("REAL", "FLOA", "DOUB")) else "NUMERIC"
