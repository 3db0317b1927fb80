"""`orgsync reset`: discard what a sync has copied, and its position."""

from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.printable import counted

from .commands import NOTHING_CHANGED, open_view, wait_for
from .completion import sync_names
from .options import connection_option
from .output import confirmed, examples, json_line, result

if TYPE_CHECKING:
    from orgsync.project import SyncCopy

__all__ = ["EXAMPLES", "reset"]

EXAMPLES = examples(
    "orgsync reset contacts              its tables, on all connections",
    "orgsync reset contacts -c acme      one connection's rows and position",
    "orgsync reset contacts --yes --json",
)


def reset(
    sync: Annotated[
        str, typer.Argument(metavar="SYNC", help="The sync, as `orgsync runs` names it.", autocompletion=sync_names)
    ],
    connection: Annotated[str | None, connection_option("Only on this connection.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Discard what a sync has copied, and its position: the next run copies everything again.

    Its tables are dropped, and may then belong to another sync; with --connection only that connection's rows go. The
    change feed reports it with one event for each table and connection: cleared. Nothing is changed in the org.
    Refused while a run of the sync is under way.
    """
    _require_ran(sync, connection)
    copy = wait_for(lambda: _copy_of(sync, connection), interrupted=lambda: NOTHING_CHANGED)
    if copy.is_empty:
        _report(copy, f"There is nothing to reset: {_what(copy)}.", as_json=as_json, reset=False)
        return
    if not yes and not confirmed(f"Discard {_what(copy)}? The org is not touched."):
        _report(copy, "Nothing was discarded.", as_json=as_json, reset=False)
        raise typer.Exit(1)
    discarded = wait_for(lambda: _reset(sync, connection))
    text = f"{sync} is reset{f' on {connection}' if connection else ''}: {_what(discarded)} discarded."
    _report(discarded, text, as_json=as_json, reset=True)


def _require_ran(sync: str, connection: str | None) -> None:
    """Raise NameUnknown for a sync that a script has and that has never run; for the connection, if there is none."""
    with open_view() as view:
        ran = sync in view.syncs()
    if not ran:
        from orgsync.project.syncs import never_ran
        from orgsync.project.view import require_connection
        from orgsync.settings import load_settings

        if problem := never_ran(load_settings(), sync):
            if connection is not None:
                wait_for(lambda: require_connection(connection), interrupted=lambda: NOTHING_CHANGED)
            raise problem


def _report(copy: "SyncCopy", text: str, *, as_json: bool, reset: bool) -> None:
    if not as_json:
        result(text)
        return
    discarded = {"rows": dict(copy.rows), "positions": copy.checkpoints}
    json_line({"sync": copy.sync, "connection": copy.connection, "reset": reset, **discarded})


def _what(copy: "SyncCopy") -> str:
    tables = [f"{counted(rows, 'row')} in {table}" for table, rows in copy.rows.items()]
    positions = counted(copy.checkpoints, "position")
    return f"{', '.join(tables) or 'no table'} and {positions}"


async def _copy_of(sync: str, connection: str | None) -> "SyncCopy":
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.syncs.copy_of(sync, connection)


async def _reset(sync: str, connection: str | None) -> "SyncCopy":
    from orgsync.project import open_project

    async with open_project() as project:
        return await project.syncs.reset(sync, connection)
