"""`orgsync up`: the scheduler, every due sync on every connection."""

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

import typer

from orgsync.errors import NoConnection

from .commands import INTERRUPTED_ALONE, wait_for
from .completion import sync_names
from .interruptions import RUNS_RECORDED, Stopping, service_stopping
from .options import AsJson, connection_option
from .output import examples, say, speech
from .run_lines import stopped_line
from .signals import Interruption

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from orgsync.scheduler import Scheduler
    from orgsync.workers import Worker

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
    as_json: AsJson = False,
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
            ending = _Ending(service)
            with (
                anyio.CancelScope() as scope,
                Interruption(scope, ending.stopping, patience=_PATIENCE) as interruption,
            ):
                await service.run()
            await ending.show(interruption)
        return 0 if interruption.code == 128 + signal.SIGTERM else interruption.code

    async def _run_once(self, opening: "AbstractAsyncContextManager[Scheduler]") -> int:
        import anyio

        worst = 0
        async with opening as scheduler:
            ending = _Ending(scheduler)
            with (
                anyio.CancelScope() as scope,
                Interruption(scope, ending.stopping, patience=_PATIENCE) as interruption,
            ):
                if not await scheduler.project.connections.list():
                    raise NoConnection
                worst = await scheduler.run_due()
            await ending.show(interruption)
        return interruption.code or worst


@dataclass(slots=True)
class _Ending:
    """What is said of the runs that are under way when a signal stops a service; `runs` are their numbers."""

    service: "Scheduler | Worker"
    runs: Sequence[int] = ()

    def stopping(self) -> Stopping:
        """Return what is said when a signal comes."""
        self.runs = self.runs or self.service.runs_under_way
        return service_stopping(self.service.under_way)

    async def show(self, interruption: Interruption) -> None:
        """Show how they have ended."""
        ended = [await self.service.project.runs.get(number) for number in self.runs]
        if all(run.finished_at for run in ended):
            interruption.recorded = RUNS_RECORDED
            if ended:
                say(stopped_line(ended))
