"""Writing batches of rows, inside a transaction that the caller holds."""

from collections.abc import Sequence

from psycopg.errors import UniqueViolation

from orgsync.records import Row, Schema, to_stored

from ..commit_types import Counts, Write
from . import batch_sql, table_sql
from .change_numbers import ChangeNumbers
from .copy_text import copy_text
from .declared import declared_types
from .driver import Statements
from .json_rows import FEW, json_rows

__all__ = ["FirstPasses", "RowWriter"]


class FirstPasses:
    """The copies, by table and connection, that were empty when first written to, and have had only new rows since.

    Those rows need no stage. Once one is met that the copy has, the rest goes the usual way.
    """

    def __init__(self) -> None:
        self._new: dict[tuple[str, str], bool] = {}
        self._has_defaults: dict[str, bool] = {}

    async def is_one(self, on: Statements, table: str, connection: str) -> bool:
        """Return whether all rows of a copy may be new."""
        key = table, connection
        if key not in self._new:
            self._new[key] = not await on.fetch(table_sql.has_owner(table), (connection,), prepare=False)
        return self._new[key]

    async def has_defaults(self, on: Statements, table: str) -> bool:
        """Return whether the table has the bookkeeping of a new row as defaults."""
        if table not in self._has_defaults:
            [(self._has_defaults[table],)] = await on.fetch(table_sql.HAS_DEFAULTS, (table,))
        return self._has_defaults[table]

    def end(self, table: str, connection: str) -> None:
        """Note that a copy has a row that came again."""
        self._new[table, connection] = False

    def forget(self) -> None:
        """Ask again: rows were removed or renamed, or nothing is known of what was written."""
        self._new.clear()
        self._has_defaults.clear()


class RowWriter:
    """Writes rows of one transaction."""

    def __init__(self, on: Statements, numbers: ChangeNumbers, first_passes: FirstPasses, stages: set[str]) -> None:
        self._on = on
        self._numbers = numbers
        self._first_passes = first_passes
        self._stages = stages

    async def write(self, connection: str, writes: Sequence[Write]) -> Counts:
        """Write batches one after the other: live rows first, deleted ones, then the Ids to mark deleted."""
        counts = Counts()
        for each in writes:
            if each.cleared:
                await self._on.change(batch_sql.clear(each.schema, each.cleared), (connection,))
        for each in writes:
            if each.rows and each.partial:
                counts += await self._change_columns(connection, each.schema, each.rows)
            elif each.rows:
                counts += await self._write_rows(connection, each.schema, each.rows)
            if each.deleted_ids:
                counts += Counts(deleted=await self._mark(connection, each))
        return counts

    async def _mark(self, connection: str, batch: Write) -> int:
        first = await self._numbers.take(len(batch.deleted_ids))
        values = (self._numbers.at, first - 1, list(batch.deleted_ids), connection)
        return await self._on.change(batch_sql.mark_deleted(batch.schema.table), values)

    async def _write_rows(self, connection: str, schema: Schema, rows: Sequence[Row]) -> Counts:
        live = [row for row in rows if not row[2]]
        gone = [row for row in rows if row[2]]
        if not gone and len(live) <= FEW and (text := json_rows(schema, live)):
            return await self._few(connection, schema, text, len(live))
        counts = Counts()
        if live and await self._first_passes.is_one(self._on, schema.table, connection):
            if await self._copy(connection, schema, live):
                counts, live = Counts(added=len(live)), []
            else:
                self._first_passes.end(schema.table, connection)
        if not live and not gone:
            return counts
        return counts + await self._by_stage(connection, schema, [*live, *gone], len(live))

    async def _few(self, connection: str, schema: Schema, rows: str, size: int) -> Counts:
        """Write live rows, given as JSON."""
        first = await self._numbers.take(size)
        at = self._numbers.at
        [(added, updated)] = await self._on.fetch(batch_sql.upsert_few(schema), (connection, at, at, first - 1, rows))
        return Counts(added, updated, 0, size - added - updated)

    async def _copy(self, connection: str, schema: Schema, rows: Sequence[Row]) -> bool:
        """Write rows that are new; return False, with nothing written, where one of them is not."""
        first, at = await self._numbers.take(len(rows)), to_stored(self._numbers.at)
        has_defaults = await self._first_passes.has_defaults(self._on, schema.table)
        constants = [connection] if has_defaults else [connection, at, at, "added"]
        sql = batch_sql.copy_rows(schema, has_defaults=has_defaults)
        await self._on.fetch("SAVEPOINT orgsync_copy")
        try:
            await self._on.copy(sql, copy_text(schema, rows, first, constants))
        except UniqueViolation:
            await self._on.fetch("ROLLBACK TO SAVEPOINT orgsync_copy")
            return False
        await self._on.fetch("RELEASE SAVEPOINT orgsync_copy")
        return True

    async def _by_stage(self, connection: str, schema: Schema, rows: Sequence[Row], live: int) -> Counts:
        """Write rows, of which so many are live and come first; say what became of them."""
        stage, first = await self._stage(schema, rows)
        at, added, updated, deleted = self._numbers.at, 0, 0, 0
        if live:
            values = (connection, at, at, first)
            [(added, updated)] = await self._on.fetch(batch_sql.upsert(stage, schema), values, prepare=False)
        if live < len(rows):
            deleted = await self._on.change(batch_sql.soft_delete(stage, schema), (at, first, connection))
        return Counts(added, updated, deleted, live - added - updated)

    async def _change_columns(self, connection: str, schema: Schema, rows: Sequence[Row]) -> Counts:
        """Change some columns of rows that are there; one that stays was no change of the org's that was delivered."""
        stage, first = await self._stage(schema, rows)
        values = (self._numbers.at, first, connection)
        [(updated,)] = await self._on.fetch(batch_sql.change_columns(stage, schema), values, prepare=False)
        return Counts(updated=int(updated))

    async def _stage(self, schema: Schema, rows: Sequence[Row]) -> tuple[str, int]:
        """Put rows into the stage for their columns; return its name, and the number of the first."""
        stage = batch_sql.stage_of(schema, declared_types(schema))
        if stage not in self._stages:
            await self._on.fetch(batch_sql.create_stage(stage, schema), prepare=False)
            self._stages.add(stage)
        first = await self._numbers.take(len(rows))
        await self._on.copy(batch_sql.copy_to_stage(stage, schema), copy_text(schema, rows, first))
        return stage, first
