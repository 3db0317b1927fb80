"""The table of schedules."""

from collections.abc import Callable, Sequence
from datetime import datetime

from orgsync.records import to_stored

from ..view import ScheduleRow
from . import control_sql
from .driver import Statements

__all__ = ["ScheduleTable"]


class ScheduleTable:
    """What is set for syncs on connections."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def list(self) -> Sequence[ScheduleRow]:
        found = await self._on.fetch(control_sql.SCHEDULES)
        return [
            ScheduleRow(sync=sync, connection=connection, every=every, off=bool(off))
            for sync, connection, every, off in found
        ]

    async def save(self, row: ScheduleRow) -> None:
        values = (row.sync, row.connection, row.every, row.off, to_stored(self._now()))
        await self._on.fetch(control_sql.SAVE_SCHEDULE, values)

    async def remove(self, sync: str, connection: str) -> None:
        await self._on.fetch(control_sql.REMOVE_SCHEDULE, (sync, connection))
