"""`orgsync up`: the scheduler, every due sync on every connection."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import NoConnection

from .commands import INTERRUPTED_ALONE, wait_for
from .completion import sync_names
from .interruptions import service_stopping
from .options import connection_option
from .output import examples, speech
from .signals import Interruption

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from orgsync.scheduler import Scheduler

__all__ = ["EXAMPLES", "Service", "up"]

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
    a pause. On PostgreSQL it is one of any number of workers (orgsync worker). The first SIGTERM or Ctrl-C stops the
    runs under way; the next time they resume where they were. Exit code: 0 when SIGTERM has stopped it, 130 after
    Ctrl-C; with --once the highest of its runs, as for `orgsync run`.
    """
    service = Service(
        list(dict.fromkeys(sync or [])), list(dict.fromkeys(connection or [])), once=once, as_json=as_json
    )
    raise typer.Exit(wait_for(service.run, interrupted=lambda: INTERRUPTED_ALONE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What `orgsync up` and `orgsync worker` keep up until they are told to stop."""

    syncs: Sequence[str] = field(kw_only=False)
    connections: Sequence[str] = field(kw_only=False)
    once: bool = False
    as_json: bool = False
    as_worker: bool = False
    concurrency: int | None = None

    async def run(self) -> int:
        """Run until a signal comes, and return the exit code."""
        import anyio

        from orgsync.application import open_scheduler, open_service

        from .service_log import configure_service_log

        configure_service_log(as_json=self.as_json, debug=speech.debug)
        if self.once:
            return await self._run_once(open_scheduler(syncs=self.syncs, connections=self.connections))
        opening = open_service(
            syncs=self.syncs,
            connections=self.connections,
            concurrency=self.concurrency,
            as_worker=self.as_worker,
        )
        async with opening as service:  # outside the scope, so that it is closed in order
            with (
                anyio.CancelScope() as scope,
                Interruption(scope, lambda: service_stopping(service.under_way), patience=_PATIENCE) as interruption,
            ):
                await service.run()
        return 0 if interruption.code == 128 + signal.SIGTERM else interruption.code

    async def _run_once(self, opening: "AbstractAsyncContextManager[Scheduler]") -> int:
        import anyio

        worst = 0
        async with opening as scheduler:
            with (
                anyio.CancelScope() as scope,
                Interruption(scope, lambda: service_stopping(scheduler.under_way), patience=_PATIENCE) as interruption,
            ):
                if not await scheduler.project.connections.list():
                    raise NoConnection
                worst = await scheduler.run_due()
        return interruption.code or worst
