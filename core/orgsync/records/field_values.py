"""The records of a response a field at a time, which is how they are decoded: no record is a dict of its own."""

from collections.abc import Sequence
from typing import Any, overload

from .schema import Row

__all__ = ["DecodedRecords", "FieldValues", "values_of"]


class FieldValues(Sequence[dict[str, Any]]):
    """Records that all have the same fields; one that is asked for by its number is made a dict."""

    __slots__ = ("_columns", "_length")

    def __init__(self, columns: dict[str, Sequence[Any]], length: int) -> None:
        self._columns = columns
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, at: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, at: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(at, slice):
            return [self[each] for each in range(self._length)[at]]
        return {name: values[at] for name, values in self._columns.items()}

    def values(self, name: str) -> Sequence[Any]:
        """Return a field's values, one a record; raise KeyError for a field that they do not have."""
        return self._columns[name]


class DecodedRecords(FieldValues):
    """Records that are rows in stored form already.

    Of their fields only those are left, as the response has them, by which rows are ordered and recognised: the Id and
    stamps. So a record that is asked for by its number has no others.
    """

    __slots__ = ("rows", "size")

    def __init__(self, columns: dict[str, Sequence[Any]], rows: Sequence[Row], size: int) -> None:
        super().__init__(columns, len(rows))
        self.rows = rows
        self.size = size
        """The bytes of the response."""


def values_of(records: Sequence[dict[str, Any]], name: str) -> Sequence[Any]:
    """Return the values of a field, one a record; raise KeyError for a field that is missing."""
    return records.values(name) if isinstance(records, FieldValues) else [record[name] for record in records]
