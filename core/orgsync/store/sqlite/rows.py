"""The rows of record tables, read a page at a time and written a batch at a time."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from orgsync.records import to_stored

from ..commit_types import Counts, Write
from . import control_sql, feed_sql, row_sql, row_writes, table_sql
from .cleared import note_cleared
from .driver import Statements

__all__ = ["RecordRows"]

_RENAMED_AT_ONCE = 10_000


class RecordRows:
    """The rows of record tables."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def write(self, connection: str, writes: Sequence[Write]) -> Counts:
        return await row_writes.write(self._on, connection, writes, at=to_stored(self._now()))

    async def page(
        self, table: str, *, connection: str | None, after: tuple[str, str], limit: int
    ) -> Sequence[dict[str, Any]]:
        kinds = await self._kinds(table)
        sql = row_sql.rows_after(table, kinds, of_one=connection is not None)
        return _readable(kinds, await self._on.fetch(sql, (*after, limit)))

    async def changes(self, table: str, *, connection: str | None, after: int, limit: int) -> Sequence[dict[str, Any]]:
        columns = await self._kinds(table)
        kinds = feed_sql.feed_kinds(columns) if columns else await self._dropped_kinds(table)
        sql = feed_sql.changes_after(table, kinds, is_dropped=not columns, of_one=connection is not None)
        owner = () if connection is None else (connection,)
        return _readable(kinds, await self._on.fetch(sql, (after, *owner, limit)))

    async def last_change(self) -> int:
        [(number,)] = await self._on.fetch(control_sql.LAST_NUMBER)
        return int(number)

    async def get(
        self,
        table: str,
        connection: str,
        values: Sequence[str],
        *,
        by: str = "id",
        columns: Collection[str] | None = None,
    ) -> Sequence[dict[str, Any]]:
        found = await self._kinds(table)
        kinds = found if columns is None else {name: kind for name, kind in found.items() if name in columns}
        return _readable(kinds, await self._on.fetch(row_sql.rows_of(table, kinds, by), (connection, _json(values))))

    async def live_among(self, table: str, connection: str, ids: Sequence[str]) -> Sequence[str]:
        return [each for (each,) in await self._on.fetch(row_sql.live_among(table), (_json(ids), connection))]

    async def live_count(self, table: str, connection: str) -> int:
        [(number,)] = await self._on.fetch(row_sql.live_count(table), (connection,))
        return int(number)

    async def lacking(
        self, table: str, connection: str, *, empty: Sequence[str], given: str, after: str, limit: int
    ) -> Sequence[dict[str, Any]]:
        kinds = await self._kinds(table)
        missing = [f"{table_sql.quoted(name)} IS NULL" for name in empty]
        condition = " AND ".join([*missing, f"{table_sql.quoted(given)} IS NOT NULL"])
        sql = row_sql.rows_after(table, kinds, of_one=True, condition=condition)
        return _readable(kinds, await self._on.fetch(sql, (connection, after, limit)))

    async def held(self, table: str, column: str, values: Sequence[str]) -> Sequence[str]:
        return [each for (each,) in await self._on.fetch(row_sql.held(table, column), (_json(values),))]

    async def count(self, table: str, connection: str | None) -> int:
        [(number,)] = await self._on.fetch(row_sql.count_rows(table), (connection,))
        return int(number)

    async def rename(self, table: str, old: str, new: str) -> None:
        size = await self.count(table, old)
        if not size:
            return
        at = to_stored(self._now())
        number = await note_cleared(self._on, table, [old], at=at, more=size)
        left = size
        while left:
            page = (new, number + size - left, at, old, _RENAMED_AT_ONCE, old)
            left -= await self._on.change_many(row_sql.rename_owner(table), [page])

    async def remove(self, table: str, connection: str) -> None:
        if await self._on.change_many(row_sql.delete_owner(table), [(connection,)]):
            await note_cleared(self._on, table, [connection], at=to_stored(self._now()))

    async def feeds(self) -> Sequence[str]:
        tables = [name for (name,) in await self._on.fetch(table_sql.RECORD_TABLES)]
        there = {name.lower() for name in tables}
        cleared = await self._on.fetch(control_sql.CLEARED_TABLES)
        return sorted([*tables, *(name for (name,) in cleared if name.lower() not in there)])

    async def _dropped_kinds(self, table: str) -> dict[str, str]:
        found = await self._on.fetch(table_sql.COLUMNS, (feed_sql.feed_of(table),))
        return feed_sql.dropped_kinds({name: kind for name, kind, _ in found})

    async def _kinds(self, table: str) -> dict[str, str]:
        found = await self._on.fetch(table_sql.COLUMNS, (table,))
        return table_sql.readable_columns((name, kind, computed) for name, kind, computed in found)


def _json(ids: Sequence[str]) -> str:
    return json.dumps(list(ids))


def _readable(kinds: Mapping[str, str], fetched: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    rows = [dict(zip(kinds, row, strict=True)) for row in fetched]
    converted = {name: kind for name, kind in kinds.items() if kind in table_sql.CONVERTED}
    for row in rows:
        row.update({name: table_sql.python_value(kind, row[name]) for name, kind in converted.items()})
    return rows
