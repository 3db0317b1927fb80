"""A batch's rows on their way into a table, inside a transaction that the caller holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from orgsync.records import Row, Schema

from .sqlite import row_sql
from .sqlite.driver import Statements

__all__ = ["Counts", "Write", "encodable", "newest", "write"]


@dataclass(frozen=True, slots=True)
class Write:
    """Rows for one table, in stored form, and the ids of rows to mark deleted after them."""

    schema: Schema
    rows: Sequence[Row] = field(default=(), repr=False)
    deleted_ids: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows that were delivered; each is counted once."""

    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.added + other.added,
            self.updated + other.updated,
            self.deleted + other.deleted,
            self.unchanged + other.unchanged,
        )


def newest(rows: Sequence[Row]) -> Sequence[Row]:
    """Keep one row an id: the one of the newest stamp, the later one where stamps are equal."""
    if len({row[0] for row in rows}) == len(rows):
        return rows
    kept: dict[Any, Row] = {}
    for row in rows:
        if row[0] not in kept or str(row[1] or "") >= str(kept[row[0]][1] or ""):
            kept[row[0]] = row
    return list(kept.values())


def encodable(rows: Sequence[Row]) -> list[Row]:
    """Replace halves of surrogate pairs, which JSON may hold and no database takes, by a question mark."""
    return [tuple(_encodable(value) if isinstance(value, str) else value for value in row) for row in rows]


def _encodable(value: str) -> str:
    return value.encode(errors="replace").decode()


async def write(on: Statements, owner: str, batch: Write, *, at: str) -> Counts:
    """Write one batch: rows first, then the ids to mark deleted. `owner` is the connection's name, `at` the time."""
    rows = newest(batch.rows)
    ids = list(dict.fromkeys(batch.deleted_ids))
    if not rows and not ids:
        return Counts()
    table = batch.schema.table
    seq, last_row = await _numbers(on, table, len(rows) + len(ids))
    counts = Counts()
    if rows:
        changed = await _rows(on, batch.schema, rows, (owner, at), seq)
        counts += await _counted(on, table, seq, total=len(rows), changed=changed, last_row=last_row)
    if ids:
        seq += len(rows)
        marks = [(at, number, owner, each) for number, each in enumerate(ids, start=seq)]
        deleted = await on.change_many(row_sql.mark_deleted(table), marks)
        counts += Counts(deleted=deleted, unchanged=len(ids) - deleted)
    return counts


async def _numbers(on: Statements, table: str, how_many: int) -> tuple[int, int]:
    """Take the next numbers of the change feed; answer with the first of them and with the table's last row."""
    [(last, last_row)] = await on.fetch(row_sql.next_numbers(table), (how_many,))
    return int(last) - how_many + 1, int(last_row)


async def _rows(on: Statements, schema: Schema, rows: Sequence[Row], fixed: tuple[str, str], seq: int) -> int:
    """Send live rows many a statement, the rest and deleted ones singly; tell how many rows changed."""
    live = [row for row in rows if not row[2]]
    gone = [row for row in rows if row[2]]
    per = row_sql.rows_per_statement(schema)
    whole = len(live) // per * per
    changed = 0
    for part, size in ((live[:whole], per), (live[whole:], 1)):
        if part:
            sql = row_sql.upsert(schema, size)
            changed += await on.change_many(sql, row_sql.packed(part, seq, fixed, per=size))
            seq += len(part)
    if gone:
        deletions = row_sql.packed_deletions(schema, gone, seq, fixed)
        changed += await on.change_many(row_sql.soft_delete(schema), deletions)
    return changed


async def _counted(on: Statements, table: str, seq: int, *, total: int, changed: int, last_row: int) -> Counts:
    """Count what the rows numbered from `seq` on became.

    SQLite numbers rows upwards, so those behind `last_row` are new. Where every change is a new row, as in a first
    pass, that is the answer, and a twelfth of the work of writing is saved: reading the rows again to count them.
    """
    if not changed:
        return Counts(unchanged=total)
    [(now_last,)] = await on.fetch(row_sql.last_row(table))
    if now_last - last_row == changed:
        return Counts(added=changed, unchanged=total - changed)
    found = await on.fetch(row_sql.counted(table), (seq,))
    return Counts(**dict(found), unchanged=total - changed)
