"""The statements on record tables, in SQLite's words, and the parameters that rows become.

Every parameter is a plain `?`: Python 3.12 warns of a number behind it, and takes eight times as long to write a row.

Measured for rows of 15 columns: a statement of 100 rows in `executemany` writes 1.4 times as fast as one of a
single row; more rows a statement gain nothing, and a staging table or WITHOUT ROWID are slower.
"""
# ruff: noqa: S608 # every name is quoted and every value a parameter

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from orgsync.column_names import exact_name

from . import row_image
from .table_sql import NUMBER, quoted

if TYPE_CHECKING:
    from orgsync.records import Column, Row, Schema

__all__ = [
    "and_also",
    "change_columns",
    "clear",
    "count_rows",
    "counted",
    "delete_owner",
    "held",
    "listed",
    "live_among",
    "live_count",
    "mark_deleted",
    "not_copied",
    "owners",
    "packed",
    "packed_changes",
    "packed_deletions",
    "rename_owner",
    "rows_after",
    "rows_of",
    "rows_per_statement",
    "soft_delete",
    "unseen",
    "upsert",
    "upsert_image",
]


_ROWS_PER_STATEMENT = 100
_PARAMETERS = 32_000  # SQLite takes 32,766
_BOOKKEEPING = ("sync_number", "connection", "sync_changed_at", "sync_first_seen_at")
_IS_DELETED = 2
_FIRST_FIELD = 3  # behind the id, the stamp and is_deleted, which every row has


def rows_per_statement(schema: "Schema") -> int:
    """Return how many rows of this width one statement takes."""
    return max(1, min(_ROWS_PER_STATEMENT, _PARAMETERS // (len(schema.columns) + len(_BOOKKEEPING))))


def packed(rows: "Sequence[Row]", first_seq: int, fixed: tuple[str, str], *, per: int) -> Iterator[list[Any]]:
    """Flatten live rows into the parameters of statements that take `per` rows each; `rows` must divide evenly.

    A statement brings the number of its first row once, and the `fixed` connection and time, the latter as changed and
    as first seen. The rows bring their values, except that they are live: the driver takes ten times as long for a
    boolean as for an integer.
    """
    owner, at = fixed
    for start in range(0, len(rows), per):
        flat = [*chain.from_iterable(rows[start : start + per])]
        del flat[_IS_DELETED :: len(rows[0])]
        yield [first_seq + start, owner, at, at, *flat]


@lru_cache(maxsize=256)
def upsert(schema: "Schema", rows: int) -> str:
    """Return the statement that writes `rows` live rows, whose values are its parameters: see `packed`."""
    given = len(schema.columns) - 1
    values = ", ".join(f"({', '.join('?' * given)}, {at})" for at in range(rows))
    read = [f"column{at}" for at in range(1, given + 1)]
    return _upsert(schema, read, f"column{given + 1}", f"(VALUES {values})")


@lru_cache(maxsize=256)
def upsert_image(schema: "Schema") -> str:
    """Return the statement that writes the live rows of an image.

    Its parameters: the number before that of the first row, the connection, and the time, twice.
    """
    return _upsert(schema, row_image.columns_of(schema), "rowid", f"{row_image.ATTACHED}.{row_image.TABLE}")


def _upsert(schema: "Schema", read: Sequence[str], place: str, source: str) -> str:
    """Return the statement that inserts new rows of a source, updates changed ones and leaves others alone.

    A row never goes back to an older system_modstamp; a row without one is accepted, and the stored one kept.
    """
    table, names = quoted(schema.table), [_holder(column) for column in schema.columns]
    fields = names[_FIRST_FIELD:]
    given = [name for at, name in enumerate(names) if at != _IS_DELETED]
    changed = " OR ".join(f"{table}.{name} IS NOT excluded.{name}" for name in fields) or "0"
    stamp = f"coalesce(excluded.system_modstamp, {table}.system_modstamp)"
    return (
        f"INSERT INTO {table} ({', '.join([*_BOOKKEEPING, *given])}, is_deleted, sync_change) "
        f"SELECT ? + {place}, ?, ?, ?, {', '.join(read)}, 0, 'added' FROM {source} WHERE true "
        f"ON CONFLICT (connection, id) DO UPDATE SET {_assigned(fields)} "
        f"system_modstamp = {stamp}, is_deleted = 0, sync_number = excluded.sync_number, "
        f"sync_change = CASE WHEN {table}.is_deleted THEN 'added' ELSE 'updated' END, "
        f"sync_changed_at = excluded.sync_changed_at "
        f"WHERE ({table}.system_modstamp IS NULL OR {stamp} >= {table}.system_modstamp) "
        f"AND ({table}.is_deleted OR {stamp} IS NOT {table}.system_modstamp OR {changed})"
    )


def _assigned(fields: Iterable[str]) -> str:
    return "".join(f"{name} = excluded.{name}, " for name in fields)


@lru_cache(maxsize=256)
def change_columns(schema: "Schema") -> str:
    """Return the statement that changes some columns of a row that is there, unless it is of a newer version.

    A deleted row gets the values as well, which is no change that the feed reports.
    """
    names = [_holder(each) for each in schema.fields]
    return (
        f"UPDATE {quoted(schema.table)} SET {''.join(f'{name} = ?, ' for name in names)}"
        f"sync_change = CASE WHEN is_deleted THEN sync_change ELSE 'updated' END, "
        f"sync_changed_at = CASE WHEN is_deleted THEN sync_changed_at ELSE ? END, "
        f"sync_number = CASE WHEN is_deleted THEN sync_number ELSE ? END "
        f"WHERE connection = ? AND id = ? AND (? IS NULL OR system_modstamp IS NULL OR system_modstamp <= ?) "
        f"AND ({' OR '.join(f'{name} IS NOT ?' for name in names)})"
    )


def packed_changes(
    schema: "Schema", rows: "Iterable[Row]", first_seq: int, fixed: tuple[str, str]
) -> Iterator[list[Any]]:
    """Yield each row's parameters of `change_columns`; `fixed` is the connection and the time."""
    owner, time = fixed
    for seq, row in enumerate(rows, first_seq):
        key, stamp = row[:2]
        values = row[_FIRST_FIELD:]
        yield [*values, time, seq, owner, key, stamp, stamp, *values]


def clear(schema: "Schema", names: Collection[str]) -> str:
    """Return the statement that empties columns in all rows of a connection."""
    assigned = ", ".join(f"{_holder(each)} = NULL" for each in schema.columns if each.name in names)
    return f"UPDATE {quoted(schema.table)} SET {assigned} WHERE connection = ?"


@lru_cache(maxsize=256)
def soft_delete(schema: "Schema") -> str:
    """Return the statement that writes a row that Salesforce calls deleted; one that is not in the table is ignored.

    The script's own columns keep their values.
    """
    assigned = "".join(f"{_holder(each)} = ?, " for each in schema.fields if not each.local)
    return (
        f"UPDATE {quoted(schema.table)} SET {assigned}system_modstamp = coalesce(?, system_modstamp), "
        f"is_deleted = 1, sync_change = 'deleted', sync_changed_at = ?, sync_number = ? "
        f"WHERE connection = ? AND id = ? AND NOT is_deleted "
        f"AND (? IS NULL OR system_modstamp IS NULL OR ? >= system_modstamp)"
    )


def packed_deletions(
    schema: "Schema", rows: "Iterable[Row]", first_seq: int, fixed: tuple[str, str]
) -> Iterator[list[Any]]:
    """Yield each row's parameters of `soft_delete`; `fixed` is the connection and the time."""
    kept = [at for at, column in enumerate(schema.columns) if at >= _FIRST_FIELD and not column.local]
    owner, time = fixed
    for seq, row in enumerate(rows, first_seq):
        key, stamp = row[:2]
        yield [*(row[at] for at in kept), stamp, time, seq, owner, key, stamp, stamp]


def mark_deleted(table: str) -> str:
    """Return the statement that marks one live row deleted, by the time, a sequence, the connection and the Id."""
    return (
        f"UPDATE {quoted(table)} SET is_deleted = 1, sync_change = 'deleted', sync_changed_at = ?, sync_number = ? "
        f"WHERE connection = ? AND id = ? AND NOT is_deleted"
    )


def live_among(table: str) -> str:
    """Return the query for those of many ids that have a live row; the ids are one parameter, a JSON array.

    CROSS keeps the order: left to itself SQLite may scan the whole list for each of the connection's rows.
    """
    return (
        f"SELECT copy.id FROM json_each(?) AS given CROSS JOIN {quoted(table)} AS copy "
        f"ON copy.connection = ? AND copy.id = given.value WHERE NOT copy.is_deleted"
    )


def counted(table: str) -> str:
    """Return the query for how many rows numbered from a sequence on were added, and how many updated.

    Grouped by kind it would take three times as long: SQLite sorts groups.
    """
    added, updated = (f"count(*) FILTER (WHERE sync_change = '{kind}')" for kind in ("added", "updated"))
    return f"SELECT {added}, {updated} FROM {quoted(table)} WHERE sync_number >= ?"


def _holder(column: "Column") -> str:
    """Return the name of the column that holds a value exactly: for a Decimal the one with its digits."""
    return quoted(exact_name(column.name) if column.type is Decimal else column.name)


def listed(columns: Mapping[str, str], *, table: str) -> str:
    """Return the select list of a table's columns, given with their types; a number is read by its digits.

    Each bears the table's name: of one alone that was dropped meanwhile, SQLite would make a text.
    """
    return ", ".join(
        f"{quoted(table)}.{quoted(exact_name(name) if kind == NUMBER else name)} AS {quoted(name)}"
        for name, kind in columns.items()
    )


def live_count(table: str) -> str:
    """Return the query for how many live rows a connection has."""
    return f"SELECT count(*) FROM {quoted(table)} WHERE connection = ? AND NOT is_deleted"


def unseen(table: str) -> str:
    """Return the query for a page of live Ids that a pass has not seen, among rows numbered up to a sequence.

    Its parameters: the connection, the id before, the sequence, the pass's owner, the limit.
    """
    return (
        f"SELECT copy.id FROM {quoted(table)} AS copy WHERE copy.connection = ? AND copy.id > ? "
        f"AND NOT copy.is_deleted AND copy.sync_number <= ? AND NOT EXISTS (SELECT 1 FROM orgsync_seen_id AS seen "
        f"WHERE seen.connection = copy.connection AND seen.owner = ? AND seen.id = copy.id) "
        f"ORDER BY copy.id LIMIT ?"
    )


def not_copied(table: str) -> str:
    """Return the query for a page of Ids that a pass has seen and that have no live row.

    Its parameters: the connection, the pass's owner, the id before, the limit.
    """
    return (
        f"SELECT seen.id FROM orgsync_seen_id AS seen WHERE seen.connection = ? AND seen.owner = ? AND seen.id > ? "
        f"AND NOT EXISTS (SELECT 1 FROM {quoted(table)} AS copy "
        f"WHERE copy.connection = seen.connection AND copy.id = seen.id AND NOT copy.is_deleted) "
        f"ORDER BY seen.id LIMIT ?"
    )


def rows_after(table: str, columns: Mapping[str, str], *, of_one: bool, condition: str = "") -> str:
    """Return the query for a page of live rows by key, of one connection or of all; `condition` is an expression."""
    key = "connection = ? AND id > ?" if of_one else "(connection, id) > (?, ?)"
    return (
        f"SELECT {listed(columns, table=table)} FROM {quoted(table)} "
        f"WHERE {key} AND NOT is_deleted {and_also(condition)}"
        "ORDER BY connection, id LIMIT ?"
    )


def rows_of(table: str, columns: Mapping[str, str], by: str) -> str:
    """Return the query for a connection's rows by the values of a column, which are one parameter, a JSON array."""
    values = "SELECT value FROM json_each(?)"
    where = f"connection = ? AND {quoted(by)} IN ({values})"
    return f"SELECT {listed(columns, table=table)} FROM {quoted(table)} WHERE {where} ORDER BY id"


def held(table: str, column: str) -> str:
    """Return the query for those of many values, a JSON array, that a live row has in a column."""
    return (
        f"SELECT given.value FROM json_each(?) AS given WHERE EXISTS (SELECT 1 FROM {quoted(table)} AS copy "
        f"WHERE copy.{quoted(column)} = given.value AND NOT copy.is_deleted)"
    )


def and_also(condition: str) -> str:
    """Return an expression as one more condition of a query; nothing for an empty one."""
    return f"AND (\n{condition}\n) " if condition else ""


def rename_owner(table: str) -> str:
    """Return the statement that gives another connection's name to a page of rows, each with the next number.

    Its parameters: the new name, the number before, the time, the old name, the size of the page, the old name.
    """
    return (
        f"UPDATE {quoted(table)} SET connection = ?, sync_number = ? + page.place, sync_changed_at = ?, "
        f"sync_change = CASE WHEN is_deleted THEN 'deleted' ELSE 'added' END "
        f"FROM (SELECT id AS key, row_number() OVER (ORDER BY id) AS place FROM {quoted(table)} "
        f"WHERE connection = ? ORDER BY id LIMIT ?) AS page "
        f"WHERE {quoted(table)}.connection = ? AND {quoted(table)}.id = page.key"
    )


def owners(table: str) -> str:
    """Return the query for the connections that have rows in a table, deleted ones too."""
    return f"SELECT DISTINCT connection FROM {quoted(table)} ORDER BY connection"


def count_rows(table: str) -> str:
    """Return the query for the number of rows, deleted ones too, of one connection or, for NULL, of all."""
    return f"SELECT count(*) FROM {quoted(table)} WHERE connection = coalesce(?, connection)"


def delete_owner(table: str) -> str:
    """Return the statement that removes a connection's rows."""
    return f"DELETE FROM {quoted(table)} WHERE connection = ?"
