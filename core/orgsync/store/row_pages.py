"""Rows of a record table, or of its change feed, read page by page by their key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from orgsync.errors import NameUnknown

from .view import Selection

__all__ = ["Fetch", "columns_read", "first_parameters", "pages_of", "require_columns", "weight_of"]

_PAGE = 1000
_FIRST_PAGE = 250
_PAGE_WEIGHT = 4 * 2**20
"""Rows of a page at most; of the first one, before it is known how large they are; and how much a page may weigh."""

Fetch: TypeAlias = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""What runs a query with its parameters."""


def require_columns(selection: Selection, kinds: Mapping[str, str]) -> None:
    """Raise NameUnknown, with the nearest name, for a column that the table does not have."""
    for name in selection.columns:
        if name not in kinds:
            raise NameUnknown.among("column", name, list(kinds), none_yet="")


def columns_read(selection: Selection, kinds: Mapping[str, str]) -> list[str]:
    """Return the columns that a page's query reads: those to return, then what else the key has.

    `kinds` are all columns with their types.
    """
    return list(dict.fromkeys([*(selection.columns or kinds), *_key(selection)]))


def first_parameters(selection: Selection) -> tuple[Any, ...]:
    """Return the parameters of the first page's query: where to begin, the connection, the limit."""
    return (*_start(selection), *_own(selection), _size(selection.limit, _FIRST_PAGE))


def pages_of(selection: Selection, kinds: Mapping[str, str], fetch: Fetch, sql: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows in stored form, each page by a query of its own; no page is empty, and large rows make short ones.

    `sql` reads `columns_read`. Its parameters are the key before, the connection where changes are of one, the limit.
    """
    wanted, returned = columns_read(selection, kinds), len(selection.columns or kinds)
    places = [wanted.index(name) for name in _key(selection)]
    cursor: tuple[Any, ...] = _start(selection)
    left, most = selection.limit, _FIRST_PAGE
    while left is None or left > 0:
        size = _size(left, most)
        page = fetch(sql, (*cursor, *_own(selection), size))
        found = len(page)
        if page:
            cursor = tuple(page[-1][at] for at in places)
            most = max(1, _PAGE_WEIGHT * found // weight_of(page))
        if selection.upto is not None:
            page = [row for row in page if row[places[0]] <= selection.upto]
        if page:
            yield page if len(wanted) == returned else [row[:returned] for row in page]
        if found < size or len(page) < found:
            return
        left = None if left is None else left - size


def weight_of(rows: Sequence[tuple[Any, ...]]) -> int:
    """Return about how many characters rows hold, by every tenth of them; at least one a row."""
    sample = rows[::10]
    held = sum(len(value) for row in sample for value in row if isinstance(value, (str, bytes)))
    return (held + len(sample)) * len(rows) // max(1, len(sample))


def _key(selection: Selection) -> Sequence[str]:
    return ("sync_seq",) if selection.changes else ("connection", "id")


def _start(selection: Selection) -> tuple[Any, ...]:
    if selection.changes:
        return (selection.after,)
    return selection.after_key or (selection.connection or "", "")


def _own(selection: Selection) -> tuple[str, ...]:
    return (selection.connection,) if selection.changes and selection.connection is not None else ()


def _size(left: int | None, most: int) -> int:
    return min(_PAGE, most) if left is None else min(_PAGE, most, left)
