"""Writing batches of rows, inside a transaction that the caller holds."""

from collections.abc import Sequence
from typing import Any

from orgsync.records import EncodedRows, Row, Schema

from ..commit_types import Counts, Write, require_no_nul
from . import control_sql, row_sql
from .driver import Statements

__all__ = ["write"]


async def write(on: Statements, connection: str, writes: Sequence[Write], *, at: str) -> Counts:
    """Write batches one after the other: rows first, then the Ids to mark deleted. `at` is the time of the change."""
    counts = Counts()
    for each in writes:
        if each.cleared:
            await on.change_many(row_sql.clear(each.schema, each.cleared), [(connection,)])
    size = sum(len(each.rows) + len(each.deleted_ids) for each in writes)
    if not size:
        return counts
    [(last,)] = await on.fetch(control_sql.NEXT_NUMBERS, (size,))
    seq = int(last) - size + 1
    for each in writes:
        counts += await _write_one(on, each, (connection, at), seq)
        seq += len(each.rows) + len(each.deleted_ids)
    return counts


async def _write_one(on: Statements, batch: Write, fixed: tuple[str, str], seq: int) -> Counts:
    """Write one batch, whose changes are numbered from `seq` on; `fixed` is the connection and the time."""
    connection, at = fixed
    table, counts = batch.schema.table, Counts()
    others = batch.rows.others if isinstance(batch.rows, EncodedRows) else batch.rows
    if others:
        _require_storable(batch.schema, others)
    if batch.rows and batch.partial:
        values = row_sql.packed_changes(batch.schema, batch.rows, seq, fixed)
        changed = await on.change_many(row_sql.change_columns(batch.schema), values)
        [(_, updated)] = await on.fetch(row_sql.counted(table), (seq,)) if changed else [(0, 0)]
        return Counts(updated=updated)  # a row that stays was no change of the org's that was delivered
    if batch.rows:
        changed, unchanged = await _write_rows(on, batch.schema, batch.rows, fixed, seq)
        # The numbers are this transaction's, so whatever has one of them was changed by this batch.
        [(added, updated)] = await on.fetch(row_sql.counted(table), (seq,)) if changed else [(0, 0)]
        counts += Counts(added, updated, changed - added - updated, unchanged)
    if batch.deleted_ids:
        first = seq + len(batch.rows)
        marks = [(at, number, connection, each) for number, each in enumerate(batch.deleted_ids, start=first)]
        counts += Counts(deleted=await on.change_many(row_sql.mark_deleted(table), marks))
    return counts


def _require_storable(schema: Schema, rows: Sequence[Row]) -> None:
    """Raise UnicodeEncodeError for NUL in a row, which SQLite takes and its functions cut texts off at.

    The driver raises it for half of a surrogate pair by itself.
    """
    for column, values in zip(schema.columns, zip(*rows, strict=True), strict=True):
        if column.type in (str, dict, list):
            require_no_nul(_joined(values), in_json=column.type is not str)


def _joined(values: Sequence[Any]) -> str:
    try:
        return "".join(filter(None, values))
    except TypeError:  # a script's own value may be of any type
        return "".join(value for value in values if isinstance(value, str))


async def _write_rows(
    on: Statements, schema: Schema, rows: Sequence[Row], fixed: tuple[str, str], seq: int
) -> tuple[int, int]:
    """Write live rows, then deleted ones singly; return how many changed, and how many live ones did not."""
    images, others, changed = (rows.contents, rows.others, 0) if isinstance(rows, EncodedRows) else ((), rows, 0)
    live, gone = [row for row in others if not row[2]], [row for row in others if row[2]]
    first = seq
    for image, size in images:
        changed += await _write_image(on, schema, image, fixed, seq)
        seq += size
    changed += await _write_live(on, schema, live, fixed, seq)
    seq += len(live)
    unchanged = seq - first - changed
    if gone:
        deletions = row_sql.packed_deletions(schema, gone, seq, fixed)
        changed += await on.change_many(row_sql.soft_delete(schema), deletions)
    return changed, unchanged


async def _write_live(on: Statements, schema: Schema, rows: Sequence[Row], fixed: tuple[str, str], seq: int) -> int:
    """Send rows many a statement, the rest singly; return how many changed."""
    per = row_sql.rows_per_statement(schema)
    whole, changed = len(rows) // per * per, 0
    for part, size in ((rows[:whole], per), (rows[whole:], 1)):
        if part:
            sql = row_sql.upsert(schema, size)
            changed += await on.change_many(sql, row_sql.packed(part, seq, fixed, per=size))
            seq += len(part)
    return changed


async def _write_image(on: Statements, schema: Schema, image: bytes, fixed: tuple[str, str], seq: int) -> int:
    """Copy the rows of an image; return how many changed."""
    connection, at = fixed
    return await on.change_by_image(row_sql.upsert_image(schema), (seq - 1, connection, at, at), image)
