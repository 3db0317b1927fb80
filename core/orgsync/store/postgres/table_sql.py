"""The statements that make, widen and describe record tables, in PostgreSQL's words."""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Iterable, Mapping
from hashlib import sha256

__all__ = [
    "CHANGED_AT",
    "COLUMNS",
    "COLUMNS_OF_RECORDS",
    "DEFAULTED",
    "HAS_DEFAULTS",
    "HAS_TABLE",
    "INDEXED",
    "INDEXES",
    "LONGEST_NAME",
    "LONGEST_TABLE",
    "RECORD_TABLES",
    "add_column",
    "any_row",
    "create_table",
    "drop",
    "has_owner",
    "index_changes",
    "index_column",
    "index_of",
    "index_of_changes",
    "quoted",
    "within_limit",
]

LONGEST_NAME = 63
"""Bytes of a name; PostgreSQL cuts a longer one off, and says so to nobody."""

LONGEST_TABLE = LONGEST_NAME - len("_changes")

_HERE = "relnamespace = quote_ident(current_schema())::regnamespace"
HAS_TABLE = f"SELECT 1 FROM pg_catalog.pg_class WHERE {_HERE} AND relkind IN ('r', 'p', 'v', 'm', 'f') AND relname = %s"
COLUMNS = (
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute AS a "
    f"JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid WHERE {_HERE} AND c.relname = %s "
    "AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
INDEXES = (
    "SELECT i.relname FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid "
    "JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid "
    "WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = %s"
)
INDEXED = (
    "SELECT a.attname FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid "
    "JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] "
    "WHERE c.relname = %s AND c.relnamespace = quote_ident(current_schema())::regnamespace "
    "AND x.indpred IS NULL AND x.indisvalid"
)
"""The columns that come first in an index."""

_RECORD_TABLES = (  # the index of this shape tells them from a user's own copy of one, made by CREATE TABLE AS
    "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid "
    "JOIN pg_catalog.pg_description AS d ON d.objoid = x.indexrelid "
    f"WHERE c.{_HERE} AND c.relkind IN ('r', 'p') AND d.description = 'orgsync' "
    "AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0"
)
RECORD_TABLES = f'SELECT c.relname {_RECORD_TABLES} ORDER BY c.relname COLLATE "C"'
COLUMNS_OF_RECORDS = (
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_attribute AS a "
    f"WHERE a.attrelid = (SELECT c.oid {_RECORD_TABLES} AND c.relname = %s LIMIT 1) "
    "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
"""The same as `COLUMNS`, of a record table alone: of anything else it finds none."""


def quoted(name: str) -> str:
    """Quote the name of a table or column; a percent sign in it is no parameter's."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def within_limit(name: str) -> str:
    """Return a name that PostgreSQL keeps whole: a longer one is cut, and told apart by a digest."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    digest = sha256(name.encode()).hexdigest()[:10]
    return f"{name.encode()[: LONGEST_NAME - 11].decode(errors='ignore')}_{digest}"


CHANGED_AT = "now()::timestamptz(3)"
"""The time of a transaction's changes: when it began."""

_DEFAULTS = {"sync_changed_at": CHANGED_AT, "sync_first_seen_at": CHANGED_AT, "sync_change": "'added'"}
"""What a new row has; read as text with each row, it took a fifth of the server's time."""

DEFAULTED = tuple(_DEFAULTS)
HAS_DEFAULTS = (
    f"SELECT count(*) = {len(DEFAULTED)} FROM pg_catalog.pg_attribute AS a "
    "JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid "
    f"WHERE c.{_HERE} AND c.relname = %s AND a.atthasdef AND a.attname IN {DEFAULTED}"
)
"""Whether a table has these defaults; one that an older version has made stays without: ALTER waits for readers."""


def create_table(table: str, columns: Mapping[str, str], required: Iterable[str]) -> str:
    """Return the statement that makes a record table of columns with their types; the `required` ones take no NULL.

    What orgsync compares by bytes, and sorts by, has a collation that does not hang on the database's.
    """
    needed = set(required)
    definitions = [
        f"{_definition(name, kind)}{' NOT NULL' if name in needed else ''}" for name, kind in columns.items()
    ]
    return f"CREATE TABLE {quoted(table)} ({', '.join([*definitions, 'PRIMARY KEY (connection, id)'])})"


def _definition(name: str, kind: str) -> str:
    collation = ' COLLATE "C"' if name in ("connection", "id") else ""
    default = f" DEFAULT {_DEFAULTS[name]}" if name in _DEFAULTS else ""
    return f"{quoted(name)} {kind}{collation}{default}"


def any_row(table: str) -> str:
    """Return the query for whether a table has rows."""
    return f"SELECT 1 FROM {quoted(table)} LIMIT 1"


def has_owner(table: str) -> str:
    """Return the query for whether a connection has rows here."""
    return f"SELECT 1 FROM {quoted(table)} WHERE connection = %s LIMIT 1"


def add_column(table: str, column: str, kind: str) -> str:
    """Return the statement that widens a table by a column."""
    return f"ALTER TABLE {quoted(table)} ADD COLUMN {_definition(column, kind)}"


def index_changes(table: str) -> list[str]:
    """Return the statements that let the change feed be read in order, and mark the table as orgsync's."""
    name = quoted(index_of_changes(table))
    return [f"CREATE INDEX {name} ON {quoted(table)} (sync_number)", f"COMMENT ON INDEX {name} IS 'orgsync'"]


def index_of_changes(table: str) -> str:
    """Return the name of the index that a change feed is read by."""
    return within_limit(f"{table}_sync_number")


def index_of(table: str, column: str) -> str:
    """Return the name of the index that a record class asks for on a column."""
    return within_limit(f"{table}__{column}")


def index_column(table: str, column: str) -> str:
    """Return the statement that makes a column's index."""
    return f"CREATE INDEX {quoted(index_of(table, column))} ON {quoted(table)} ({quoted(column)})"


def drop(table: str) -> str:
    """Return the statement that drops a table, if it is there."""
    return f"DROP TABLE IF EXISTS {quoted(table)}"
