"""The statements that write batches of rows, in PostgreSQL's words.

A few rows are one parameter. More come by COPY: a connection's first ones straight into the table, later ones into a
temporary table, the stage, from which one statement writes what is new or changed. A change's number is its
transaction's, and its place in that.
"""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from .copy_text import FORMAT
from .declared import declared_types
from .json_rows import given_rows
from .table_sql import DEFAULTED, quoted

if TYPE_CHECKING:
    from orgsync.records import Schema

__all__ = [
    "change_columns",
    "clear",
    "copy_rows",
    "copy_to_stage",
    "create_stage",
    "mark_deleted",
    "soft_delete",
    "stage_of",
    "upsert",
    "upsert_few",
]

_FIRST_FIELD = 3  # behind the id, the stamp and is_deleted, which every row has
_BOOKKEEPING = ("sync_number", "connection", "sync_changed_at", "sync_first_seen_at")


def copy_rows(schema: "Schema", *, has_defaults: bool) -> str:
    """Return the statement that takes live rows that are all new: their own columns, their number, and connection.

    The rest of the bookkeeping are the table's defaults; where it has none, both times and the change follow.
    """
    rest = () if has_defaults else DEFAULTED
    names = [*(column.name for column in schema.columns), "sync_number", "connection", *rest]
    return f"COPY {quoted(schema.table)} ({', '.join(map(quoted, names))}) FROM STDIN {FORMAT}"


def stage_of(schema: "Schema", kinds: Mapping[str, str]) -> str:
    """Return the name of the stage for rows of these columns and types."""
    shape = repr([schema.table, [(column.name, kinds[column.name]) for column in schema.columns]])
    return f"orgsync_stage_{sha256(shape.encode()).hexdigest()[:16]}"


def create_stage(stage: str, schema: "Schema") -> str:
    """Return the statement that makes a stage, which a transaction's end empties."""
    names = ", ".join(quoted(column.name) for column in schema.columns)
    return (
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS AS "
        f"SELECT {names}, 0::bigint AS sync_place FROM {quoted(schema.table)} WHERE false"
    )


def copy_to_stage(stage: str, schema: "Schema") -> str:
    """Return the statement that takes rows, with their places behind their own columns."""
    names = ", ".join(quoted(column.name) for column in schema.columns)
    return f"COPY pg_temp.{stage} ({names}, sync_place) FROM STDIN {FORMAT}"


@lru_cache(maxsize=256)
def upsert(stage: str, schema: "Schema") -> str:
    """Return the statement that writes the live rows of a stage from a number on; it counts added and updated.

    Its parameters: the connection, twice the time, and the number.
    """
    return _upsert(schema, f"pg_temp.{stage} WHERE sync_place >= %s AND NOT is_deleted")


@lru_cache(maxsize=256)
def upsert_few(schema: "Schema") -> str:
    """Return the statement that writes live rows which are a parameter; it counts added and updated.

    Its parameters: the connection, twice the time, the number before the first, and the rows as JSON.
    """
    return _upsert(schema, given_rows(schema, declared_types(schema)))


def _upsert(schema: "Schema", source: str) -> str:
    """Return the statement that inserts new rows, updates changed ones, and leaves others alone.

    A row never goes back to an older system_modstamp; a row without one is accepted, and the stored one kept.
    """
    names = [quoted(column.name) for column in schema.columns]
    fields, given = names[_FIRST_FIELD:], [name for name in names if name != '"is_deleted"']
    changed = " OR ".join(f"kept.{name} IS DISTINCT FROM excluded.{name}" for name in fields) or "false"
    stamp = "coalesce(excluded.system_modstamp, kept.system_modstamp)"
    return (
        f"WITH done AS (INSERT INTO {quoted(schema.table)} AS kept ({', '.join([*_BOOKKEEPING, *given])}, "
        f"is_deleted, sync_change) SELECT sync_place, %s, %s, %s, {', '.join(given)}, false, 'added' "
        f"FROM {source} ON CONFLICT (connection, id) DO UPDATE SET {_assigned(fields, 'excluded')}"
        f"system_modstamp = {stamp}, is_deleted = false, sync_number = excluded.sync_number, "
        "sync_change = CASE WHEN kept.is_deleted THEN 'added' ELSE 'updated' END, "
        "sync_changed_at = excluded.sync_changed_at "
        f"WHERE (kept.system_modstamp IS NULL OR {stamp} >= kept.system_modstamp) "
        f"AND (kept.is_deleted OR {stamp} IS DISTINCT FROM kept.system_modstamp OR {changed}) RETURNING sync_change) "
        "SELECT count(*) FILTER (WHERE sync_change = 'added'), count(*) FILTER (WHERE sync_change = 'updated') "
        "FROM done"
    )


def _assigned(names: Iterable[str], source: str) -> str:
    return "".join(f"{name} = {source}.{name}, " for name in names)


@lru_cache(maxsize=256)
def change_columns(stage: str, schema: "Schema") -> str:
    """Return the statement that changes some columns of rows that are there, unless those are of a newer version.

    It counts those whose change the feed reports: a deleted row gets the values as well, without one. Its parameters:
    the time, the number, the connection.
    """
    names = [quoted(each.name) for each in schema.fields]
    changed = " OR ".join(f"kept.{name} IS DISTINCT FROM given.{name}" for name in names)
    return (
        f"WITH done AS (UPDATE {quoted(schema.table)} AS kept SET {_assigned(names, 'given')}"
        "sync_change = CASE WHEN kept.is_deleted THEN kept.sync_change ELSE 'updated' END, "
        "sync_changed_at = CASE WHEN kept.is_deleted THEN kept.sync_changed_at ELSE %s::timestamptz END, "
        "sync_number = CASE WHEN kept.is_deleted THEN kept.sync_number ELSE given.sync_place END "
        f"FROM pg_temp.{stage} AS given WHERE given.sync_place >= %s AND kept.connection = %s AND kept.id = given.id "
        "AND (given.system_modstamp IS NULL OR kept.system_modstamp IS NULL "
        f"OR kept.system_modstamp <= given.system_modstamp) AND ({changed}) RETURNING kept.is_deleted) "
        "SELECT count(*) FILTER (WHERE NOT is_deleted) FROM done"
    )


def clear(schema: "Schema", names: Collection[str]) -> str:
    """Return the statement that empties columns in all rows of a connection."""
    columns = [quoted(each.name) for each in schema.columns if each.name in names]
    assigned, filled = (", ".join(f"{each} = NULL" for each in columns), [f"{each} IS NOT NULL" for each in columns])
    return f"UPDATE {quoted(schema.table)} SET {assigned} WHERE connection = %s AND ({' OR '.join(filled)})"


@lru_cache(maxsize=256)
def soft_delete(stage: str, schema: "Schema") -> str:
    """Return the statement that writes rows that Salesforce calls deleted; those that are not in the table are ignored.

    The script's own columns keep their values. Its parameters: the time, the number, the connection.
    """
    fields = [quoted(each.name) for each in schema.fields if not each.local]
    return (
        f"UPDATE {quoted(schema.table)} AS kept SET {_assigned(fields, 'given')}"
        "system_modstamp = coalesce(given.system_modstamp, kept.system_modstamp), is_deleted = true, "
        "sync_change = 'deleted', sync_changed_at = %s, sync_number = given.sync_place "
        f"FROM pg_temp.{stage} AS given WHERE given.sync_place >= %s AND given.is_deleted "
        "AND kept.connection = %s AND kept.id = given.id AND NOT kept.is_deleted AND (given.system_modstamp IS NULL "
        "OR kept.system_modstamp IS NULL OR given.system_modstamp >= kept.system_modstamp)"
    )


def mark_deleted(table: str) -> str:
    """Return the statement that marks live rows deleted, by the time, the number before, the Ids, the connection."""
    return (
        f"UPDATE {quoted(table)} AS kept SET is_deleted = true, sync_change = 'deleted', sync_changed_at = %s, "
        "sync_number = %s + given.place FROM unnest(%s::text[]) WITH ORDINALITY AS given (id, place) "
        "WHERE kept.connection = %s AND kept.id = given.id AND NOT kept.is_deleted"
    )
