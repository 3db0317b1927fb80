"""The rows of record tables, read a page at a time and written a batch at a time."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..commit_types import Counts, Write
from . import control_sql, feed_sql, row_sql, table_sql
from .change_numbers import ChangeNumbers
from .cleared import note_cleared
from .driver import Statements
from .row_writes import FirstPasses, RowWriter

__all__ = ["RecordRows"]

_RENAMED_AT_ONCE = 10_000


class RecordRows:
    """The rows of record tables."""

    def __init__(self, on: Statements, numbers: ChangeNumbers, first_passes: FirstPasses, stages: set[str]) -> None:
        self._on = on
        self._numbers = numbers
        self._first_passes = first_passes
        self._writer = RowWriter(on, numbers, first_passes, stages)

    async def write(self, connection: str, writes: Sequence[Write]) -> Counts:
        return await self._writer.write(connection, writes)

    async def page(
        self, table: str, *, connection: str | None, after: tuple[str, str], limit: int
    ) -> Sequence[dict[str, Any]]:
        kinds = await self._kinds(table)
        sql = row_sql.rows_after(table, kinds, of_one=connection is not None)
        return _named(kinds, await self._on.fetch(sql, (*after, limit), prepare=False))

    async def changes(self, table: str, *, connection: str | None, after: int, limit: int) -> Sequence[dict[str, Any]]:
        columns = await self._kinds(table)
        kinds = feed_sql.feed_kinds(columns) if columns else await self._dropped_kinds(table)
        sql = feed_sql.changes_after(table, kinds, is_dropped=not columns, of_one=connection is not None)
        owner = () if connection is None else (connection,)
        return _named(kinds, await self._on.fetch(sql, (after, *owner, limit), prepare=False))

    async def last_change(self) -> int:
        [(number,)] = await self._on.fetch(f"SELECT {feed_sql.HORIZON} - 1")  # constants alone
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
        sql = row_sql.rows_of(table, kinds, by, found.get(by, "text"))
        return _named(kinds, await self._on.fetch(sql, (connection, list(values)), prepare=False))

    async def live_among(self, table: str, connection: str, ids: Sequence[str]) -> Sequence[str]:
        found = await self._on.fetch(row_sql.live_among(table), (list(ids), connection), prepare=False)
        return [each for (each,) in found]

    async def live_count(self, table: str, connection: str) -> int:
        [(number,)] = await self._on.fetch(row_sql.live_count(table), (connection,), prepare=False)
        return int(number)

    async def lacking(
        self, table: str, connection: str, *, empty: Sequence[str], given: str, after: str, limit: int
    ) -> Sequence[dict[str, Any]]:
        kinds = await self._kinds(table)
        sql = row_sql.lacking(table, kinds, empty, given)
        return _named(kinds, await self._on.fetch(sql, (connection, after, limit), prepare=False))

    async def held(self, table: str, column: str, values: Sequence[str]) -> Sequence[str]:
        found = await self._on.fetch(row_sql.held(table, column), (list(values),), prepare=False)
        return [each for (each,) in found]

    async def count(self, table: str, connection: str | None) -> int:
        [(number,)] = await self._on.fetch(row_sql.count_rows(table), (connection,), prepare=False)
        return int(number)

    async def rename(self, table: str, old: str, new: str) -> None:
        left = await self.count(table, old)
        if not left:
            return
        self._first_passes.forget()
        await note_cleared(self._on, self._numbers, table, [old])
        while left:
            size = min(left, _RENAMED_AT_ONCE)
            first = await self._numbers.take(size)
            values = (new, first - 1, self._numbers.at, old, size)
            left -= await self._on.change(row_sql.rename_owner(table), values)

    async def remove(self, table: str, connection: str) -> None:
        self._first_passes.forget()
        if await self._on.change(row_sql.delete_owner(table), (connection,)):
            await note_cleared(self._on, self._numbers, table, [connection])

    async def feeds(self) -> Sequence[str]:
        tables = [name for (name,) in await self._on.fetch(table_sql.RECORD_TABLES)]
        there = {name.lower() for name in tables}
        cleared = await self._on.fetch(control_sql.CLEARED_TABLES)
        return sorted([*tables, *(name for (name,) in cleared if name.lower() not in there)])

    async def _dropped_kinds(self, table: str) -> dict[str, str]:
        return feed_sql.dropped_kinds(await self._kinds(feed_sql.feed_of(table)))

    async def _kinds(self, table: str) -> dict[str, str]:
        return dict(await self._on.fetch(table_sql.COLUMNS, (table,)))


def _named(kinds: Mapping[str, str], fetched: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(kinds, row, strict=True)) for row in fetched]
