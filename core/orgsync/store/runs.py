"""Runs and checkpoints: what was executed, and how far each sync has read."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from orgsync.errors import NameUnknown, OrgsyncError, ProcessDied
from orgsync.records import Position

from .alerts import AlertChange, log_alerts, note_run_end
from .backend import Backend, Transaction, repeatable
from .leases import Leases, require_current
from .model import Checkpoint, Run, RunStatus, stored_now
from .owed import owed_in, with_owed, without_owed
from .run_filter import run_filter
from .statuses import Owed
from .unknown_names import row_id

__all__ = ["Runs"]

_REMOVED_AT_ONCE = 5000


class Runs:
    """The runs of one open store."""

    def __init__(self, backend: Backend, leases: Leases, owned: dict[int, set[str]]) -> None:
        self._backend = backend
        self._leases = leases
        self._owned = owned  # by run: under its lease, what it owns stays its own

    @asynccontextmanager
    async def begin(self, sync: str, connection: str, *, ttl: float = 60.0, owed: Owed = "") -> "AsyncGenerator[Run]":
        """Begin a run under the lease of (sync, connection), the right to write for it, held until the block ends.

        Raises AlreadyRunning while another holds it. It is free when a run has ended, when its process has died on
        this machine, and `ttl` seconds after the last renewal by one that stopped or is elsewhere. A run that still
        has the status `running` under an older lease has failed. `owed` is what the run is asked for, which later ones
        do where it ends early.
        """
        owned = set[str]()

        async def begin(on: Transaction, sync: str, connection: str, epoch: int) -> Run:
            owned.clear()  # of a try whose connection was cut
            owned.update(table for table, owner in (await on.owners.get()).items() if owner == sync)
            run = await _start(on, sync, connection, epoch)
            if owed:
                await _note_owed(on, run, owed)
            return run

        async with self._leases.hold(sync, connection, ttl=ttl, begin=begin) as run:
            self._owned[run.id] = owned
            try:
                yield run
            finally:
                del self._owned[run.id]

    async def finish(
        self,
        run: Run,
        *,
        status: RunStatus,
        error: OrgsyncError | None = None,
        api_calls: int,
        watermark: datetime | None = None,
        usage: tuple[int, int] | None = None,
        alert_after: int = 0,
        settled: Collection[str] = (),
    ) -> Run:
        """End a run and release its lease; `api_calls` are all it made. Raises AlreadyRunning as a commit does.

        `usage` is how many of the org's daily API requests were used, and how many there are. At `alert_after` failures
        in a row an alert is raised; 0 is never. `settled` are streams in which nothing is owed any more.
        """

        async def end(on: Transaction) -> tuple[Run, Sequence[AlertChange]]:
            await require_current(on, run)
            ended = await on.runs.finish(run.id, status=status, error=error, api_calls=api_calls, watermark=watermark)
            await _settle(on, run, settled)
            await on.leases.release(run.sync, run.connection, run.epoch)
            if ended is None:
                return await _get(on, run.id), ()
            used, limit = usage or (None, None)
            return ended, await note_run_end(on, ended, used=used, limit=limit, alert_after=alert_after)

        async def is_done(on: Transaction, done: tuple[Run, Sequence[AlertChange]]) -> bool:
            await on.leases.renew(run.sync, run.connection, run.epoch)  # nothing, where the end has released it
            kept = await on.runs.get(run.id)
            return kept is not None and (kept.status, kept.finished_at) == (done[0].status, done[0].finished_at)

        ended, changes = await self._backend.write(end, is_done=is_done)
        self._leases.mark_released(run)
        log_alerts(changes)
        return ended

    async def start_action(self, action: str, connection: str) -> Run:
        """Begin a run of an action. No lease covers it: an action may run twice at once.

        What is still running of it in a process that has died has failed.
        """

        async def start(on: Transaction) -> Run:
            for run_id, holder in await on.runs.running_actions(action, connection):
                if not await self._backend.alive(holder):
                    if (ended := await on.runs.fail_action(run_id, ProcessDied.in_action())) is not None:
                        await note_run_end(on, ended)
                    await self._leases.forget(on, holder)
            return await on.runs.start_action(action, connection, self._backend.own_holder())

        return await self._backend.write(start)

    async def finish_action(
        self,
        run: Run,
        *,
        status: RunStatus,
        error: OrgsyncError | None = None,
        api_calls: int,
        usage: tuple[int, int] | None = None,
    ) -> Run:
        """End a run of an action. One that was removed with its connection meanwhile is returned as it would be."""

        async def end(on: Transaction) -> Run | None:
            ended = await on.runs.finish(run.id, status=status, error=error, api_calls=api_calls, watermark=None)
            if ended is not None:
                used, limit = usage or (None, None)
                await note_run_end(on, ended, used=used, limit=limit)
            return ended or await on.runs.get(run.id)  # which a try whose answer was lost has ended

        if (ended := await self._backend.write(end, is_done=repeatable)) is not None:
            return ended
        run.status, run.api_calls, run.finished_at = status, api_calls, stored_now()
        run.error, run.error_code = (str(error), error.code) if error else (None, None)
        return run

    async def note(self, run_id: int, text: str) -> None:
        """Keep as its error what a run under way waits for; its end replaces it. Empty: it works again."""
        await self._backend.write(lambda on: on.runs.note(run_id, text or None), is_done=repeatable)

    async def get(self, run_id: int) -> Run:
        """Read one run; raises NameUnknown for a number that none has."""
        async with self._backend.reading() as on:
            return await _get(on, run_id)

    async def is_running(self, sync: str, connection: str) -> bool:
        """Return whether a run of the sync is under way, by its lease: a run whose process died keeps its status."""
        async with self._backend.reading() as on:
            return await self._leases.is_held(on, sync, connection)

    async def last(self, *, after: int = 0) -> dict[tuple[str, str], Run]:
        """Read the last run of every (sync, connection), in one query; only those with a number above `after`."""
        async with self._backend.reading() as on:
            return {(each.sync, each.connection): each for each in await on.runs.last(after=after)}

    async def remove_before(self, instant: datetime) -> int:
        """Delete runs that ended before an instant, but for the last of each sync and connection; count them."""
        deleted, some = 0, _REMOVED_AT_ONCE
        while some == _REMOVED_AT_ONCE:
            async with self._backend.writing() as on:
                some = await on.runs.remove_before(instant, limit=_REMOVED_AT_ONCE)
            deleted += some
        return deleted

    async def checkpoints(self, sync: str, connection: str) -> Mapping[str, Checkpoint]:
        """Read where a sync stands on a connection, by stream."""
        async with self._backend.reading() as on:
            return await on.checkpoints.get(sync, connection)

    async def saved(self, sync: str, connection: str) -> tuple[Mapping[str, Checkpoint], Sequence[str]]:
        """Read where a sync stands on a connection, by stream, and which record tables there are."""

        async def read(on: Transaction) -> tuple[Mapping[str, Checkpoint], Sequence[str]]:
            return await on.checkpoints.get(sync, connection), await on.tables.list()

        return await self._backend.read(read)

    async def pairs_that_ran(self) -> set[tuple[str, str]]:
        """Return each (sync, connection) of which a run has ended since it was reset last."""
        async with self._backend.reading() as on:
            return set(await on.health.standing_pairs())

    async def list(
        self, limit: int = 50, *, sync: str | None = None, action: str | None = None, connection: str | None = None
    ) -> Sequence[Run]:
        """Read runs, the latest first: all, or those of one sync or of one action."""
        name, kind = run_filter(sync, action)
        async with self._backend.reading() as on:
            return await on.runs.list(limit=limit, name=name, kind=kind, connection=connection)


async def _start(on: Transaction, sync: str, connection: str, epoch: int) -> Run:
    """Begin a run under a lease that was just acquired: an older one that is still running has died."""
    for dead in await on.runs.fail(sync, connection, ProcessDied()):
        await note_run_end(on, dead)
    return await on.runs.start(sync, connection, epoch)


async def _note_owed(on: Transaction, run: Run, owed: Owed) -> None:
    """Note in the checkpoints of a run that begins what it is asked for, so that a later one does what it leaves."""
    for stream, kept in (await on.checkpoints.get(run.sync, run.connection)).items():
        state = with_owed(stream, kept.position, owed)
        await on.checkpoints.save(run, Position(stream, kept.watermark, state), None)


async def _settle(on: Transaction, run: Run, streams: Collection[str]) -> None:
    """Take back what is owed in streams that a run which is done had no need to read."""
    if not streams:
        return
    for stream, kept in (await on.checkpoints.get(run.sync, run.connection)).items():
        if stream in streams and owed_in(stream, kept.position):
            state = without_owed(stream, kept.position)
            await on.checkpoints.save(run, Position(stream, kept.watermark, state), None)


async def _get(on: Transaction, run_id: int) -> Run:
    found = await on.runs.get(row_id(run_id))
    if found is None:
        raise NameUnknown(f"There is no run {run_id}.", "List them: orgsync runs.")
    return found
