"""The statements of a move, in PostgreSQL's words, and how values are read and written."""
# ruff: noqa: S608 # they are made of constants alone

from collections.abc import Mapping, Sequence
from typing import Any

from ..move_types import Kind
from ..versions import MARKED

__all__ = [
    "AHEAD",
    "FORGET",
    "FREE",
    "KINDS",
    "MARK",
    "NOTE",
    "NO_TIMEOUTS",
    "OTHERS",
    "READ",
    "REQUIRED",
    "TYPES",
    "UNDER_WAY",
    "UNMARK",
    "plain",
    "texts",
]

TYPES: Mapping[Kind, str] = {
    "text": "text",
    "instant": "timestamp with time zone",
    "time": "time without time zone",
    "date": "date",
    "bool": "boolean",
    "int": "bigint",
    "float": "double precision",
    "number": "numeric",
    "json": "jsonb",
    "bytes": "bytea",
}
KINDS: Mapping[str, Kind] = {
    **{type: kind for kind, type in TYPES.items()},
    **{"integer": "int", "smallint": "int", "real": "float", "json": "json"},
}
READ: Mapping[Kind, str] = {
    "text": "{}::text",
    "instant": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    "time": "to_char(timestamp '2000-01-01' + {}, 'HH24:MI:SS.MS')",
    "date": "to_char({}, 'YYYY-MM-DD')",
    "bool": "{}::int",
    "int": "{}::bigint",
    "float": "{}::double precision",
    "number": "{}::text",
    "json": "{}::text",
    "bytes": "{}",
}
NOTE = (
    "CREATE TABLE orgsync_move (id text NOT NULL, role text NOT NULL, state text NOT NULL, other text NOT NULL)",
    "CREATE TABLE orgsync_arrived (name text PRIMARY KEY, note text NOT NULL)",
)
FORGET = ("DROP TABLE IF EXISTS orgsync_move", "DROP TABLE IF EXISTS orgsync_arrived")
MARK = f"INSERT INTO orgsync_version (version_num) VALUES ('{MARKED}')"
UNMARK = f"DELETE FROM orgsync_version WHERE version_num = '{MARKED}'"
OTHERS = (
    "SELECT CASE WHEN relkind IN ('v', 'm') THEN 'view ' ELSE 'table ' END || relname FROM pg_catalog.pg_class "
    "WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') "
    "AND relname NOT LIKE 'orgsync\\_%' AND relname NOT LIKE 'procrastinate\\_%' ORDER BY relname COLLATE \"C\""
)
UNDER_WAY = (
    "SELECT sync, connection, holder FROM orgsync_lease WHERE holder <> '' AND expires_at > clock_timestamp() "
    "UNION ALL SELECT sync, connection, holder FROM orgsync_run WHERE kind = 'action' AND status = 'running'"
)
REQUIRED = (
    "SELECT attname FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid "
    "WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = %s "
    "AND a.attnum > 0 AND a.attnotnull"
)
FREE = "SELECT pg_advisory_unlock(hashtextextended(current_schema() || ' lock ' || %s, 0))"
AHEAD = "pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint"
NO_TIMEOUTS = (
    "SELECT set_config('idle_in_transaction_session_timeout', '0', false), set_config('lock_timeout', '30s', false)"
)


def plain(name: str) -> str:
    """Return a name in quotes."""
    return '"' + name.replace('"', '""') + '"'


_NULL = r"\N"
_SPECIAL = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_ESCAPED = str.maketrans(_SPECIAL)


def texts(values: Sequence[Any]) -> Sequence[str]:
    """Return a column's values as COPY takes them; those of one column are of one type, or numbers."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {bytes}:
        return [_NULL if value is None else rf"\\x{value.hex()}" for value in values]
    if kinds != {str}:
        return [_NULL if value is None else repr(value) for value in values]
    joined = "".join([value for value in values if value is not None])
    if any(each in joined for each in _SPECIAL):
        return [_NULL if value is None else value.translate(_ESCAPED) for value in values]
    return [_NULL if value is None else value for value in values]
