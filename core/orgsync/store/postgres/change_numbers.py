"""The numbers of a transaction's changes: its id, and the place in it."""

from datetime import UTC, datetime

from . import control_sql
from .driver import Statements
from .feed_sql import PLACE_BITS

__all__ = ["ChangeNumbers"]

_PLACES = 1 << PLACE_BITS
_MORE = "UPDATE orgsync_sequence SET value = value WHERE name = 'change' RETURNING xmin::text::bigint"
_LOW = 0xFFFFFFFF


class ChangeNumbers:
    """Hands out the numbers of one transaction, in order.

    A transaction has 1,048,576 places. One that changes more rows takes the ids of savepoints for the next ones: they
    are its own as well, higher, and given to nobody else; and as long as it is open, the feed ends below all of them.
    """

    def __init__(self, on: Statements) -> None:
        self._on = on
        self._id = 0
        self._added = 0
        self._first = 0
        self._next = 0
        self._end = 0
        self.at = datetime.now(UTC)

    async def begin(self) -> None:
        """Take the transaction's id, and the time of its changes."""
        if not self._end:
            [(id, added, at)] = await self._on.fetch(f"SELECT {control_sql.CHANGES}")
            self.start(id, added, at)

    def start(self, id: int, added: int, at: datetime) -> None:
        """Begin with what `control_sql.CHANGES` has told, if the transaction has not begun to number."""
        if not self._end:
            self._id, self._added, self.at = id, added, at.astimezone(UTC)
            self._use(id)
            self._first = self._next

    @property
    def taken(self) -> tuple[int, int]:
        """The first and the last of the numbers that were taken."""
        return self._first, self._next - 1

    async def take(self, size: int) -> int:
        """Return the first of so many numbers that follow one another; at most a million at once."""
        await self.begin()
        if size > _PLACES:
            raise OverflowError(f"{size} changes in one statement")
        if self._next + size > self._end:
            await self._take_more()
        self._next += size
        return self._next - size

    async def _take_more(self) -> None:
        await self._on.fetch("SAVEPOINT orgsync_numbers")
        [(low,)] = await self._on.fetch(_MORE)
        await self._on.fetch("RELEASE SAVEPOINT orgsync_numbers")
        found = (self._id & ~_LOW) | low
        self._use(found if found > self._id else found + _LOW + 1)

    def _use(self, id: int) -> None:
        self._next = (id + self._added) << PLACE_BITS
        self._end = self._next + _PLACES
