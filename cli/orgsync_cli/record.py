"""`orgsync record`: run a sync or an action, and keep the HTTP exchange as a cassette."""

import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgsync.errors import ArgumentInvalid, PackageMissing

from .commands import wait_for
from .completion import sync_names
from .connection_choice import choose_connection, require_connected
from .interruptions import RECORDING
from .options import connection_option
from .output import examples, say
from .recorded import Recorded
from .run_lines import outcome_line
from .signals import Interruption

if TYPE_CHECKING:
    from orgsync import Record, Sync
    from orgsync.cassettes import Cassette, Ran, Recording
    from orgsync.settings import Settings

__all__ = ["EXAMPLES", "record"]

_NOTHING_WRITTEN = f"Interrupted; {RECORDING.kept}"
_MANY_ROWS = 100
"""How many rows a test's cassette may hold before it is said that fewer would do."""

EXAMPLES = examples(
    "orgsync record contacts -c acme                 a cassette, and a test if there is none",
    "orgsync record contacts -c acme --runs 2        then once more, when you have changed the org",
    "orgsync record contacts -c acme --max-rows 20   as if the org had no more rows than that",
    "orgsync record close_case case_id=500... -c acme   an action, which is carried out in the org",
)


def record(
    sync: Annotated[
        str, typer.Argument(metavar="SYNC", help="The sync or the action to run, by name.", autocompletion=sync_names)
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]", help="What an action takes, as in orgsync do.")
    ] = None,
    connection: Annotated[str | None, connection_option("The connection to run on.")] = None,
    runs: Annotated[int, typer.Option("--runs", metavar="N", min=1, max=9, help="How many times to run it.")] = 1,
    max_rows: Annotated[
        int | None, typer.Option("--max-rows", metavar="N", min=1, help="Keep so many rows of each query.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
) -> None:
    """Record a sync: run it in a temporary store, and keep the HTTP exchange with the org as a cassette for tests.

    An action is recorded likewise: what it does in the org, it does.

    Secrets, hosts, ids of the org and its users, and personal data are replaced before anything is written; the
    copy in your database is not touched. The cassette is replayed at once, to see that it can be; where
    tests/test_SYNC.py does not exist yet, it is written: a test that expects the rows of that replay.
    """
    if arguments or _is_action(sync):
        if runs > 1 or max_rows is not None:
            raise ArgumentInvalid("--runs and --max-rows are for syncs.", "Leave them out: an action is run once.")
        work = partial(_record_action, sync, arguments or [], connection, as_json=as_json)
    else:
        work = partial(_record, sync, connection, runs, max_rows, as_json=as_json)
    raise typer.Exit(wait_for(work, interrupted=lambda: _NOTHING_WRITTEN))


def _is_action(name: str) -> bool:
    """Return whether a name is an action's and no sync's."""
    from orgsync.project.actions import listed_actions
    from orgsync.project.syncs import names_of
    from orgsync.settings import load_settings

    settings = load_settings()
    return name not in names_of(settings) and name in {each.name for each in listed_actions(settings) if each.loads}


async def _record_action(name: str, words: list[str], connection: str | None, *, as_json: bool) -> int:
    from orgsync.project import FolderScripts, open_project
    from orgsync.project.actions import typed_arguments
    from orgsync.settings import load_settings

    from .record_action import RecordedAction

    _require_test_kit()
    settings = load_settings()
    action = FolderScripts(settings.syncs_folder).action(name)
    arguments = typed_arguments(name, action.types.schemas()[0], words)
    await require_connected([connection], settings)
    async with open_project(settings) as project:
        chosen = await choose_connection(project, connection)
    return await RecordedAction(settings, action, arguments, chosen, as_json).record()


async def _record(name: str, connection: str | None, runs: int, max_rows: int | None, *, as_json: bool) -> int:
    import anyio

    from orgsync.project import FolderScripts, open_project
    from orgsync.settings import load_settings

    _require_test_kit()
    from orgsync.cassettes import RecordFrom, Recording

    settings = load_settings()
    if name in {each.name for each in settings.objects}:
        raise ArgumentInvalid(
            f"{name} is copied without a script, so there is nothing of yours to test.",
            f"For a sync of your own with its test: orgsync new sync {name}.",
        )
    sync = FolderScripts(settings.syncs_folder, settings.objects).sync(name)
    await require_connected([connection], settings)
    async with open_project(settings) as project:
        chosen = await choose_connection(project, connection)
    recorded: tuple[Cassette, Sequence[Ran[Any]]] | None = None
    with (
        anyio.CancelScope() as scope,
        Interruption(scope, lambda: RECORDING) as interruption,
        tempfile.TemporaryDirectory() as folder,
    ):
        recording = Recording(RecordFrom(settings, chosen), Path(folder), max_rows=max_rows)
        rows = await _capture(recording, sync, runs)
        if max_rows is None and rows > _MANY_ROWS:
            say(f"These are {rows:,} rows; --max-rows 20 records as if no query found more, for a smaller cassette.")
        cassette = recording.cassette()
        recorded = cassette, await _replayed(cassette, sync, settings, runs)
    if recorded is None or interruption.code:
        say(_NOTHING_WRITTEN)
        return interruption.code
    cassette, ran = recorded
    _write(cassette, sync, ran, settings, as_json=as_json)
    return 0


def _require_test_kit() -> None:
    try:
        import vcr  # noqa: F401 # pyright: ignore[reportUnusedImport, reportMissingTypeStubs]
    except ImportError:
        raise PackageMissing("Recording needs packages that are not installed.", extra="testing") from None


async def _capture(recording: "Recording", sync: "Sync[Record]", runs: int) -> int:
    """Run a sync so many times, asking for changes in between; return how many rows a run had at most."""
    rows = 0
    with recording.capturing():
        for number in range(runs):
            if number:
                await _wait_for_changes()
            ran = await recording.sandbox.run(sync)
            say(outcome_line(ran.run))
            rows = max(rows, ran.run.added + ran.run.updated + ran.run.unchanged)
    return rows


async def _wait_for_changes() -> None:
    """Wait until a person has changed the org and pressed Enter; away from a terminal, for the end of a line."""
    import asyncio
    from threading import Thread

    say("Now change something in the org that the next run is to find, then press Enter.")
    loop, pressed = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        _read_line()
        loop.call_soon_threadsafe(pressed.set)

    Thread(target=wait, daemon=True).start()  # one of a pool would keep the process from ending after Ctrl-C
    await pressed.wait()


def _read_line() -> None:
    """Read to the end of a line, past Python's buffer, whose lock a process cannot end without."""
    try:
        number = sys.stdin.fileno()
    except OSError:  # a stream in memory
        sys.stdin.readline()
        return
    while os.read(number, 1) not in (b"\n", b""):
        pass


async def _replayed(cassette: "Cassette", sync: "Sync[Record]", settings: "Settings", runs: int) -> "list[Ran[Any]]":
    """Replay a cassette in another temporary store: one that cannot be replayed is not written."""
    from orgsync.cassettes import Replay, Replayed, without_waiting

    with tempfile.TemporaryDirectory() as folder, without_waiting():
        replay = Replay(cassette, "What was recorded", Path(folder), settings, Replayed())
        with replay.playing():
            ran = [await replay.sandbox.run(sync) for _ in range(runs)]
        replay.player.require_played()
    return ran


def _write(
    cassette: "Cassette", sync: "Sync[Record]", ran: "Sequence[Ran[Any]]", settings: "Settings", *, as_json: bool
) -> None:
    """Write the cassette, and a test where there is none."""
    from orgsync.cassettes import compose_test, name_of_test

    recorded = Recorded(settings, "sync", sync.name, name_of_test(sync), as_json)
    module = recorded.importable(sync.function.__module__)
    text = compose_test(sync, recorded.importable, ran)
    recorded.write(cassette, text, untested=f"{module} has no name for {sync.name}")
