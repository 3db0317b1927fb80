"""The change feed of a record table, in SQLite's words: its rows, and the copies that were discarded.

It is a view, for whoever reads the database. Queries of orgsync's own bring its text with them: a user may drop the
view, or add a column to the table, and the changes are still there.

SQLite reads the feed in the order of its numbers by two indexes, one for the rows and one for what was discarded, if
both halves give each column the same affinity, and if the query selects the number that it orders by. Otherwise it
sorts the whole table for every page.
"""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Iterable, Mapping
from functools import lru_cache

from orgsync.column_names import exact_name

from .row_sql import and_also, listed
from .table_sql import NUMBER, quoted

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
_GIVEN_UP = {"connection": "connection", _FEED_NUMBER: "number", "sync_changed_at": "cleared_at"}
_CONSTANT = {"is_deleted": "1", "sync_change": "'cleared'"}
"""What an event of a copy that was discarded has in the columns of a row; all others are NULL."""

_KINDS_OF_CLEARED = {
    "connection": "VARCHAR",
    "id": "VARCHAR",
    "is_deleted": "BOOLEAN",
    "sync_change": "VARCHAR",
    _FEED_NUMBER: "BIGINT",
    "sync_changed_at": "VARCHAR",
}
"""The columns of every change feed that an event of a discarded copy needs; SQLite may know no type of a view's."""

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
    """Return the columns of the change feed of a table that was dropped and their types, from those of the view.

    Where the view was dropped as well, they are those in which such an event has a value, and the Id.
    """
    digits = {exact_name(name) for name in columns}
    return {name: kind for name, kind in columns.items() if name not in digits} | _KINDS_OF_CLEARED


def create_view(table: str, columns: Mapping[str, str], *, is_dropped: bool = False) -> str:
    """Return the statement that makes the change feed of a table with these columns, digits of numbers included."""
    query = _select(table, tuple(feed_kinds(columns).items()), is_dropped=is_dropped)
    return f"CREATE VIEW {quoted(feed_of(table))} AS {query}"


def drop_view(table: str) -> str:
    """Return the statement that drops a table's change feed, if it is there."""
    return f"DROP VIEW IF EXISTS {quoted(feed_of(table))}"


def changes_after(
    table: str,
    kinds: Mapping[str, str],
    *,
    names: Iterable[str] | None = None,
    is_dropped: bool = False,
    of_one: bool,
    condition: str = "",
) -> str:
    """Return the query for a page of changes by number, of one connection or of all; `condition` is an expression.

    `kinds` are the columns of the feed, of which `names` are read, all by default. Its parameters: the number before,
    the connection if it is of one, the limit. The plus keeps SQLite from searching by the connection, for then it would
    sort all of its rows.
    """
    feed, owner = quoted(feed_of(table)), "AND +connection = ? " if of_one else ""
    read = {name: kinds[name] for name in (kinds if names is None else names)}
    return (
        f"WITH {feed} AS ({_select(table, tuple(_with_digits(kinds).items()), is_dropped=is_dropped)}) "
        f"SELECT {listed(read, table=feed_of(table))} FROM {feed} WHERE {_FEED_NUMBER} > ? {owner}{and_also(condition)}"
        f"ORDER BY {_FEED_NUMBER} LIMIT ?"
    )


@lru_cache(maxsize=256)
def _select(table: str, columns: tuple[tuple[str, str], ...], *, is_dropped: bool) -> str:
    """Return the query that is the change feed of a table, with these columns.

    That of a table that is dropped still shows which connections' rows were discarded, and nothing else.
    """
    rows = ", ".join(
        f"{quoted(table)}.{quoted(_NUMBER if name == _FEED_NUMBER else name)} AS {quoted(name)}" for name, _ in columns
    )
    cleared = ", ".join(f"{_GIVEN_UP.get(name) or _constant(name, kind)} AS {quoted(name)}" for name, kind in columns)
    text = "'" + table.replace("'", "''") + "'"
    of_rows = "" if is_dropped else f"SELECT {rows} FROM {quoted(table)} UNION ALL "
    return f"{of_rows}SELECT {cleared} FROM orgsync_cleared WHERE record_table = {text}"


def _with_digits(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return columns with those that keep the digits of numbers, by which a number is read."""
    return {**kinds, **{exact_name(name): "VARCHAR" for name, kind in kinds.items() if kind == NUMBER}}


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
