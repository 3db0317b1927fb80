"""The change feeds of one or several tables, read as one: in the order of their numbers, and never past a gap."""

import heapq
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .backend import Backend

__all__ = ["Feed"]

_ROWS = 1000
"""How many rows are held at once, of all tables together."""


class Feed:
    """The change feeds of one open store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def last(self) -> int:
        """Return the number up to which every feed is complete; 0 before the first change."""
        async with self._backend.reading() as on:
            return await on.rows.last_change()

    async def mentions(self, connection: str) -> bool:
        """Return whether there is a connection of this name, or any feed has a change of one that was."""
        async with self._backend.reading() as on:
            if await on.connections.get(connection) is not None:
                return True
            for table in await on.rows.feeds():
                if await on.rows.changes(table, connection=connection, after=0, limit=1):
                    return True
        return False

    async def read(
        self,
        *,
        tables: Sequence[str] | None = None,
        connection: str | None = None,
        after: int,
        upto: int,
        rows: int = _ROWS,
    ) -> AsyncGenerator[tuple[str, dict[str, Any]]]:
        """Yield each change after one number and up to another, with its table, in the order of the numbers.

        `tables` are all that have a feed by default. `upto` is a number that `last` has returned: all changes up to it
        can be read, while of later ones some tables' may be read before others' lower ones can. Values are as in
        `Rows.read`. About `rows` changes are held in memory; between pages nothing is held open.
        """
        async with self._backend.reading() as on:
            names = await on.rows.feeds()
        if tables is not None:
            there = {name.lower() for name in names}
            names = [table for table in dict.fromkeys(tables) if table.lower() in there]
        size = max(1, rows // max(1, len(names)))
        pages = [_Pages(self._backend, table, connection, upto, size, after) for table in names]
        due = [(number, at) for at, each in enumerate(pages) if (number := await each.number()) is not None]
        heapq.heapify(due)
        while due:
            _, at = due[0]
            yield names[at], pages[at].take()
            number = await pages[at].number()
            if number is None:
                heapq.heappop(due)
            else:
                heapq.heapreplace(due, (number, at))


@dataclass(slots=True)
class _Pages:
    """The changes of one table, of which a page is held."""

    backend: Backend
    table: str
    connection: str | None
    upto: int
    size: int
    after: int
    held: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])  # the next one last
    is_read: bool = False

    async def number(self) -> int | None:
        """Return the number of the next change, None behind the last."""
        if not self.held and not self.is_read:
            async with self.backend.reading() as on:
                page = await on.rows.changes(self.table, connection=self.connection, after=self.after, limit=self.size)
            due = [row for row in page if row["sync_seq"] <= self.upto]
            self.is_read = len(due) < self.size
            self.held = due[::-1]
        return int(self.held[-1]["sync_seq"]) if self.held else None

    def take(self) -> dict[str, Any]:
        """Return the next change."""
        row = self.held.pop()
        self.after = row["sync_seq"]
        return row
