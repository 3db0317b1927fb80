"""Rows by the value of one field, so that a key is found without reading the whole table."""

from collections.abc import Iterable

from .fields import Derived, Row


def key_of(value: Derived) -> str:
    """Return what two values have in common that count as the same key: text is compared without regard to case."""
    return str(value).casefold()


class RowIndex:
    """The ids of the rows that have, or once had, a value; whoever reads it looks at the row's present version."""

    def __init__(self, field: str, rows: Iterable[Row]) -> None:
        self._field = field
        self._ids: dict[str, dict[str, None]] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take a new version of a row in."""
        value = row.get(self._field)
        if value is not None:
            self._ids.setdefault(key_of(value), {})[str(row["Id"])] = None

    def ids(self, value: Derived) -> Iterable[str]:
        """Return the ids of the rows that may have a value, in the order in which they got it."""
        return self._ids.get(key_of(value), ())
