"""The table of the columns of objects that no record class describes."""

from collections.abc import Sequence

from ..model import ObjectColumn
from . import control_sql
from .driver import Statements

__all__ = ["ObjectColumnTable"]


class ObjectColumnTable:
    """Columns by the tables that they are in."""

    def __init__(self, on: Statements, *, writes: bool) -> None:
        self._on = on
        self._writes = writes

    async def list(self, table: str) -> Sequence[ObjectColumn]:
        # What is added goes by what is read here: nobody else adds columns to the table meanwhile.
        if self._writes:
            await self._on.fetch(control_sql.TURN, (f"columns {table.lower()}",))
        found = await self._on.fetch(control_sql.OBJECT_COLUMNS, (table,))
        return [
            ObjectColumn(record_table=table, column=column, field=field, kind=kind) for column, field, kind in found
        ]

    async def add(self, columns: Sequence[ObjectColumn]) -> None:
        values = zip(*((each.record_table, each.column, each.field, each.kind) for each in columns), strict=True)
        if columns:
            await self._on.fetch(control_sql.ADD_OBJECT_COLUMNS, [list(each) for each in values])

    async def remove(self, table: str) -> None:
        await self._on.fetch(control_sql.REMOVE_OBJECT_COLUMNS, (table,))
