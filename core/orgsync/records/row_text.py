"""Rows beside the text by which a database takes them, which the process that decoded them has made as well."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .schema import Row, Schema, StoredValue

__all__ = ["RowText", "RowsWithText", "joined"]

RowText: TypeAlias = Callable[[Schema, Sequence[Sequence[StoredValue]]], bytes]
"""Writes rows, given a column at a time, as a database takes them; a function that pickle finds by its name."""


class RowsWithText(tuple[Row, ...]):
    """Rows with their text. They cannot be changed, and what is made of them is without: it never says other rows."""

    text: bytes

    @classmethod
    def of(cls, rows: Sequence[Row], text: bytes) -> "RowsWithText":
        """Keep rows and their text together."""
        found = cls(rows)
        found.text = text
        return found


def joined(parts: Sequence[Sequence[Row]]) -> Sequence[Row]:
    """Return all rows, with their text where each of the parts has one."""
    if len(parts) == 1:
        return parts[0]
    rows = [row for part in parts for row in part]
    texts = [part.text for part in parts if isinstance(part, RowsWithText)]
    return RowsWithText.of(rows, b"".join(texts)) if parts and len(texts) == len(parts) else rows
