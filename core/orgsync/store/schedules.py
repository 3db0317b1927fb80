"""Schedules that connections have of their own: when a sync is due there, and whether it is switched off."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

from .backend import Backend, Transaction
from .connections import require_connection
from .view import ScheduleRow

__all__ = ["Schedules"]


class Schedules:
    """The schedules of one open store that differ from what the scripts say."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def list(self) -> Sequence[ScheduleRow]:
        """Read all of them, by sync and connection."""
        async with self._backend.reading() as on:
            return await on.schedules.list()

    async def change(
        self, syncs: Sequence[str], connections: Sequence[str], *, every: str | None = None, off: bool | None = None
    ) -> Sequence[ScheduleRow]:
        """Set what is not None for syncs on connections, and return how it stands there, all or none.

        Raises NameUnknown, with the nearest name, for a connection that does not exist.
        """
        async with self._backend.writing(durable=True) as on:
            for name in sorted(connections):
                await require_connection(on, name)  # nobody else changes its schedules meanwhile
            before = {(row.sync, row.connection): row for row in await on.schedules.list()}
            changed: list[ScheduleRow] = []
            for sync, name in product(syncs, connections):
                row = before.get((sync, name), ScheduleRow(sync=sync, connection=name))
                row = replace(row, every=row.every if every is None else every, off=row.off if off is None else off)
                changed.append(await _kept(on, row))
            return changed

    async def remove(self, syncs: Sequence[str], connections: Sequence[str]) -> Sequence[ScheduleRow]:
        """Remove what was set for syncs on connections, and return how it stands there; raises as `change` does."""
        async with self._backend.writing(durable=True) as on:
            for name in sorted(connections):
                await require_connection(on, name)
            rows = [ScheduleRow(sync=sync, connection=name) for sync, name in product(syncs, connections)]
            return [await _kept(on, row) for row in rows]


async def _kept(on: Transaction, row: ScheduleRow) -> ScheduleRow:
    """Store a row; one that says nothing is deleted."""
    if row.every is None and not row.off:
        await on.schedules.remove(row.sync, row.connection)
    else:
        await on.schedules.save(row)
    return row
