"""The table of the columns of objects that no record class describes."""

from collections.abc import Sequence

from ..model import ObjectColumn
from . import control_sql
from .driver import Statements

__all__ = ["ObjectColumnTable"]

_COLUMNS = ("column", "field", "kind")


class ObjectColumnTable:
    """Columns by the tables that they are in."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def list(self, table: str) -> Sequence[ObjectColumn]:
        found = await self._on.fetch(control_sql.OBJECT_COLUMNS, (table,))
        return [
            ObjectColumn(record_table=table, column=column, field=field, kind=kind) for column, field, kind in found
        ]

    async def add(self, columns: Sequence[ObjectColumn]) -> None:
        values = [(each.record_table, each.column, each.field, each.kind) for each in columns]
        await self._on.change_many(control_sql.ADD_OBJECT_COLUMN, values)

    async def remove(self, table: str) -> None:
        await self._on.fetch(control_sql.REMOVE_OBJECT_COLUMNS, (table,))
