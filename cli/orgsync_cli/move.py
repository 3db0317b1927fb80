"""`orgsync move`: everything in the database, to another one."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import ArgumentInvalid
from orgsync.printable import counted

from .commands import says_when_interrupted
from .output import confirmed, examples, json_line, result, say
from .signals import ended_by_sigterm

if TYPE_CHECKING:
    from orgsync.project.move import Moved

__all__ = ["EXAMPLES", "move"]

EXAMPLES = examples(
    "orgsync move --to postgresql://copier@db.example.com/salesforce",
    "orgsync move --to sqlite:///.orgsync/new.db      and back",
    "orgsync move --undo                              use the database again that was moved",
)


def move(
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="An empty database; the password is better in ~/.pgpass.")
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Use the database again that was moved, as it was then.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Copy everything to another, empty database, compare both, and mark the first one as moved.

    Connections, positions, runs, schedules, rows and the numbers of the change feed: readers of the feed continue where
    they are. Refused while a run or an action is under way; until it is complete, nobody can write to either. One that
    was interrupted continues when it is run again. The first database keeps everything; to use it again, --undo.
    """
    if undo == (to is not None):
        raise ArgumentInvalid(
            "Give either --to or --undo.", "For example: orgsync move --to postgresql://user@host/name"
        )
    if to is None:
        _undo(yes=yes, as_json=as_json)
        return
    from orgsync.project.move import move_database
    from orgsync.settings import load_settings

    with (
        says_when_interrupted(lambda: "Interrupted; the same command continues the move."),
        ended_by_sigterm(),
        _progress(show=not as_json) as progress,
    ):
        done = move_database(load_settings(), to, progress=progress)
    _report(done, as_json=as_json)


def _report(done: "Moved", *, as_json: bool) -> None:
    if as_json:
        tables = {name: {"rows": each.rows, "sha256": each.checksum} for name, each in done.tables.items()}
        more = {"changed": done.changed, "left_behind": list(done.left_behind), "unknown": list(done.unknown)}
        json_line({"source": done.source, "target": done.target, "tables": tables, **more})
        return
    rows = sum(each.rows for each in done.tables.values())
    result(
        f"Moved to {done.target}: {counted(rows, 'row')} in {counted(len(done.tables), 'table')}, "
        "compared on both sides."
    )
    for column, number in done.changed.items():
        say(f"warning: {column}: {counted(number, 'value')} held what PostgreSQL cannot; it is a question mark there.")
    if done.unknown:
        say(
            f"Neither a script nor a run says what type these have, so they are texts there: {', '.join(done.unknown)}."
        )
    if done.left_behind:
        say(f"Not moved, because they are not orgsync's: {', '.join(done.left_behind)}.")
    say("Set ORGSYNC_DATABASE_URL, or database_url in orgsync.toml, to the URL that you gave with --to.")
    say(f"{done.source} keeps everything, and is not used any more. To use it again: orgsync move --undo")


def _undo(*, yes: bool, as_json: bool) -> None:
    from orgsync.project.move import undo_move
    from orgsync.settings import load_settings

    settings = load_settings()
    question = f"Use {settings.shown_store_url} again as it was? What was written to the other one since is not in it."
    if not yes and not confirmed(question):
        raise typer.Exit(1)
    noted = undo_move(settings)
    if as_json:
        json_line({"undone": True, "database": settings.shown_store_url, "target": noted.other})
        return
    result(f"{settings.shown_store_url} can be used again.")
    say(f"{noted.other} keeps what it has; do not use both.")


@contextmanager
def _progress(*, show: bool) -> Generator[Callable[[str, int], None]]:
    """Show on stderr how far each table is, if that is a terminal; yields what is told."""
    if not show or not sys.stderr.isatty():
        yield lambda _table, _rows: None
        return
    from rich.console import Console

    with Console(stderr=True, highlight=False).status("moving") as status:
        yield lambda table, rows: status.update(f"moving {table}: {counted(rows, 'row')}")
