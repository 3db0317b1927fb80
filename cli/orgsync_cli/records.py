"""`orgsync records`: show the rows of the copy, write them to a file, or follow their changes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.printable import counted

from .commands import open_view
from .completion import column_names, table_names
from .options import connection_option
from .output import examples, json_line, result, say, short_path, size_text
from .record_lines import follow_lines, write_lines
from .signals import ended_by_sigterm
from .tables import show_rows

if TYPE_CHECKING:
    from orgsync.project import View
    from orgsync.project.exports import FileFormat
    from orgsync.project.view import Selection

__all__ = ["EXAMPLES", "records"]

EXAMPLES = examples(
    "orgsync records contact                                show the table",
    "orgsync records contact --columns name,email --where \"account_name LIKE 'A%'\"",
    "orgsync records contact -c acme --to contacts.parquet  or .csv, .jsonl",
    "orgsync records contact --changes --after 2500         what changed since number 2500",
    "orgsync records contact --changes --follow             each change as it comes, until Ctrl-C",
)

_TABLE_ROWS = 20


class Format(StrEnum):
    """How rows are written; parquet goes into a file."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"


_FILE_FORMATS: "dict[Format, FileFormat]" = {Format.csv: "csv", Format.json: "json", Format.parquet: "parquet"}


def records(  # noqa: PLR0913 - each is an option of the command
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="The record class, or its table: contact.", autocompletion=table_names),
    ],
    connection: Annotated[str | None, connection_option("Only rows of this connection.")] = None,
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
    follow: Annotated[
        bool, typer.Option("--follow", help="With --changes: wait for more, until Ctrl-C; as json, or csv.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many rows; a table shows 20 by default.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write them to a file: FILE.parquet, FILE.csv or FILE.jsonl."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="With --to: replace a file that is there.")] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="table, json (one object a line) or csv; with --to also parquet.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for programs; with --to, what was written.")
    ] = False,
) -> None:
    """Show the rows of a record class, or its changes in the order in which they were committed.

    A table shows the columns that fit the terminal; json and csv have all of them, and all rows. --where is a condition
    of SQLite's SQL: text in single quotes, true and false as 1 and 0. --to writes a file that is whole or not there,
    readable by its owner alone, all rows from one moment; its suffix names the format, unless --format does. The
    database is only read.
    """
    chosen = _Options(model, connection, _names(columns), where, changes, after, limit, follow, to, overwrite)
    _require_combination(chosen, form, as_json=as_json)
    with open_view() as view:
        if to is not None:
            _write_file(view, chosen, to, form, as_json=as_json)
        elif follow:
            follow_lines(view, _selection(view, chosen, limit=limit), as_csv=form is Format.csv)
        else:
            _show(view, chosen, Format.json if as_json else form or Format.table)


@dataclass(frozen=True, slots=True)
class _Options:
    model: str
    connection: str | None
    columns: Sequence[str]
    where: str | None
    changes: bool
    after: int | None
    limit: int | None
    follow: bool
    to: Path | None
    overwrite: bool


def _require_combination(options: _Options, form: Format | None, *, as_json: bool) -> None:
    """Raise typer's error for options that do not go together."""
    wrong = [
        ("--after", options.after is not None and not options.changes, "it needs --changes"),
        ("--follow", options.follow and not options.changes, "it needs --changes"),
        ("--follow", options.follow and options.to is not None, "a file is written at once: leave out --to"),
        ("--follow", options.follow and form is Format.table, "it writes line by line: use --format json or csv"),
        ("--overwrite", options.overwrite and options.to is None, "it needs --to FILE"),
        ("--json", as_json and options.to is None and form is Format.csv, "one of --json and --format csv"),
        ("--format", options.to is None and form is Format.parquet, "parquet goes into a file: --to FILE.parquet"),
        ("--format", options.to is not None and form is Format.table, "a file is csv, json or parquet"),
        ("--where", options.where is not None and not options.where.strip(), "it is empty"),
    ]
    for option, is_wrong, text in wrong:
        if is_wrong:
            raise typer.BadParameter(text, param_hint=option)


def _names(columns: str | None) -> list[str]:
    names = [] if columns is None else [name.strip() for name in columns.split(",")]
    if not all(names) or (columns is not None and not names):
        raise typer.BadParameter("names with commas between: name,email", param_hint="--columns")
    return list(dict.fromkeys(names))


def _selection(view: "View", options: _Options, *, limit: int | None) -> "Selection":
    """Return which rows are read; raises for a table, connection or number that does not exist."""
    from orgsync.project.selections import selection_of
    from orgsync.settings import load_settings

    found = selection_of(
        view,
        load_settings(),
        options.model,
        connection=options.connection,
        changes=options.changes,
        after=options.after or 0,
        columns=options.columns,
        where=options.where or "",
    )
    return replace(found, limit=limit)


def _write_file(view: "View", options: _Options, to: Path, form: Format | None, *, as_json: bool) -> None:
    """Write the rows to a file, and report it."""
    from orgsync.project.exports import exported_view, file_format, write_rows
    from orgsync.settings import load_settings

    chosen = file_format(to) if form is None else _FILE_FORMATS[form]
    with ended_by_sigterm():
        written = write_rows(
            view,
            _selection(view, options, limit=options.limit),
            to,
            chosen,
            settings=load_settings(),
            overwrite=options.overwrite,
        )
    if as_json:
        json_line(exported_view(written))
        return
    what = counted(written.rows, "change" if options.changes else "row")
    result(f"{what} in {short_path(written.path.absolute())} ({size_text(written.size)})")


def _show(view: "View", options: _Options, form: Format) -> None:
    if form is not Format.table:
        write_lines(view, _selection(view, options, limit=options.limit), as_csv=form is Format.csv)
        return
    most = options.limit or _TABLE_ROWS
    shown = list(view.read(_selection(view, options, limit=most + 1)))
    if not shown:
        say(_nothing(options))
        return
    show_rows(shown[:most], changes=options.changes, chosen=options.columns, more=len(shown) > most)


def _nothing(options: _Options) -> str:
    """Return why there is nothing to show."""
    if options.where:
        return "There are no such changes." if options.changes else "There are no such rows."
    return "There are no changes after that number." if options.changes else "There are no rows."
