"""Rows of which some are bytes that a database takes at once; they become values where somebody asks for one.

Making values of another process's answer, and parameters of values, keeps Python's lock, while a database works without
it. So the process that decodes does a part of that for the one that writes: as much as keeps both equally busy.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias, overload

from .schema import Row, Schema

__all__ = ["Encode", "EncodedRows", "Parts", "RowEncoding", "has_nulls", "ids_of", "joined", "live_ids", "parts_of"]


Encode: TypeAlias = Callable[[Schema, Sequence[Row]], bytes]


@dataclass(frozen=True, slots=True)
class RowEncoding:
    """How a database takes live rows at once: both are functions that a module has, which a subprocess imports.

    `encode` raises UnicodeEncodeError or OverflowError for a value that the database cannot hold; it is given none with
    NUL. `decode` returns the rows with the values that they had, in their order.
    """

    encode: Encode
    decode: Callable[[Schema, bytes], list[Row]]


Parts: TypeAlias = tuple[list[str], bytes, int, list[Row], list[int]]
"""The Ids of rows in their order, some encoded and how many, the others, and the columns with NULLs to be warned of."""


def parts_of(schema: Schema, rows: Sequence[Row], share: float, encode: Encode) -> Parts | None:
    """Encode a share of some rows; None where they share an Id, or have a value that the database cannot hold."""
    ids = [str(row[0]) for row in rows]
    if len(set(ids)) < len(ids):
        return None
    ordered, size = sorted(rows, key=itemgetter(0)), round(len(rows) * share)  # as the table's key is
    first, others = ordered[:size], ordered[size:]
    if any(map(itemgetter(2), first)):
        first, others = [row for row in first if not row[2]], [*(row for row in first if row[2]), *others]
    demanding = [at for at, column in enumerate(schema.columns) if not column.nullable and not column.local]
    try:
        content = encode(schema, first) if first else b""
    except (UnicodeEncodeError, OverflowError):
        return None
    return ids, content, len(first), others, [at for at in demanding if None in map(itemgetter(at), rows)]


@dataclass(slots=True, eq=False, repr=False)
class EncodedRows(Sequence[Row]):
    """Rows with distinct Ids, of which some live ones are encoded.

    `contents` are live rows as `RowEncoding.encode` gives them, each with how many it holds; `others` the rest of them,
    deleted ones among them. `nulls` are the places of columns that are declared not to be empty, and are. Whoever asks
    for a row has all of them decoded, once, and `report_asked` is called: decoding takes longer than encoding saves.
    """

    ids: Sequence[str]
    contents: Sequence[tuple[bytes, int]]
    others: Sequence[Row]
    nulls: Collection[int]
    decode: Callable[[bytes], list[Row]]
    report_asked: Callable[[], None]
    _rows: list[Row] | None = field(default=None, init=False)

    def joined(self, rows: Sequence[Row]) -> "EncodedRows | None":
        """Return these rows and others; None where they share an Id."""
        ids = [*self.ids, *ids_of(rows)]
        if len(set(ids)) < len(ids):
            return None
        contents, others, nulls = [*self.contents], [*self.others], {*self.nulls}
        if isinstance(rows, EncodedRows):
            contents, others, nulls = [*contents, *rows.contents], [*others, *rows.others], nulls | {*rows.nulls}
        else:
            others += rows
        return EncodedRows(ids, contents, others, nulls, self.decode, self.report_asked)

    def behind(self, at: int) -> list[Row]:
        """Return the rows from a place on, decoded."""
        return self._decoded()[at:]

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[Row]:
        self.report_asked()
        return iter(self._decoded())

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> list[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | list[Row]:
        self.report_asked()
        return self._decoded()[at]

    def _decoded(self) -> list[Row]:
        if self._rows is None:
            by_id = {row[0]: row for row in chain(*(self.decode(each) for each, _ in self.contents), self.others)}
            self._rows = [by_id[each] for each in self.ids]
        return self._rows


def ids_of(rows: Sequence[Sequence[Any]], at: int = 0) -> Sequence[str]:
    """Return the Ids of rows, in their order; rows that are text may have them at another place."""
    return rows.ids if isinstance(rows, EncodedRows) else [*map(itemgetter(at), rows)]


def live_ids(rows: Sequence[Row]) -> Sequence[str]:
    """Return the Ids of the rows that are not deleted."""
    if not isinstance(rows, EncodedRows):
        return [str(row[0]) for row in rows if not row[2]]
    gone = {row[0] for row in rows.others if row[2]}
    return [each for each in rows.ids if each not in gone] if gone else rows.ids


def has_nulls(rows: Sequence[Row], at: int) -> bool:
    """Return whether a column that is declared not to be empty is empty in one of the rows."""
    return at in rows.nulls if isinstance(rows, EncodedRows) else any(row[at] is None for row in rows)


def joined(before: Sequence[Row], rows: Sequence[Row]) -> Sequence[Row] | None:
    """Return rows behind others; None where some are encoded and Ids are shared: then the order counts."""
    if not before or not rows:
        return before or rows
    if isinstance(before, EncodedRows):
        return before.joined(rows)
    return rows.joined(before) if isinstance(rows, EncodedRows) else [*before, *rows]
