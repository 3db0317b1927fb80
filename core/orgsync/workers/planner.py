"""The planner: of all workers the one that decides what is due, and sends it to whichever takes it first.

It decides as the scheduler of one process does, by the same agenda. A job is a row: sent, running, ended. What the
queue loses, or a worker takes with it when it dies, is late, and is sent again under the next epoch. A planner that was
suspended and wakes after another has begun finds its number out of date, and plans no more.
"""

from collections.abc import Sequence
from datetime import datetime

import anyio

from orgsync.engine import Job
from orgsync.errors import OrgsyncError
from orgsync.project.workers_seen import WORKER_TTL
from orgsync.scheduler import ProjectWatcher, settle
from orgsync.scheduler.rules import Bounds
from orgsync.store.worker_tables import KeptLock, SentJob, WorkerJobRow, WorkerTables

from .queue import JobQueue
from .server_clock import ServerClock

__all__ = ["Planner", "plain"]

_TICK = 0.2
_IDLE_TICK = 0.5
_KEEP_EVERY = 2.0
_TIDY_EVERY = 30.0
_REPORTED_FOR = 3600.0


class Planner:
    """Plans, from when it holds the lock until it loses it; `number` says which planner it is.

    `clock` is the watcher's, which this keeps to the server's time.
    """

    def __init__(self, watcher: ProjectWatcher, queue: JobQueue, number: int, clock: ServerClock) -> None:
        self._watcher = watcher
        self._agenda = watcher.agenda
        self._store = watcher.project.store
        self._ttl = watcher.project.settings.lease
        self._per_org = watcher.project.settings.concurrency_per_org
        self._queue = queue
        self._number = number
        self._clock = clock
        self._jobs: dict[int, Job] = {}  # those under way, by the number of their row
        self._ended = 0  # in the last tick

    async def plan(self, lock: KeptLock) -> None:
        """Plan until another does. Raises StoreUnavailable when the lock is lost, or the database is away."""
        names = await self._watcher.begin()
        self._watcher.log.began([*self._watcher.scripts.syncs], names)
        async with self._store.workers() as on:
            for row in await on.under_way():
                if row.state != "requested":
                    self._adopt(row)
        keep_at = tidy_at = anyio.current_time()
        while True:
            if anyio.current_time() >= keep_at:
                keep_at = anyio.current_time() + _KEEP_EVERY
                await lock.keep()
            now = self._watcher.now()
            await self._watcher.poll(now)
            if not await self._tick(now):
                return
            if anyio.current_time() >= tidy_at:
                tidy_at = anyio.current_time() + _TIDY_EVERY
                await self._tidy()
            await anyio.sleep(_TICK if self._jobs else _IDLE_TICK)

    async def _tick(self, now: datetime) -> bool:
        """Note what has ended, and send what is due; return False where another planner has begun."""
        async with self._store.workers() as on:
            if not await on.may_plan(self._number):
                return False
            self._clock.set(await on.now())
            self._note_ends(await on.take_ended(), now)
            rows = await on.under_way()
            self._note_under_way(rows, now)
            await self._set_bounds(on)
            sent = [*await on.send_again(await self._late(rows), ttl=self._ttl), *await self._start(on, rows, now)]
        await self._queue.send(sent)
        return True

    async def _set_bounds(self, on: WorkerTables) -> None:
        """Let as many run as the workers have slots for, and some more wait for those that end before the next tick."""
        slots = sum(each.concurrency for each in await on.alive(WORKER_TTL))
        ahead = min(2 * self._ended, 20 * slots)
        self._agenda.slots.set_bounds(Bounds(slots + ahead, self._per_org))

    # What has happened

    def _adopt(self, row: WorkerJobRow) -> None:
        job = self._jobs[row.id] = plain(row.job)
        self._agenda.adopt(job, row.since)

    def _note_ends(self, ended: Sequence[WorkerJobRow], now: datetime) -> None:
        self._ended = len(ended)
        for row in ended:
            job = self._jobs.pop(row.id, None) or plain(row.job)
            if row.end.run is not None:
                self._watcher.database.note_own(row.end.run, job)
            settled = settle(self._agenda, job, row.end.end, now)
            if settled.paused_until is not None:
                problem = OrgsyncError.reported(row.end.error_code or "", row.end.cause, row.end.remedy)
                self._watcher.log.paused(self._agenda.org_of(job.connection), settled.paused_until, problem)
            if row.end.end == "sign-in":
                self._watcher.forget()  # the connection's other syncs need not find out for themselves

    def _note_under_way(self, rows: Sequence[WorkerJobRow], now: datetime) -> None:
        """Note which runs wait to retry, and which jobs have gone without an end: those are due again."""
        waiting = self._agenda.slots.waiting_to_retry
        there: set[int] = set()
        for row in rows:
            if row.state == "requested":
                continue
            there.add(row.id)
            if row.id not in self._jobs:
                self._adopt(row)
            job = self._jobs[row.id]
            if row.waits and job not in waiting:
                self._agenda.slots.release(job)
            elif not row.waits and job in waiting:
                self._agenda.slots.reclaim(job)
        for number in self._jobs.keys() - there:
            self._agenda.postpone(self._jobs.pop(number), now)

    # What to do

    async def _late(self, rows: Sequence[WorkerJobRow]) -> list[int]:
        """Return what was not taken in time, or whose worker has died or was not heard of for too long."""
        workers = {row.worker for row in rows if row.worker}
        dead = {name for name in workers if not await self._store.alive(name)}
        return [row.id for row in rows if row.state in ("sent", "running") and (row.is_late or row.worker in dead)]

    async def _start(self, on: WorkerTables, rows: Sequence[WorkerJobRow], now: datetime) -> Sequence[SentJob]:
        """Send what is requested, and then what is due, as far as there is room."""
        requested = {row.id: plain(row.job) for row in rows if row.state == "requested"}
        chosen = self._agenda.start(now, first=list(requested.values()))
        if not chosen:
            return []
        wanted, answered = set(chosen), dict[int, Job]()
        for number, job in requested.items():
            if job in wanted:
                answered[number] = job
                wanted.remove(job)
        due = [job for job in chosen if job in wanted]
        sent = [*await on.send_again(answered, ttl=self._ttl)]
        scheduled = await on.send([job.to_json().decode() for job in due], ttl=self._ttl)
        self._jobs |= answered | {each.id: job for each, job in zip(scheduled, due, strict=True)}
        return [*sent, *scheduled]

    async def _tidy(self) -> None:
        """Remove what was left behind: workers that are gone, requests that nobody waits for."""
        async with self._store.workers() as on:
            await on.remove_unseen(WORKER_TTL * 4)
            await on.remove_reported(_REPORTED_FOR)
        await self._queue.tidy()


def plain(document: str) -> Job:
    """Return a job as the agenda knows it: a sync on a connection, however it is to be run."""
    job = Job.from_json(document)
    return Job("sync", job.name, job.connection)
