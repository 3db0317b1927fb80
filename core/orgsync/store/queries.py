"""Reading record tables a page at a time: rows, the change feed, ids."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .sqlite import control_sql, row_sql
from .sqlite.driver import Statements
from .tables import columns_of

__all__ = ["Selection", "last_change", "live_among", "live_count", "page", "rows_of"]

_PYTHON: dict[str, Callable[[Any], Any]] = {"BOOLEAN": bool, "JSON": json.loads}


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows of one table, of one connection or of all: live ones by key, or changes by their number."""

    table: str
    owner: str | None
    changes: bool

    def sql(self, columns: Mapping[str, str]) -> str:
        """Write the query for one page; its parameters are `cursor` and the limit."""
        write = row_sql.changes_after if self.changes else row_sql.rows_after
        return write(self.table, columns, of_one=self.owner is not None)

    def start(self, after: int) -> tuple[str | int, ...]:
        """Answer with the parameters before the first row."""
        return (*self._owner(), after) if self.changes else (self.owner or "", "")

    def cursor(self, row: dict[str, Any]) -> tuple[str | int, ...]:
        """Answer with the parameters behind this row."""
        return (*self._owner(), row["sync_seq"]) if self.changes else (row["connection"], row["id"])

    def _owner(self) -> tuple[str, ...]:
        return () if self.owner is None else (self.owner,)


async def page(on: Statements, selection: Selection, cursor: tuple[str | int, ...], limit: int) -> list[dict[str, Any]]:
    """Read the rows that follow the cursor, booleans and JSON as Python's, all else in stored form."""
    kinds = await columns_of(on, selection.table)
    return _readable(kinds, await on.fetch(selection.sql(kinds), (*cursor, limit)))


async def rows_of(on: Statements, table: str, owner: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Read a connection's rows by their ids, in the form of `page`; none where there is no such table."""
    kinds = await columns_of(on, table)
    if not kinds:
        return []
    return _readable(kinds, await on.fetch(row_sql.rows_of(table, kinds), (owner, json.dumps(list(ids)))))


def _readable(kinds: Mapping[str, str], fetched: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    python = {name: _PYTHON[kind] for name, kind in kinds.items() if kind in _PYTHON}
    rows = [dict(zip(kinds, row, strict=True)) for row in fetched]
    for row in rows:
        row.update({name: make(row[name]) for name, make in python.items() if row[name] is not None})
    return rows


async def live_among(on: Statements, table: str, owner: str, ids: Sequence[str]) -> list[str]:
    """List those of the ids that have a live row, in their order."""
    return [each for (each,) in await on.fetch(row_sql.live_among(table), (json.dumps(list(ids)), owner))]


async def live_count(on: Statements, table: str, owner: str) -> int:
    """Count live rows."""
    [(number,)] = await on.fetch(row_sql.live_count(table), (owner,))
    return int(number)


async def last_change(on: Statements) -> int:
    """Answer with the last number of the change feed."""
    [(number,)] = await on.fetch(control_sql.LAST_NUMBER)
    return int(number)
