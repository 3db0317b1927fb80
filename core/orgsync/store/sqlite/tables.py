"""The tables of record classes."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.types import TypeEngine

from orgsync.records import Schema, StoredDecimal, table_columns, to_stored

from . import feed_sql, row_sql, table_sql
from .cleared import note_cleared
from .driver import Statements

__all__ = ["RecordTables", "declared_type"]

_DIALECT = dialect()


class RecordTables:
    """The tables of record classes, distinguished from the user's own by the index of their change numbers."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now
        self._listed: tuple[int, Sequence[str]] = (-1, ())

    async def exists(self, table: str) -> bool:
        return bool(await self._on.fetch(table_sql.HAS_TABLE, (table,)))

    async def columns(self, table: str) -> Mapping[str, str]:
        found = await self._on.fetch(table_sql.COLUMNS, (table,))
        return table_sql.readable_columns((name, kind, computed) for name, kind, computed in found)

    def declared(self, schema: Schema) -> Mapping[str, str]:
        return {column.name: declared_type(column.type) for column in _columns(schema)}

    async def make(self, schema: Schema) -> None:
        required = [column.name for column in _columns(schema) if not column.nullable]
        await self._on.fetch(table_sql.create_table(schema.table, self.declared(schema), required))
        await self._on.fetch(table_sql.index_changes(schema.table))

    async def widen(self, schema: Schema, names: Collection[str]) -> None:
        declared = self.declared(schema)
        for name in names:
            for statement in table_sql.add_column(schema.table, name, declared[name]):
                await self._on.fetch(statement)

    async def feed_conflict(self, table: str) -> str | None:
        names = table, feed_sql.feed_of(table), table_sql.index_of_changes(table)
        found = await self._on.fetch(feed_sql.CONFLICT, names)
        return found[0][0] if found else None

    async def make_feed(self, table: str) -> None:
        columns = {name: kind for name, kind, _ in await self._on.fetch(table_sql.COLUMNS, (table,))}
        wanted = feed_sql.create_view(table, columns)
        if await self._on.fetch(feed_sql.SQL_OF_VIEW, (feed_sql.feed_of(table),)) != [(wanted,)]:
            await self._on.fetch(feed_sql.drop_view(table))
            await self._on.fetch(wanted)

    async def index(self, schema: Schema) -> None:
        there = {name for (name,) in await self._on.fetch(table_sql.INDEXES, (schema.table,))}
        for column in schema.fields:
            if column.index and table_sql.index_of(schema.table, column.name) not in there:
                await self._on.fetch(table_sql.index_column(schema.table, column.name))

    async def has_rows(self, table: str, connection: str | None = None) -> bool:
        if connection is None:
            return bool(await self._on.fetch(table_sql.any_row(table)))
        return bool(await self._on.fetch(table_sql.has_owner(table), (connection,)))

    async def drop(self, table: str) -> None:
        columns = {name: kind for name, kind, _ in await self._on.fetch(table_sql.COLUMNS, (table,))}
        if not columns:
            return
        owners = [name for (name,) in await self._on.fetch(row_sql.owners(table))]
        await note_cleared(self._on, table, owners, at=to_stored(self._now()))
        await self._on.fetch(feed_sql.drop_view(table))
        await self._on.fetch(table_sql.drop(table))
        await self._on.fetch(feed_sql.create_view(table, columns, is_dropped=True))

    async def list(self) -> Sequence[str]:
        [(version,)] = await self._on.fetch(table_sql.SCHEMA_VERSION)
        if version != self._listed[0]:  # after a rollback, which may take a version back, the connection is closed
            self._listed = version, [name for (name,) in await self._on.fetch(table_sql.RECORD_TABLES)]
        return self._listed[1]


def _columns(schema: Schema) -> Iterable[Column[Any]]:
    return table_columns(schema.fields)


def declared_type(type: TypeEngine[Any]) -> str:
    """Return a column's type in SQLite."""
    return table_sql.NUMBER if isinstance(type, StoredDecimal) else type.compile(_DIALECT)
