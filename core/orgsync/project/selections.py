"""Which rows or changes of the copy are meant, by the names that a person or a program gives."""

from collections.abc import Sequence

from orgsync.errors import ArgumentInvalid, NameUnknown
from orgsync.settings import Settings
from orgsync.store.view import Selection, View

__all__ = ["equal_to", "selection_of"]


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
    """Return a record table by its own name or its class's; raises NameUnknown, with the sync that would write it."""
    try:
        return view.table(model, changes=changes)
    except NameUnknown as unknown:
        from .syncs import no_table

        raise no_table(view, settings, model) or unknown from None


_KEY = ("connection", "id")


def equal_to(view: View, selection: Selection, conditions: Sequence[str]) -> Selection:
    """Return a selection of those of its rows whose columns have values: `column=value`, each by an index.

    Raises ArgumentInvalid for anything else, and NameUnknown for a column that there is not.
    """
    if not conditions:
        return selection
    columns = view.columns(selection.table)
    compared = list(selection.where and [f"({selection.where})"])
    for each in conditions:
        name, equals, value = each.partition("=")
        if not equals:
            raise ArgumentInvalid(f"{each!r} is no condition.", "Write one as column=value.")
        if name not in columns:
            raise NameUnknown.among("column", name, list(columns), none_yet="")
        _require_fast(view, selection, name)
        compared.append(f'"{name}" = {_literal(columns[name], value)}')
    return selection.with_(where=" AND ".join(compared))


def _require_fast(view: View, selection: Selection, name: str) -> None:
    """Raise ArgumentInvalid for a column whose values can only be looked for in all rows."""
    if name == "id" and selection.connection is not None:
        return
    indexed = [column for column in view.indexed(selection.table) if column not in ("sync_number", *_KEY)]
    if name in indexed:
        return
    known = ", ".join(["id together with a connection", *indexed])
    raise ArgumentInvalid(
        f"The column {name} has no index, so every row would be read.",
        f"What can be asked for: {known}. field(index=True) in the record class makes an index.",
    )


def _literal(kind: str, value: str) -> str:
    """Return a value as SQL writes it, for a column of this type."""
    if "\0" in value:
        raise ArgumentInvalid("The value holds a NUL character.", "Leave it out.")
    if kind.upper() == "BOOLEAN":
        if value not in ("true", "false"):
            raise ArgumentInvalid("The column is true or false.", "Write column=true or column=false.")
        return value
    return "'" + value.replace("'", "''") + "'"
