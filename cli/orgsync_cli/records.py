"""`orgsync records`: show the rows of the copy, or follow its changes."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgsync.errors import NameUnknown

from .commands import open_view
from .completion import column_names, connection_names, table_names
from .output import examples, result, say, stdout, to_json
from .tables import show_rows

if TYPE_CHECKING:
    from orgsync.project import View

__all__ = ["EXAMPLES", "records"]

EXAMPLES = examples(
    "orgsync records contact                                show the table",
    "orgsync records contact --columns name,email --where \"account_name LIKE 'A%'\"",
    "orgsync records contact -c acme --format csv > contacts.csv",
    "orgsync records contact --changes --after 2500         what changed since number 2500",
)

_TABLE_ROWS = 20


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    json = "json"
    csv = "csv"


def records(  # noqa: PLR0913 - each is an option of the command
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="The record class, or its table: contact.", autocompletion=table_names),
    ],
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection", "-c", metavar="NAME", help="Only rows of this connection.", autocompletion=connection_names
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Only these columns: name,email.", autocompletion=column_names),
    ] = None,
    where: Annotated[
        str | None, typer.Option(metavar="SQL", help="Only rows for which this SQL expression holds.")
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="The change feed: in order of sync_seq, deleted rows included.")
    ] = False,
    after: Annotated[
        int | None, typer.Option(min=0, metavar="SEQ", help="With --changes: those after this sync_seq.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many rows; a table shows 20 by default.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, json (one object a line) or csv.")] = Format.table,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Show the rows of a record class, or its changes in the order in which they were committed.

    A table shows the columns that fit the terminal; json and csv have all of them, and all rows. --where is a condition
    of SQLite's SQL: text in single quotes, true and false as 1 and 0. Nothing is written.
    """
    if after is not None and not changes:
        raise typer.BadParameter("it needs --changes", param_hint="--after")
    if as_json and form is Format.csv:
        raise typer.BadParameter("one of --json and --format csv", param_hint="--json")
    form = Format.json if as_json else form
    chosen = _Options(model, connection, _names(columns), where, changes, after or 0, limit, form)
    with open_view() as view:
        _show(view, chosen)


@dataclass(frozen=True, slots=True)
class _Options:
    model: str
    connection: str | None
    columns: Sequence[str]
    where: str | None
    changes: bool
    after: int
    limit: int | None
    form: Format

    @property
    def most(self) -> int | None:
        """How many rows to show."""
        return self.limit or (_TABLE_ROWS if self.form is Format.table else None)


def _names(columns: str | None) -> list[str]:
    names = [] if columns is None else [name.strip() for name in columns.split(",")]
    if not all(names) or (columns is not None and not names):
        raise typer.BadParameter("names with commas between: name,email", param_hint="--columns")
    return list(dict.fromkeys(names))


def _show(view: "View", options: _Options) -> None:
    table, most = _table(view, options), options.most
    if options.connection and not _is_in_feed(view, table, options):
        view.connection(options.connection)
    given = options.where
    if given is not None and not given.strip():
        raise typer.BadParameter("it is empty", param_hint="--where")
    if options.changes and options.after:
        from orgsync.project.changes import require_reached

        require_reached(options.after, view.last_change())
    rows = view.read(
        table,
        connection=options.connection,
        changes=options.changes,
        after=options.after,
        limit=most + 1 if most and options.form is Format.table else most,
        columns=options.columns,
        where=given or "",
    )
    if options.form is Format.json:
        for row in rows:
            result(to_json(row))
        return
    if options.form is Format.csv:
        _write_csv(rows, options.columns or list(view.columns(table, changes=options.changes)))
        return
    shown = list(rows)
    if not shown:
        say(_nothing(options))
        return
    show_rows(shown[:most], changes=options.changes, chosen=options.columns, more=len(shown) > (most or 0))


def _is_in_feed(view: "View", table: str, options: _Options) -> bool:
    """Return whether changes are asked for, and the feed has any of the connection, which may have been removed."""
    if not options.changes:
        return False
    return any(True for _ in view.read(table, connection=options.connection, changes=True, limit=1))


def _table(view: "View", options: _Options) -> str:
    """Return a record table by its own name or its class's; raises NameUnknown, which names a sync that never ran."""
    try:
        return view.table(options.model, changes=options.changes)
    except NameUnknown as unknown:
        from orgsync.project.syncs import never_ran
        from orgsync.settings import load_settings

        raise never_ran(load_settings(), table=options.model) or unknown from None


def _nothing(options: _Options) -> str:
    """Return why there is nothing to show."""
    if options.where:
        return "There are no such changes." if options.changes else "There are no such rows."
    return "There are no changes after that number." if options.changes else "There are no rows."


def _write_csv(rows: Iterator[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write comma-separated values with a heading, also where no row follows; NULL is an empty cell."""
    writer = csv.writer(stdout(), lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
    first = next(rows, None)  # before the heading, for an error in the condition is raised here
    writer.writerow(columns)
    if first is not None:
        writer.writerow(first.values())
    for row in rows:
        writer.writerow(row.values())
