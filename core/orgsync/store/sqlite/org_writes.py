"""The tables of writes to orgs, and of their parts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from orgsync.records import parse_instant, to_stored

from ..model import OrgWrite
from ..write_table import StoredPart
from . import control_sql
from .driver import Statements

__all__ = ["WriteTable"]


class WriteTable:
    """Writes to connections' orgs."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def last(self, connection: str, key: str) -> OrgWrite | None:
        found = await self._on.fetch(control_sql.LAST_WRITE, (connection, key))
        return _write(found[0]) if found else None

    async def start(self, connection: str, key: str, label: str) -> OrgWrite:
        values = (connection, key, label, to_stored(self._now()))
        [row] = await self._on.fetch(control_sql.START_WRITE, values)
        return _write(row)

    async def finish(self, write_id: int) -> None:
        await self._on.fetch(control_sql.FINISH_WRITE, (to_stored(self._now()), write_id))

    async def parts(self, write_id: int) -> Sequence[StoredPart]:
        found = await self._on.fetch(control_sql.WRITE_PARTS, (write_id,))
        return [StoredPart(number, entry) for number, entry in found]

    async def outcomes(self, write_id: int, number: int) -> bytes:
        [(outcomes,)] = await self._on.fetch(control_sql.WRITE_OUTCOMES, (write_id, number))
        return bytes(outcomes)

    async def save_part(self, write_id: int, part: StoredPart, outcomes: bytes) -> None:
        await self._on.fetch(control_sql.SAVE_WRITE_PART, (write_id, part.number, part.entry, outcomes))

    async def remove_before(self, instant: datetime) -> None:
        for statement in control_sql.REMOVE_WRITES:
            await self._on.fetch(statement, (to_stored(instant),))


def _write(row: Sequence[Any]) -> OrgWrite:
    values = dict(zip(control_sql.WRITE_COLUMNS, row, strict=True))
    for instant in ("started_at", "finished_at"):
        values[instant] = values[instant] and parse_instant(values[instant])
    return OrgWrite(**values)
