"""Connections' rows that were discarded, as the change feed reports them."""

from collections.abc import Sequence

from . import control_sql
from .driver import Statements

__all__ = ["note_cleared"]


async def note_cleared(on: Statements, table: str, connections: Sequence[str], *, at: str, more: int = 0) -> int:
    """Note that connections have no rows in a table any more, each with the next number; `at` is the time.

    Return the last of the numbers; the next `more` are taken as well, for what follows in this transaction.
    """
    size = len(connections)
    [(last,)] = await on.fetch(control_sql.NEXT_NUMBERS, (size + more,))
    first = int(last) - more - size + 1
    for number, connection in enumerate(connections, first):
        await on.fetch(control_sql.NOTE_CLEARED, (table, connection, number, at))
    return first + size - 1
