"""Which rows of a response have come before, so that pages that overlap do not pass for complete ones."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from orgsync.records.field_values import values_of

__all__ = ["RecentRows", "versions_of"]

_MOST = 100_000  # rows; twice as many hashes take some 12 MB


class RecentRows:
    """Remember the last rows of a response, of which there may be any number: at least 100,000, at most twice that."""

    def __init__(self) -> None:
        self._newer: set[int] = set()
        self._older: set[int] = set()

    def has_any(self, rows: Iterable[Hashable]) -> bool:
        """Return whether one of the rows is remembered, or is among them twice."""
        keys = [*map(hash, rows)]
        distinct = set(keys)
        return len(distinct) < len(keys) or not (distinct.isdisjoint(self._newer) and distinct.isdisjoint(self._older))

    def add(self, rows: Iterable[Hashable]) -> None:
        """Remember more rows."""
        self._newer.update(map(hash, rows))
        if len(self._newer) >= _MOST:
            self._older, self._newer = self._newer, set()


def versions_of(records: Sequence[dict[str, Any]]) -> tuple[int, ...]:
    """Return a hash of each row's Id and stamp, for a row that changes may come again; () where rows have no Ids."""
    ids = _values(records, "Id")
    if set(map(type, ids)) != {str}:
        return ()
    stamps = _values(records, "SystemModstamp")
    try:
        return tuple(map(hash, zip(ids, stamps, strict=True)))
    except TypeError:  # a stamp that is none
        return ()


def _values(records: Sequence[dict[str, Any]], name: str) -> Sequence[Any]:
    """Return a field's values; None for each record that does not have it."""
    try:
        return values_of(records, name)
    except KeyError:
        return [record.get(name) for record in records]
