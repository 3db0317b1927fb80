"""The query for a page of the rows that a selection asks for."""

from collections.abc import Mapping

from ..row_pages import columns_read
from ..view import Selection
from . import feed_sql, row_sql

__all__ = ["query_of"]


def query_of(selection: Selection, kinds: Mapping[str, str], *, is_dropped: bool) -> str:
    """Return the query, as `pages_of` takes it; `kinds` are all columns with their types.

    A table that `is_dropped` has a change feed alone.
    """
    wanted, of_one = columns_read(selection, kinds), selection.connection is not None
    table, where = selection.table, selection.where
    # A statement that psycopg has prepared is refused once its columns have other types: then this is another one.
    types = f" /* {hash(tuple(kinds.items()))} */"
    if selection.changes:
        return (
            feed_sql.changes_after(
                table,
                kinds,
                names=wanted,
                is_dropped=is_dropped,
                of_one=of_one,
                condition=where,
                json_as_text=True,
            )
            + types
        )
    read = {name: kinds[name] for name in wanted}
    return row_sql.rows_after(table, read, of_one=of_one, condition=where, json_as_text=True) + types
