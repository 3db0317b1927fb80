"""Rows of a record table, or of its change feed, read page by page by their key."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from orgsync.errors import NameUnknown

from ..view import Selection
from . import feed_sql, row_sql

__all__ = ["Fetch", "pages_of", "require_columns"]

_PAGE = 1000

Fetch: TypeAlias = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""What runs a query with its parameters."""


def require_columns(selection: Selection, kinds: Mapping[str, str]) -> None:
    """Raise NameUnknown, with the nearest name, for a column that the table does not have."""
    for name in selection.columns:
        if name not in kinds:
            raise NameUnknown.among("column", name, list(kinds), none_yet="")


def pages_of(
    selection: Selection, kinds: Mapping[str, str], fetch: Fetch, *, is_dropped: bool
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield rows in stored form, each page by a query of its own; no page is empty.

    `kinds` are all columns with their declared types. A table that `is_dropped` has a change feed alone.
    """
    names = list(selection.columns or kinds)
    key = ("sync_seq",) if selection.changes else ("connection", "id")
    wanted = list(dict.fromkeys([*names, *key]))
    sql = _query(selection, kinds, wanted, is_dropped=is_dropped)
    places = [wanted.index(name) for name in key]
    own = (selection.connection,) if selection.changes and selection.connection is not None else ()
    cursor: tuple[Any, ...] = (selection.after,) if selection.changes else (selection.connection or "", "")
    left = selection.limit
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        page = fetch(sql, (*cursor, *own, size))
        found = len(page)
        if page:
            cursor = tuple(page[-1][at] for at in places)
        if selection.upto is not None:
            page = [row for row in page if row[places[0]] <= selection.upto]
        if page:
            yield page if len(wanted) == len(names) else [row[: len(names)] for row in page]
        if found < size or len(page) < found:
            return
        left = None if left is None else left - size


def _query(selection: Selection, kinds: Mapping[str, str], wanted: Sequence[str], *, is_dropped: bool) -> str:
    where, of_one = selection.where, selection.connection is not None
    if selection.changes:
        return feed_sql.changes_after(
            selection.table, kinds, names=wanted, is_dropped=is_dropped, of_one=of_one, condition=where
        )
    return row_sql.rows_after(selection.table, {name: kinds[name] for name in wanted}, of_one=of_one, condition=where)
