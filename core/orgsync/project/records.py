"""The rows of a project's copy, and their changes."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from orgsync.records import Record
from orgsync.store import Store

from .changes import Change, follow

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

    def changes(
        self,
        *models: type[Record],
        after: int = 0,
        connection: str | None = None,
        wait: bool = False,
        poll_every: float = 1.0,
    ) -> AsyncGenerator[Change[Any]]:
        """Iterate over the changes after a number, of these classes' tables or of all; see `orgsync.changes`."""
        return follow(self.store, models, after=after, connection=connection, wait=wait, poll_every=poll_every)
