"""Which rows of a response have come before, so that pages that overlap do not pass for complete ones."""

from array import array
from collections.abc import Sequence
from itertools import islice
from operator import lt
from typing import Any, TypeAlias

from orgsync.records.field_values import values_of

__all__ = ["RecentRows", "Version", "versions_of"]

Version: TypeAlias = tuple[Any, str]
"""The stamp and the Id of a row: one that changes may come again."""

_MOST = 100_000  # rows; twice as many hashes take 1.6 MB, and some 20 MB in sets


class RecentRows:
    """Remember the last rows of a response, of which there may be any number: at least 100,000, at most twice that.

    In most responses they ascend, and what is above all rows so far has not come before. Until a row is not, hashes
    are kept in arrays, 8 bytes each, and nothing is looked up; from then on they are in sets.
    """

    def __init__(self) -> None:
        self._last: Any = None  # the highest row, while they ascend
        self._newer: array[int] | set[int] = array("q")
        self._older: array[int] | set[int] = array("q")

    def has_any(self, rows: Sequence[Any]) -> bool:
        """Return whether one of the rows is remembered, or is among them twice."""
        if isinstance(self._newer, array) and self._are_above(rows):
            return False
        newer, older = self._as_sets()
        keys = [*map(hash, rows)]
        distinct = set(keys)
        return len(distinct) < len(keys) or not (distinct.isdisjoint(newer) and distinct.isdisjoint(older))

    def add(self, rows: Sequence[Any]) -> None:
        """Remember more rows."""
        if not rows:
            return
        if isinstance(self._newer, array) and self._are_above(rows):
            self._newer.extend(map(hash, rows))
            self._last = rows[-1]
        else:
            self._as_sets()[0].update(map(hash, rows))
        if len(self._newer) >= _MOST:
            self._older, self._newer = self._newer, array("q") if isinstance(self._newer, array) else set()

    def _are_above(self, rows: Sequence[Any]) -> bool:
        """Return whether the rows ascend and are above all that were added."""
        try:
            follow = self._last is None or not rows or self._last < rows[0]
            return bool(follow and all(map(lt, rows, islice(rows, 1, None))))
        except TypeError:  # no stamp is neither above nor below another
            return False

    def _as_sets(self) -> tuple[set[int], set[int]]:
        """Return the hashes as sets, which they stay."""
        if not isinstance(self._newer, set):
            self._newer = set(self._newer)
        if not isinstance(self._older, set):
            self._older = set(self._older)
        return self._newer, self._older


def versions_of(records: Sequence[dict[str, Any]]) -> tuple[Version, ...]:
    """Return each row's version; () where rows have no Ids, or stamps that are none."""
    ids = _values(records, "Id")
    if set(map(type, ids)) != {str}:
        return ()
    versions = tuple(zip(_values(records, "SystemModstamp"), ids, strict=True))
    try:
        hash(versions)
    except TypeError:
        return ()
    return versions


def _values(records: Sequence[dict[str, Any]], name: str) -> Sequence[Any]:
    """Return a field's values; None for each record that does not have it."""
    try:
        return values_of(records, name)
    except KeyError:
        return [record.get(name) for record in records]
