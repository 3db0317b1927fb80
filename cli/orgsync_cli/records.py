"""`orgsync records`: look at the rows of the copy, or follow its changes."""

import csv
import sys
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from .commands import wait_for
from .completing import connection_names
from .output import examples, result, say, to_json
from .tables import show_rows

__all__ = ["EXAMPLES", "records"]

EXAMPLES = examples(
    "orgsync records contact                                a look at the table",
    "orgsync records contact -c acme --format csv > contacts.csv",
    "orgsync records contact --changes --after 2500         what changed since number 2500",
)

_TABLE_ROWS = 20


class Format(StrEnum):
    """How rows are written."""

    table = "table"
    json = "json"
    csv = "csv"


def records(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The record class, or its table: contact.")],
    connection: Annotated[
        str | None,
        typer.Option("--connection", "-c", metavar="NAME", help="Of this connection.", autocompletion=connection_names),
    ] = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="The change feed: in order of sync_seq, deleted rows included.")
    ] = False,
    after: Annotated[int, typer.Option(min=0, metavar="SEQ", help="With --changes: those after this sync_seq.")] = 0,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many rows; a table shows 20 by default.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="table, json (one object a line) or csv.")] = Format.table,
) -> None:
    """Show the rows of a record class, or its changes in the order in which they were committed.

    A table shows the columns that fit the terminal; json and csv have all of them, and all rows.
    """
    if after and not changes:
        raise typer.BadParameter("it needs --changes", param_hint="--after")
    if form is Format.table:
        limit = limit or _TABLE_ROWS
    wait_for(lambda: _records(model, connection, changes=changes, after=after, limit=limit, form=form))


async def _records(
    model: str, connection: str | None, *, changes: bool, after: int, limit: int | None, form: Format
) -> None:
    from orgsync.application import open_workspace

    async with open_workspace() as workspace:
        if connection:
            await workspace.store.connection(connection)
        more = limit + 1 if limit and form is Format.table else limit
        rows = workspace.store.read(model, connection=connection, changes=changes, after=after, limit=more)
        if form is Format.json:
            async for row in rows:
                result(to_json(row))
        elif form is Format.csv:
            await _write_csv(rows)
        else:
            shown = [row async for row in rows]
            if not shown:
                say("There are no changes after that number." if changes else "There are no rows.")
                return
            show_rows(shown[:limit], changes=changes, more=len(shown) > (limit or 0))


async def _write_csv(rows: AsyncIterator[dict[str, Any]]) -> None:
    """Write comma-separated values with a heading; NULL is an empty cell."""
    writer: Any = None
    async for row in rows:
        if writer is None:
            writer = csv.writer(sys.stdout, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
            writer.writerow(row)
        writer.writerow(row.values())
