"""`orgsync up`: the scheduler, every due sync on every connection."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from orgsync.errors import NoConnection

from .commands import wait_for
from .completion import sync_names
from .options import connection_option
from .output import examples, speech
from .signals import Interruption

__all__ = ["EXAMPLES", "up"]

EXAMPLES = examples(
    "orgsync up                         every sync of the project, on every connection, until it is stopped",
    "orgsync up --sync contacts         one sync, a shipped one perhaps",
    "orgsync up -c acme -c globex       on two connections",
    "orgsync up --once                  what is due now, for cron",
    "orgsync up --json                  one JSON object a line on stdout, for a log collector",
)

_PATIENCE = 8.0
"""Seconds for runs to stop: containers are killed ten seconds after SIGTERM."""


def up(
    sync: Annotated[
        list[str] | None,
        typer.Option("--sync", metavar="SYNC", help="Only this sync; may be repeated.", autocompletion=sync_names),
    ] = None,
    connection: Annotated[list[str] | None, connection_option("Only on this connection; may be repeated.")] = None,
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Run every sync of the project that has an `every=`, on every connection, whenever it is due.

    Scripts that change are reloaded, connections that are added or removed are noticed, and what fails is retried after
    a pause. The first SIGTERM or Ctrl-C stops the runs under way; the next time they resume where they were. Exit code:
    0 when SIGTERM has stopped it, 130 after Ctrl-C; with --once the highest of its runs, as for `orgsync run`.
    """
    options = _Options(list(dict.fromkeys(sync or [])), list(dict.fromkeys(connection or [])), once, as_json)
    raise typer.Exit(wait_for(lambda: _up(options)))


@dataclass(frozen=True, slots=True)
class _Options:
    syncs: Sequence[str]
    connections: Sequence[str]
    once: bool
    as_json: bool


async def _up(options: _Options) -> int:
    import anyio

    from orgsync.application import open_scheduler

    from .service_log import configure_service_log

    configure_service_log(as_json=options.as_json, debug=speech.debug)
    worst = 0
    opening = open_scheduler(syncs=options.syncs, connections=options.connections)
    async with opening as scheduler:  # outside the scope, so that it is closed in order
        with anyio.CancelScope() as scope, Interruption(scope, patience=_PATIENCE) as interruption:
            if options.once and not await scheduler.project.connections.list():
                raise NoConnection
            if options.once:
                worst = await scheduler.run_due()
            else:
                await scheduler.run()
    if interruption.code == 128 + signal.SIGTERM and not options.once:
        return 0  # a service that stops when it is asked to has done its job
    return interruption.code or worst
