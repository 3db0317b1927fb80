"""The table of the Ids that a pass has seen in a connection's org."""

from collections.abc import Sequence

from . import control_sql, row_sql
from .driver import Statements

__all__ = ["SeenIdTable"]


class SeenIdTable:
    """The Ids that passes have seen."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def add(self, connection: str, owner: str, ids: Sequence[str]) -> None:
        await self._on.fetch(control_sql.ADD_SEEN_IDS, (connection, owner, list(ids)))

    async def unseen(
        self, table: str, connection: str, owner: str, *, after: str, limit: int, upto_seq: int
    ) -> Sequence[str]:
        found = await self._on.fetch(row_sql.unseen(table), (connection, after, upto_seq, owner, limit), prepare=False)
        return [each for (each,) in found]

    async def not_copied(self, table: str, connection: str, owner: str, *, after: str, limit: int) -> Sequence[str]:
        found = await self._on.fetch(row_sql.not_copied(table), (connection, owner, after, limit), prepare=False)
        return [each for (each,) in found]

    async def clear(self, connection: str, owner: str, *, limit: int) -> int:
        return await self._on.change(control_sql.CLEAR_SEEN_IDS, (connection, owner, limit))

    async def remove(self, owner: str, connection: str | None) -> None:
        await self._on.fetch(control_sql.REMOVE_SEEN_IDS, (owner, connection))

    async def list(self, connection: str, owner: str, *, after: str, limit: int) -> Sequence[str]:
        found = await self._on.fetch(control_sql.SEEN_IDS, (connection, owner, after, limit))
        return [each for (each,) in found]
