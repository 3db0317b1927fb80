"""The table of schedules."""

from collections.abc import Sequence

from ..view import ScheduleRow
from . import control_sql
from .driver import Statements

__all__ = ["ScheduleTable"]


class ScheduleTable:
    """What is set for syncs on connections."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def list(self) -> Sequence[ScheduleRow]:
        found = await self._on.fetch(control_sql.SCHEDULES)
        return [
            ScheduleRow(sync=sync, connection=connection, every=every, off=off)
            for sync, connection, every, off in found
        ]

    async def save(self, row: ScheduleRow) -> None:
        await self._on.fetch(control_sql.SAVE_SCHEDULE, (row.sync, row.connection, row.every, row.off))

    async def remove(self, sync: str, connection: str) -> None:
        await self._on.fetch(control_sql.REMOVE_SCHEDULE, (sync, connection))
