"""The statements on record tables, in PostgreSQL's words.

Rows come by COPY: a connection's first ones straight into the table, later ones into a temporary table, the stage, from
which one statement writes what is new or changed. A change's number is its transaction's, and its place in that.
"""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from .copy_text import FORMAT
from .table_sql import quoted

if TYPE_CHECKING:
    from orgsync.records import Schema

__all__ = [
    "and_also",
    "change_columns",
    "clear",
    "copy_rows",
    "copy_to_stage",
    "count_rows",
    "create_stage",
    "delete_owner",
    "escaped",
    "held",
    "lacking",
    "listed",
    "live_among",
    "live_count",
    "mark_deleted",
    "not_copied",
    "owners",
    "rename_owner",
    "rows_after",
    "rows_of",
    "soft_delete",
    "stage_of",
    "unseen",
    "upsert",
]

_FIRST_FIELD = 3  # behind the id, the stamp and is_deleted, which every row has
_BOOKKEEPING = ("sync_number", "connection", "sync_changed_at", "sync_first_seen_at")

_STORED_FORM = {
    "timestamp with time zone": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    "numeric": "{}::text",
    "date": "to_char({}, 'YYYY-MM-DD')",
    "time without time zone": "to_char(timestamp '2000-01-01' + {}, 'HH24:MI:SS.MS')",
}
"""How values are read in stored form, by the column's type; the driver reads the others so by itself."""


def copy_rows(schema: "Schema") -> str:
    """Return the statement that takes live rows that are all new: their own columns, bookkeeping, and the change."""
    names = [*(column.name for column in schema.columns), *_BOOKKEEPING, "sync_change"]
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

    It inserts new rows, updates changed ones, and leaves others alone. A row never goes back to an older
    system_modstamp; a row without one is accepted, and the stored one kept. Its parameters: the connection, twice the
    time, and the number.
    """
    names = [quoted(column.name) for column in schema.columns]
    fields, given = names[_FIRST_FIELD:], [name for name in names if name != '"is_deleted"']
    changed = " OR ".join(f"kept.{name} IS DISTINCT FROM excluded.{name}" for name in fields) or "false"
    stamp = "coalesce(excluded.system_modstamp, kept.system_modstamp)"
    return (
        f"WITH done AS (INSERT INTO {quoted(schema.table)} AS kept ({', '.join([*_BOOKKEEPING, *given])}, "
        f"is_deleted, sync_change) SELECT sync_place, %s, %s, %s, {', '.join(given)}, false, 'added' "
        f"FROM pg_temp.{stage} WHERE sync_place >= %s AND NOT is_deleted "
        f"ON CONFLICT (connection, id) DO UPDATE SET {_assigned(fields, 'excluded')}"
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


def live_among(table: str) -> str:
    """Return the query for those of many ids that have a live row, in their order."""
    return (
        f"SELECT copy.id FROM unnest(%s::text[]) WITH ORDINALITY AS given (id, place) JOIN {quoted(table)} AS copy "
        "ON copy.connection = %s AND copy.id = given.id WHERE NOT copy.is_deleted ORDER BY given.place"
    )


def listed(columns: Mapping[str, str], *, json_as_text: bool = False) -> str:
    """Return the select list of columns, given with their types, so that each is read in stored form.

    JSON is read as Python's, or as the text that it is.
    """
    forms = {**_STORED_FORM, **({"jsonb": "{}::text"} if json_as_text else {})}
    return ", ".join(
        f"{forms.get(kind, '{}').format(quoted(name))} AS {quoted(name)}" for name, kind in columns.items()
    )


def live_count(table: str) -> str:
    """Return the query for how many live rows a connection has."""
    return f"SELECT count(*) FROM {quoted(table)} WHERE connection = %s AND NOT is_deleted"


def unseen(table: str) -> str:
    """Return the query for a page of live Ids that a pass has not seen, among rows numbered up to a sequence.

    Its parameters: the connection, the id before, the sequence, the pass's owner, the limit.
    """
    return (
        f"SELECT copy.id FROM {quoted(table)} AS copy WHERE copy.connection = %s AND copy.id > %s "
        "AND NOT copy.is_deleted AND copy.sync_number <= %s AND NOT EXISTS (SELECT 1 FROM orgsync_seen_id AS seen "
        "WHERE seen.connection = copy.connection AND seen.owner = %s AND seen.id = copy.id) "
        "ORDER BY copy.id LIMIT %s"
    )


def not_copied(table: str) -> str:
    """Return the query for a page of Ids that a pass has seen and that have no live row.

    Its parameters: the connection, the pass's owner, the id before, the limit.
    """
    return (
        "SELECT seen.id FROM orgsync_seen_id AS seen WHERE seen.connection = %s AND seen.owner = %s AND seen.id > %s "
        f"AND NOT EXISTS (SELECT 1 FROM {quoted(table)} AS copy "
        "WHERE copy.connection = seen.connection AND copy.id = seen.id AND NOT copy.is_deleted) "
        "ORDER BY seen.id LIMIT %s"
    )


def rows_after(
    table: str, columns: Mapping[str, str], *, of_one: bool, condition: str = "", json_as_text: bool = False
) -> str:
    """Return the query for a page of live rows by key, of one connection or of all; `condition` is an expression."""
    key = "connection = %s AND id > %s" if of_one else "(connection, id) > (%s, %s)"
    name = quoted(table)
    return (
        f"SELECT {listed(columns, json_as_text=json_as_text)} FROM {name} "
        f"WHERE {key} AND NOT is_deleted {and_also(condition)}"
        f"ORDER BY {name}.connection, {name}.id LIMIT %s"
    )


def rows_of(table: str, columns: Mapping[str, str], by: str, kind: str) -> str:
    """Return the query for a connection's rows by the values of a column of some type, which are texts."""
    value = quoted(by) if kind == "text" else f"({_STORED_FORM.get(kind, '{}').format(quoted(by))})::text"
    name = quoted(table)
    return (
        f"SELECT {listed(columns)} FROM {name} WHERE connection = %s AND {value} = ANY(%s::text[]) ORDER BY {name}.id"
    )


def lacking(table: str, columns: Mapping[str, str], empty: Iterable[str], given: str) -> str:
    """Return the query for a page of a connection's live rows in which columns are NULL and another one is not.

    Its parameters: the connection, the id before, the limit.
    """
    missing = "".join(f"AND {quoted(each)} IS NULL " for each in empty)
    name = quoted(table)
    return (
        f"SELECT {listed(columns)} FROM {name} WHERE connection = %s AND id > %s AND NOT is_deleted "
        f"{missing}AND {quoted(given)} IS NOT NULL ORDER BY {name}.id LIMIT %s"
    )


def held(table: str, column: str) -> str:
    """Return the query for those of many values that a live row has in a column."""
    return (
        f"SELECT given.value FROM unnest(%s::text[]) AS given (value) WHERE EXISTS (SELECT 1 FROM {quoted(table)} "
        f"AS copy WHERE copy.{quoted(column)} = given.value AND NOT copy.is_deleted)"
    )


def escaped(condition: str) -> str:
    """Return an expression in which a percent sign is no parameter's."""
    return condition.replace("%", "%%")


def and_also(condition: str) -> str:
    """Return an expression as one more condition of a query; nothing for an empty one."""
    return f"AND (\n{escaped(condition)}\n) " if condition else ""


def rename_owner(table: str) -> str:
    """Return the statement that gives another connection's name to a page of rows, each with the next number.

    Its parameters: the new name, the number before, the time, the old name, the size of the page.
    """
    name = quoted(table)
    return (
        f"UPDATE {name} AS kept SET connection = %s, sync_number = %s + page.place, sync_changed_at = %s, "
        "sync_change = CASE WHEN is_deleted THEN 'deleted' ELSE 'added' END "
        f"FROM (SELECT ctid AS there, row_number() OVER (ORDER BY id) AS place FROM {name} "
        "WHERE connection = %s ORDER BY id LIMIT %s) AS page WHERE kept.ctid = page.there"
    )


def owners(table: str) -> str:
    """Return the query for the connections that have rows in a table, deleted ones too."""
    return f"SELECT DISTINCT connection FROM {quoted(table)} ORDER BY connection"


def count_rows(table: str) -> str:
    """Return the query for the number of rows, deleted ones too, of one connection or, for NULL, of all."""
    return f"SELECT count(*) FROM {quoted(table)} WHERE connection = coalesce(%s, connection)"


def delete_owner(table: str) -> str:
    """Return the statement that removes a connection's rows."""
    return f"DELETE FROM {quoted(table)} WHERE connection = %s"
