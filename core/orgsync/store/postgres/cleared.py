"""Connections' rows that were discarded, as the change feed reports them."""

from collections.abc import Sequence

from . import control_sql
from .change_numbers import ChangeNumbers
from .driver import Statements

__all__ = ["note_cleared"]


async def note_cleared(on: Statements, numbers: ChangeNumbers, table: str, connections: Sequence[str]) -> None:
    """Note that connections have no rows in a table any more, each with the next number."""
    first = await numbers.take(len(connections))
    for number, connection in enumerate(connections, first):
        await on.fetch(control_sql.NOTE_CLEARED, (table, connection, number))
