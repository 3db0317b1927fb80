"""The change feed of a record table, in PostgreSQL's words: its rows, and the copies that were discarded.

A number is the transaction's, in the upper bits, and the place in it, in the lower 20. Writers commit side by side, so
a lower number may become readable after a higher one. The feed therefore ends below the oldest transaction that is
still open: what is there is there for good, and whatever comes later has a higher number. The table's own column has
another name, so that a query of the table by the feed's is an error and no silent loss.
"""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256

from .row_sql import and_also, listed
from .table_sql import quoted

__all__ = [
    "CONFLICT",
    "DIGEST_OF_VIEW",
    "HORIZON",
    "changes_after",
    "create_view",
    "digest_of",
    "drop_view",
    "dropped_kinds",
    "feed_kinds",
    "feed_of",
    "note_digest",
]

PLACE_BITS = 20

HORIZON = (
    "(pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::bigint "
    f"+ (SELECT value FROM orgsync_sequence WHERE name = 'change') << {PLACE_BITS})"
)
"""The number below which the feeds are complete. The sequence's value is what is added to a transaction's id: 0, unless
the database was restored into a server that has counted fewer transactions than the one it came from."""

_NUMBER, _FEED_NUMBER = "sync_number", "sync_seq"
_GIVEN_UP = {"connection": 'connection::text COLLATE "C"', _FEED_NUMBER: "number", "sync_changed_at": "cleared_at"}
_CONSTANT = {"is_deleted": "true", "sync_change": "'cleared'::text"}
"""What an event of a copy that was discarded has in the columns of a row; all others are NULL."""

_KINDS_OF_CLEARED = {
    "connection": "text",
    "id": "text",
    "is_deleted": "boolean",
    "sync_change": "text",
    _FEED_NUMBER: "bigint",
    "sync_changed_at": "timestamp with time zone",
}
"""The columns of every change feed that an event of a discarded copy needs."""

CONFLICT = (
    "SELECT c.relname FROM pg_catalog.pg_class AS c, (SELECT %s::text AS owner, %s::text AS feed, %s::text AS number) "
    "AS wanted WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND ("
    "lower(c.relname) = lower(feed) AND NOT (c.relname = feed AND c.relkind = 'v' "
    "AND coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), '') LIKE 'orgsync %%') "
    "OR lower(c.relname) = lower(number) AND NOT (c.relname = number AND c.relkind = 'i' AND EXISTS ("
    "SELECT 1 FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS t ON t.oid = x.indrelid "
    "WHERE x.indexrelid = c.oid AND t.relname = owner)))"
)
"""The query for whatever has the name of a table's change feed, or of that feed's index, and is none."""

DIGEST_OF_VIEW = (
    "SELECT pg_catalog.obj_description(oid, 'pg_class') FROM pg_catalog.pg_class "
    "WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind = 'v' AND relname = %s"
)


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
    return {**columns, **_KINDS_OF_CLEARED}


def create_view(table: str, columns: Mapping[str, str], *, is_dropped: bool = False) -> str:
    """Return the statement that makes the change feed of a table with these columns."""
    query = _select(table, tuple(feed_kinds(columns).items()), is_dropped=is_dropped)
    return f"CREATE OR REPLACE VIEW {quoted(feed_of(table))} AS {query}"


def digest_of(statement: str) -> str:
    """Return what a view bears as its comment, so that another statement's view is made again."""
    return f"orgsync {sha256(statement.encode()).hexdigest()[:32]}"


def note_digest(table: str, digest: str) -> str:
    """Return the statement that gives a view its comment."""
    return f"COMMENT ON VIEW {quoted(feed_of(table))} IS '{digest}'"


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
    json_as_text: bool = False,
) -> str:
    """Return the query for a page of changes by number, of one connection or of all; `condition` is an expression.

    `kinds` are the columns of the feed, of which `names` are read, all by default. Its parameters: the number before,
    the connection if it is of one, the limit. Values are brought to their stored form for the rows of the page alone:
    where the server sorts, it would do that for all that it sorts.
    """
    feed, owner = quoted(feed_of(table)), "AND connection = %s " if of_one else ""
    read = {name: kinds[name] for name in (kinds if names is None else names)}
    return (
        f"WITH {feed} AS NOT MATERIALIZED ({_select(table, tuple(kinds.items()), is_dropped=is_dropped)}) "
        f"SELECT {listed(read, json_as_text=json_as_text)} FROM (SELECT {_named(read)} FROM {feed} "
        f"WHERE {_FEED_NUMBER} > %s {owner}{and_also(condition)}"
        f"ORDER BY {feed}.{_FEED_NUMBER} LIMIT %s) AS page ORDER BY page.{_FEED_NUMBER}"
    )


@lru_cache(maxsize=256)
def _select(table: str, columns: tuple[tuple[str, str], ...], *, is_dropped: bool) -> str:
    """Return the query that is the change feed of a table, with these columns.

    That of a table that is dropped still shows which connections' rows were discarded, and nothing else.

    The condition on the number stands around the union, and both halves have the same types: only so does the server
    read a page by the table's index, and not all that is behind it. It is written as a difference, because a bound that
    the server cannot estimate makes it expect 200 times fewer rows than there are, which it would read all.
    """
    rows = ", ".join(f"{quoted(_NUMBER if name == _FEED_NUMBER else name)} AS {quoted(name)}" for name, _ in columns)
    cleared = ", ".join(f"{_GIVEN_UP.get(name) or _constant(name, kind)} AS {quoted(name)}" for name, kind in columns)
    text = "'" + table.replace("'", "''").replace("%", "%%") + "'"
    of_rows = f"SELECT {rows} FROM {quoted(table)} UNION ALL "
    of_cleared = f"SELECT {cleared} FROM orgsync_cleared WHERE record_table = {text}"
    both = of_cleared if is_dropped else of_rows + of_cleared
    return f"SELECT {_named(name for name, _ in columns)} FROM ({both}) AS feed WHERE {_FEED_NUMBER} - {HORIZON} < 0"


def _named(columns: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in columns)


def _constant(column: str, kind: str) -> str:
    collation = ' COLLATE "C"' if column == "id" else ""
    return _CONSTANT.get(column) or f"NULL::{kind}{collation}"
