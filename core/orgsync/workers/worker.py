"""A worker: takes jobs from the queue, runs them, reports how they ended, and plans where no other worker does."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio
from anyio.abc import TaskGroup

from orgsync.engine import Job, Observer, Outcome, nobody
from orgsync.errors import AlreadyRunning, OrgsyncError
from orgsync.logs import get_logger
from orgsync.project import Project
from orgsync.scheduler import (
    Patience,
    ProjectWatcher,
    RunSlot,
    SchedulerLog,
    ScriptWatcher,
    end_of,
    report_long_runs,
    run_to_end,
)
from orgsync.scheduler.rules import Bounds
from orgsync.scheduler.slots import Slots
from orgsync.scripts.schedule import jitter
from orgsync.store.worker_tables import JobEnd, SentJob, WorkerJobRow
from orgsync.webhooks import deliver

from .planner import Planner, plain
from .queue import JobQueue
from .server_clock import ServerClock
from .worker_scripts import WorkerScripts

__all__ = ["Worker"]

_POLL = 0.25
"""Seconds between looks into an empty queue."""
_BEAT = 1.0
_AGAIN = 1.0
"""Seconds after which something is tried again that the database has refused."""
_TRY_TO_PLAN = 2.0
_LOCK_TTL = 10
"""Seconds after which another worker may plan when the planner does not speak."""
_GATHER = 0.02
"""Seconds for which ends are gathered, so that they are reported together."""


@dataclass(slots=True)
class _Taken:
    """A job that this worker runs."""

    row: WorkerJobRow
    slot: RunSlot
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)


class Worker:
    """Runs jobs, at most `concurrency` of them at once, those not counted that wait to retry.

    `connections` limits what is planned where this worker plans; the rest is as with the scheduler.
    """

    def __init__(
        self,
        project: Project,
        scripts: ScriptWatcher,
        queue: JobQueue,
        *,
        concurrency: int,
        connections: Sequence[str] = (),
        observe: Observer = nobody,
        patience: Patience | None = None,
        chance: Callable[[str, str, int], float] = jitter,
    ) -> None:
        self.name = project.store.holder
        self.plans = False
        self._watched = scripts
        self.project = replace(project, scripts=WorkerScripts(scripts, project.settings))
        self._store = project.store
        self._queue = queue
        self._concurrency = concurrency
        self._connections = connections
        self._observe = observe
        self._patience = patience or Patience()
        self._chance = chance
        self._ttl = project.settings.lease
        self._slots = Slots(Bounds(concurrency, concurrency))
        self._taken: dict[int, _Taken] = {}
        self._ends: list[tuple[SentJob, JobEnd]] = []
        self._strays: set[int] = set()
        self._failing: set[Callable[[], Awaitable[None]]] = set()
        self._log = SchedulerLog()
        self._woken, self._has_ended = anyio.Event(), anyio.Event()

    @property
    def under_way(self) -> int:
        """How many runs are under way."""
        return len(self._taken)

    @property
    def runs_under_way(self) -> list[int]:
        """The numbers of those of the runs under way that have begun."""
        return [each.slot.run for each in self._taken.values() if each.slot.run is not None]

    async def run(self) -> None:
        """Work until cancelled; what is under way then is stopped, and handed back for others to take at once.

        Raises NameUnknown for a connection that does not exist, and StoreUnavailable where the database cannot be used
        to begin with; later faults are reported, and waited out.
        """
        for name in self._connections:
            await self._store.connections.get(name)
        await self._see()
        get_logger("orgsync.worker").info("worker started", worker=self.name, concurrency=self._concurrency)
        self._log.script_problems(self._watched.problems, self._watched.clashes)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(deliver, self._store, self.project.settings)
                tasks.start_soon(self._again, self._beat, _BEAT)
                tasks.start_soon(self._again, self._report_ends, 0.0)
                tasks.start_soon(self._again, self._plan, _TRY_TO_PLAN)
                async with anyio.create_task_group() as runs:
                    await self._again(lambda: self._take(runs), 0.0)
        finally:
            with anyio.CancelScope(shield=True):
                await self._hand_back()

    async def _again(self, work: Callable[[], Awaitable[None]], pause: float) -> None:
        """Do something again and again; what the database refuses is reported once, and tried again."""
        while True:
            try:
                await work()
                if work in self._failing:
                    self._failing.remove(work)
                    if not self._failing:
                        self._log.store(None)
                await anyio.sleep(pause)
            except OrgsyncError as problem:
                self._failing.add(work)
                self._log.store(problem)
                await anyio.sleep(max(pause, _AGAIN))

    # Jobs

    async def _take(self, runs: TaskGroup) -> None:
        """Take jobs as far as there is room, and begin them; runs that have waited to retry come first."""
        for job in self._slots.resume():
            for taken in [each for each in self._taken.values() if each.slot.job == job]:
                taken.slot.grant()
        received = await self._queue.receive(free) if (free := self._slots.free) > 0 else []
        if not received:
            with anyio.move_on_after(_POLL):
                await self._woken.wait()
            self._woken = anyio.Event()
            return
        async with self._store.workers() as on:
            rows = await on.take(received, worker=self.name, ttl=self._ttl)
        for row in rows:
            self._begin(row, runs)

    def _begin(self, row: WorkerJobRow, runs: TaskGroup) -> None:
        job = plain(row.job)
        if job in self._slots.running:  # the last run of it, which was given up, has not come to its end here
            return
        slot = RunSlot(job, self._slots, self._patience, self._wake, retrying=self._log.retrying)
        self._taken[row.id] = taken = _Taken(row, slot)
        self._slots.begin(job)
        runs.start_soon(self._run, taken)

    async def _run(self, taken: _Taken) -> None:
        """Run a job to its end, whatever that is, and report it."""
        row, slot = taken.row, taken.slot
        try:
            with taken.scope:
                outcome = await run_to_end(self.project, Job.from_json(row.job), slot, self._observe)
                self._note(row, slot, outcome)
        finally:
            self._slots.end(slot.job)
            self._taken.pop(row.id, None)
            self._wake()

    def _note(self, row: WorkerJobRow, slot: RunSlot, outcome: Outcome | OrgsyncError) -> None:
        end = end_of(outcome, stalled=slot.has_stalled)
        problem = outcome.problem if isinstance(outcome, Outcome) else outcome
        run = outcome.run.id if isinstance(outcome, Outcome) else None
        if problem is None:
            self._ends.append((row.sent, JobEnd(end, run)))
        else:
            why = (problem.cause, problem.remedy, problem.code, problem.exit_code)
            self._ends.append((row.sent, JobEnd(end, run, *why)))
        self._has_ended.set()
        if isinstance(outcome, Outcome):
            self._log.ended(outcome.run, problem, int(end not in ("done", "elsewhere")))
        elif end == "elsewhere":
            self._log.elsewhere(slot.job.name, slot.job.connection)
        else:
            self._log.not_run(slot.job.name, slot.job.connection, outcome)

    def _wake(self) -> None:
        self._woken.set()

    async def _report_ends(self) -> None:
        """Report the ends of some jobs together. What cannot be reported is kept."""
        await self._has_ended.wait()
        await anyio.sleep(_GATHER)
        self._has_ended = anyio.Event()
        some = [*self._ends]
        try:
            async with self._store.workers() as on:
                await on.end(some)
        except OrgsyncError:
            self._has_ended.set()
            raise
        del self._ends[: len(some)]

    # Its being alive

    async def _see(self) -> None:
        async with self._store.workers() as on:
            await on.see(self.name, concurrency=self._concurrency, plans=self.plans)

    async def _beat(self) -> None:
        """Say that this worker is alive, keep its jobs, and give up those that others have been given."""
        for taken in self._taken.values():
            taken.slot.check()
        mine = set(self._taken)
        waiting = [number for number, each in self._taken.items() if each.slot.job in self._slots.waiting_to_retry]
        async with self._store.workers() as on:
            await on.see(self.name, concurrency=self._concurrency, plans=self.plans)
            kept = {each.id: each for each in await on.renew(self.name, waiting=waiting, ttl=self._ttl)}
            known = {*mine, *self._taken, *(sent.id for sent, _ in self._ends)}
            strays = kept.keys() - known
            sent = await on.send_again(strays & self._strays, ttl=self._ttl)
            self._strays = strays
        for number in mine - kept.keys():
            if number in self._taken:
                self._taken[number].scope.cancel()
        await self._queue.send(sent)
        await report_long_runs([each.slot for each in self._taken.values()], self.project, self._log)
        if not self.plans and self._watched.reload():
            self._log.scripts([*self._watched.syncs], self._watched.problems, self._watched.clashes)

    async def _hand_back(self) -> None:
        """Give what is under way to the others, and leave."""
        try:
            async with self._store.workers() as on:
                await on.end(self._ends)
                kept = await on.renew(self.name, waiting=(), ttl=self._ttl)
                sent = await on.send_again([each.id for each in kept], ttl=self._ttl)
                await on.leave(self.name)
            await self._queue.send(sent)
        except OrgsyncError as problem:  # they are sent again when their time has passed
            self._log.store(problem)

    # Planning

    async def _plan(self) -> None:
        """Plan for as long as no other worker does."""
        clock = ServerClock(self.project.clock)
        try:
            async with self._store.keep_lock("planner", ttl=_LOCK_TTL) as lock:
                async with self._store.workers() as on:
                    number = await on.begin_planning()
                    clock.set(await on.now())
                self.plans = True
                watcher = ProjectWatcher(
                    replace(self.project, clock=clock),
                    self._watched,
                    connections=self._connections,
                    bounds=Bounds(0, self.project.settings.concurrency_per_org),
                    chance=self._chance,
                    log=self._log,
                )
                await Planner(watcher, self._queue, number, clock).plan(lock)
        except AlreadyRunning:
            return
        finally:
            self.plans = False
