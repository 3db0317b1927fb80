"""Rows read page by page, by their key or from a cursor; large rows make short pages."""

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from orgsync.errors import ArgumentInvalid, NameUnknown

from .view import Selection

__all__ = [
    "FIRST_PAGE",
    "Fetch",
    "columns_read",
    "first_parameters",
    "next_page",
    "pages_by_size",
    "pages_of",
    "require_columns",
    "size_of",
]

FIRST_PAGE = 128
"""Rows of the first page, whose size nobody knows yet: a hundred, which many ask for, and one more."""

_MOST_ROWS = 1000
_GROWTH = 4
"""How many times as many rows as a page the next one may have."""

_PAGE_BYTES = 4 * 2**20
"""How large a page is, if its rows are as large as those of the page before."""

_PIECE_ROWS = 100
"""Rows that are fetched at most before their size is counted, where pages are made of a cursor's rows."""

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
    return (*_start(selection), *_own(selection), _asked(selection.limit, FIRST_PAGE))


def pages_of(selection: Selection, kinds: Mapping[str, str], fetch: Fetch, sql: str) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows in stored form, each page by a query of its own; no page is empty.

    `sql` reads `columns_read`. Its parameters are the key before, the connection where changes are of one, the limit.
    """
    wanted, returned = columns_read(selection, kinds), len(selection.columns or kinds)
    places = [wanted.index(name) for name in _key(selection)]
    cursor: tuple[Any, ...] = _start(selection)
    left, most = selection.limit, FIRST_PAGE
    while True:
        asked = _asked(left, most)
        page = fetch(sql, (*cursor, *_own(selection), asked))
        rows = page if selection.upto is None else [row for row in page if row[places[0]] <= selection.upto]
        if rows:
            yield rows if len(wanted) == returned else [row[:returned] for row in rows]
        left = None if left is None else left - asked
        if len(page) < asked or len(rows) < len(page) or left == 0:
            return
        cursor = tuple(page[-1][at] for at in places)
        most = next_page(page)


def pages_by_size(fetch: Callable[[int], list[tuple[Any, ...]]]) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of a cursor in pages of a size, however large a row is; `fetch` returns at most so many rows.

    A page is made of small pieces that are counted, so that what comes behind many small rows is no surprise.
    """
    page: list[tuple[Any, ...]] = []
    size, most = 0, 1
    while rows := fetch(most):
        page += rows
        size += (piece := size_of(rows))
        most = min(_PIECE_ROWS, _next_rows(len(rows), piece))
        if size >= _PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def next_page(rows: Sequence[Any]) -> int:
    """Return how many rows to read behind a page, by how large its rows are."""
    return _next_rows(len(rows), size_of(rows))


def _next_rows(number: int, size: int) -> int:
    return max(1, min(_MOST_ROWS, _GROWTH * number, _PAGE_BYTES * number // size))


def size_of(rows: Sequence[Any]) -> int:
    """Return about how many bytes rows take: those of their pickle, made in C faster than Python counts values."""
    return len(pickle.dumps(rows, pickle.HIGHEST_PROTOCOL))


def _key(selection: Selection) -> Sequence[str]:
    return ("sync_seq",) if selection.changes else ("connection", "id")


def _start(selection: Selection) -> tuple[Any, ...]:
    if selection.changes:
        return (selection.after,)
    if selection.after_key is None:
        return (selection.connection or "", "")
    if selection.connection not in (None, selection.after_key[0]):
        raise ArgumentInvalid("The rows of one connection cannot begin behind a row of another.", "Begin anew.")
    return selection.after_key


def _own(selection: Selection) -> tuple[str, ...]:
    return (selection.connection,) if selection.changes and selection.connection is not None else ()


def _asked(left: int | None, most: int) -> int:
    return most if left is None else min(most, left)
