"""The rows of a project's copy."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from orgsync.store import Store

__all__ = ["Records"]


@dataclass(frozen=True, slots=True)
class Records:
    """The record tables of the store."""

    store: Store

    async def tables(self) -> Sequence[str]:
        """Return the names of the record tables."""
        return await self.store.rows.tables()

    def read(
        self,
        table: str,
        *,
        connection: str | None = None,
        changes: bool = False,
        after: int = 0,
        limit: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Read live rows by connection and Id, or with `changes` the change feed after the number `after`."""
        return self.store.rows.read(table, connection=connection, changes=changes, after=after, limit=limit)
