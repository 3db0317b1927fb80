"""`orgsync reset`: give up what a sync has copied, and its position."""

from typing import TYPE_CHECKING, Annotated

import typer

from .commands import wait_for
from .completion import connection_names, sync_names
from .output import amount, examples, result

if TYPE_CHECKING:
    from orgsync.project import SyncCopy

__all__ = ["EXAMPLES", "reset"]

EXAMPLES = examples(
    "orgsync reset contacts              its tables, on all connections",
    "orgsync reset contacts -c acme      one connection's rows and position",
)


def reset(
    sync: Annotated[
        str, typer.Argument(metavar="SYNC", help="The sync, as `orgsync runs` names it.", autocompletion=sync_names)
    ],
    connection: Annotated[
        str | None,
        typer.Option("--connection", "-c", metavar="NAME", help="Of it alone.", autocompletion=connection_names),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Give up what a sync has copied, and its position: the next run copies everything again.

    Its tables are dropped, and may then belong to another sync; with --connection only that connection's rows go. The
    change feed reports it with one event for each table and connection: cleared. Nothing is changed in the org.
    Refused while a run of the sync is under way.
    """
    copy = wait_for(lambda: _copy_of(sync, connection))
    if copy.is_empty:
        result(f"There is nothing to reset: {_what(copy)}.")
        return
    if not yes and not typer.confirm(f"Give up {_what(copy)}? The org is not touched.", err=True):
        result("Nothing was given up.")
        raise typer.Exit(1)
    given_up = wait_for(lambda: _reset(sync, connection))
    result(f"{sync} is reset{f' on {connection}' if connection else ''}: {_what(given_up)} given up.")


def _what(copy: "SyncCopy") -> str:
    tables = [f"{amount(rows, 'row')} in {table}" for table, rows in copy.rows.items()]
    positions = amount(copy.checkpoints, "position")
    return f"{', '.join(tables) or 'no table'} and {positions}"


async def _copy_of(sync: str, connection: str | None) -> "SyncCopy":
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.syncs.copy_of(sync, connection)


async def _reset(sync: str, connection: str | None) -> "SyncCopy":
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.syncs.reset(sync, connection)
