"""Which rows or changes of the copy are meant, by the names that a person or a program gives."""

from collections.abc import Sequence

from orgsync.errors import NameUnknown
from orgsync.settings import Settings
from orgsync.store.view import Selection, View

__all__ = ["selection_of"]


def selection_of(
    view: View,
    settings: Settings,
    model: str,
    *,
    connection: str | None,
    changes: bool,
    after: int,
    columns: Sequence[str],
    where: str,
) -> Selection:
    """Return the rows of a record class, named by its own name or its table's.

    Raises NameUnknown for a table or connection that does not exist, ArgumentInvalid for a number that the change feed
    has not reached.
    """
    table = _table(view, settings, model, changes=changes)
    if connection is not None and not (changes and _is_in_feed(view, table, connection)):
        view.connection(connection)
    if after:
        from .changes import require_reached  # here: commands that only read load no record classes

        require_reached(after, view.last_change())
    return Selection(table, connection, changes=changes, after=after, columns=columns, where=where)


def _is_in_feed(view: View, table: str, connection: str) -> bool:
    """Return whether the feed has any change of a connection, which may have been removed."""
    return any(True for _ in view.pages(Selection(table, connection, changes=True, limit=1)))


def _table(view: View, settings: Settings, model: str, *, changes: bool) -> str:
    """Return a record table by its own name or its class's; raises NameUnknown, which names a sync that never ran."""
    try:
        return view.table(model, changes=changes)
    except NameUnknown as unknown:
        from .syncs import never_ran

        raise never_ran(settings, table=model) or unknown from None
