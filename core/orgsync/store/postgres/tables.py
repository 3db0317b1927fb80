"""The tables of record classes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from psycopg.errors import InvalidTableDefinition
from sqlalchemy import Column

from orgsync.errors import RecordClassInvalid
from orgsync.records import Schema, table_columns

from . import control_sql, feed_sql, row_sql, table_sql
from .change_numbers import ChangeNumbers
from .cleared import note_cleared
from .declared import declared_types
from .driver import Statements
from .row_writes import FirstPasses

__all__ = ["RecordTables"]


class RecordTables:
    """The tables of record classes, distinguished from the user's own by the index of their change numbers."""

    def __init__(self, on: Statements, numbers: ChangeNumbers, first_passes: FirstPasses, *, writes: bool) -> None:
        self._on = on
        self._numbers = numbers
        self._first_passes = first_passes
        self._writes = writes

    async def exists(self, table: str) -> bool:
        return bool(await self._on.fetch(table_sql.HAS_TABLE, (table,)))

    async def columns(self, table: str) -> Mapping[str, str]:
        return dict(await self._on.fetch(table_sql.COLUMNS, (table,)))

    def declared(self, schema: Schema) -> Mapping[str, str]:
        return declared_types(schema)

    async def make(self, schema: Schema) -> None:
        _require_short_names(schema)
        required = [column.name for column in _columns(schema) if not column.nullable]
        await self._on.fetch(table_sql.create_table(schema.table, self.declared(schema), required))
        for statement in table_sql.index_changes(schema.table):
            await self._on.fetch(statement)

    async def widen(self, schema: Schema, names: Collection[str]) -> None:
        _require_short_names(schema)
        declared = self.declared(schema)
        for name in names:
            await self._on.fetch(table_sql.add_column(schema.table, name, declared[name]))

    async def feed_conflict(self, table: str) -> str | None:
        if self._writes:  # tables are made and changed one after the other
            await self._on.fetch(control_sql.TURN, ("tables",))
        names = table, feed_sql.feed_of(table), table_sql.index_of_changes(table)
        found = await self._on.fetch(feed_sql.CONFLICT, names)
        return found[0][0] if found else None

    async def make_feed(self, table: str) -> None:
        wanted = feed_sql.create_view(table, await self.columns(table))
        digest = feed_sql.digest_of(wanted)
        if await self._on.fetch(feed_sql.DIGEST_OF_VIEW, (feed_sql.feed_of(table),)) == [(digest,)]:
            return
        await self._on.fetch("SAVEPOINT orgsync_view")
        try:
            await self._on.fetch(wanted)  # new columns come last, so that views of the user's upon this one may stay
        except InvalidTableDefinition:
            await self._on.fetch("ROLLBACK TO SAVEPOINT orgsync_view")
            await self._on.fetch(feed_sql.drop_view(table))
            await self._on.fetch(wanted)
        await self._on.fetch(feed_sql.note_digest(table, digest))

    async def index(self, schema: Schema) -> None:
        there = {name for (name,) in await self._on.fetch(table_sql.INDEXES, (schema.table,))}
        for column in schema.fields:
            if column.index and table_sql.index_of(schema.table, column.name) not in there:
                await self._on.fetch(table_sql.index_column(schema.table, column.name))

    async def has_rows(self, table: str, connection: str | None = None) -> bool:
        if connection is None:
            return bool(await self._on.fetch(table_sql.any_row(table), prepare=False))
        return bool(await self._on.fetch(table_sql.has_owner(table), (connection,), prepare=False))

    async def drop(self, table: str) -> None:
        if self._writes:
            await self._on.fetch(control_sql.TURN, ("tables",))
        columns = await self.columns(table)
        if not columns:
            return
        self._first_passes.forget()
        owners = [name for (name,) in await self._on.fetch(row_sql.owners(table), prepare=False)]
        if owners:
            await note_cleared(self._on, self._numbers, table, owners)
        await self._on.fetch(feed_sql.drop_view(table))
        await self._on.fetch(table_sql.drop(table))
        statement = feed_sql.create_view(table, columns, is_dropped=True)
        await self._on.fetch(statement)
        await self._on.fetch(feed_sql.note_digest(table, feed_sql.digest_of(statement)))

    async def list(self) -> Sequence[str]:
        return [name for (name,) in await self._on.fetch(table_sql.RECORD_TABLES)]


def _columns(schema: Schema) -> Iterable[Column[Any]]:
    return table_columns(schema.fields)


def _require_short_names(schema: Schema) -> None:
    """Raise RecordClassInvalid for a name that PostgreSQL would cut off."""
    model, longest = schema.model.__name__, table_sql.LONGEST_TABLE
    if len(schema.table.encode()) > longest:
        raise RecordClassInvalid(
            f"{model} would be kept in the table {schema.table}, a name longer than {longest} bytes.",
            'Give it a shorter one in the class: __tablename__ = "...".',
        )
    for column in schema.columns:
        if len(column.name.encode()) > table_sql.LONGEST_NAME:
            raise RecordClassInvalid(
                f"{model}.{column.name} would be a column whose name is longer than {table_sql.LONGEST_NAME} bytes, "
                "PostgreSQL's limit.",
                f'Give the attribute a shorter name, and name what it reads: SHORTER: ... = field("{column.path}").',
            )
