"""The scheduler at work: it polls scripts and database, starts what is due, and notes how it ended."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime

import anyio
from anyio.abc import TaskGroup

from orgsync.engine import Job, Observer, Outcome, nobody
from orgsync.errors import SignInNeeded, StoreReplaced
from orgsync.project import Project
from orgsync.scripts.schedule import jitter
from orgsync.webhooks import deliver, deliver_due

from .job_end import end_of, settle
from .log import SchedulerLog
from .project_watcher import SCRIPTS_EVERY, ProjectWatcher
from .rules import Bounds
from .run_slots import Patience, RunSlot
from .run_to_end import report_long_runs, run_to_end
from .script_watcher import ScriptWatcher

__all__ = ["Scheduler"]


class Scheduler:
    """Runs every due sync on every connection, or on those that are named, in one project.

    `observe` is called with each event of every run. `chance` shortens pauses after failures; `patience` says when a
    run that has no answer makes room for others. `worst` is the highest exit code of what was run and could not be run
    so far.
    """

    def __init__(
        self,
        project: Project,
        scripts: ScriptWatcher,
        *,
        connections: Sequence[str] = (),
        observe: Observer = nobody,
        chance: Callable[[str, str, int], float] = jitter,
        patience: Patience | None = None,
    ) -> None:
        self.worst = 0
        self._scripts = scripts
        self._observe = observe
        self._log = SchedulerLog()
        bounds = Bounds(project.settings.concurrency, project.settings.concurrency_per_org)
        self._watcher = ProjectWatcher(
            project, scripts, connections=connections, bounds=bounds, chance=chance, log=self._log
        )
        self.project = self._watcher.project
        self._agenda = self._watcher.agenda
        self._patience = patience or Patience()
        self._slots: dict[Job, RunSlot] = {}
        self._woken = anyio.Event()

    @property
    def under_way(self) -> int:
        """How many runs are under way."""
        return len(self._slots)

    @property
    def runs_under_way(self) -> list[int]:
        """The numbers of those of the runs under way that have begun."""
        return [slot.run for slot in self._slots.values() if slot.run is not None]

    async def run(self) -> None:
        """Run what is due whenever it is due, until cancelled; each run that is under way then is marked stopped.

        Raises NameUnknown for a connection that does not exist, StoreUnavailable where the database cannot
        be used to begin with, and StoreReplaced when its file was deleted or replaced. Other later faults of either
        are reported, and waited out.
        """
        await self._begin()
        replaced: StoreReplaced | None = None
        async with anyio.create_task_group() as runs:
            runs.start_soon(deliver, self.project.store, self.project.settings)
            replaced = await self._until_replaced(runs)
            runs.cancel_scope.cancel()
        if replaced is not None:  # not raised inside: a task group would wrap it in a group
            raise replaced

    async def _until_replaced(self, runs: TaskGroup) -> StoreReplaced:
        """Start what is due until the database's file is no longer there, and return the error that says so."""
        while True:
            now = self._watcher.now()
            try:
                await self._poll(now)
            except StoreReplaced as problem:
                return problem
            self._start(runs, now)
            await self._sleep(self._pause(now))

    async def run_due(self) -> int:
        """Run what is due at this moment, each job once, and return the highest exit code when all have ended.

        Raises as `run` does.
        """
        if not self._watcher.database.was_read:
            await self._begin()
        else:
            self._watcher.forget(scripts=True)
            await self._poll(self._watcher.now())
        now = self._watcher.now()  # stands still from here on, so that nothing becomes due a second time
        self.worst = max((problem.exit_code for problem in self._scripts.problems), default=0)
        if self._agenda.waiting:
            self.worst = max(self.worst, SignInNeeded.exit_code)
        replaced: StoreReplaced | None = None
        async with anyio.create_task_group() as runs:
            if not self._start(runs, now):
                self._log.nothing_due(self._agenda.next_due())
            try:
                while self._start(runs, now) or self._agenda.slots.running:
                    await self._sleep(SCRIPTS_EVERY)
                    await self._report_long_runs()
            except StoreReplaced as problem:
                replaced = problem
                runs.cancel_scope.cancel()
        if replaced is not None:
            raise replaced
        await self._watcher.alerts.settle(now)
        await deliver_due(self.project.store, self.project.settings)
        return self.worst

    async def _begin(self) -> None:
        """Read everything for the first time; whatever is wrong now ends the scheduler before it starts."""
        names = await self._watcher.begin()
        self._log.began([*self._scripts.syncs], names)
        self._log.script_problems(self._scripts.problems, self._scripts.clashes)

    async def _poll(self, now: datetime) -> None:
        """Check the scripts, the runs under way and the database where it is time to."""
        if await self._watcher.poll(now):
            await self._report_long_runs()

    async def _report_long_runs(self) -> None:
        await report_long_runs(self._slots.values(), self.project, self._log)

    def _start(self, runs: TaskGroup, now: datetime) -> bool:
        """Start what is due as far as there is room; return whether there was anything."""
        for slot in self._slots.values():
            slot.check()
        for job in self._agenda.slots.resume():
            self._slots[job].grant()
        jobs = self._agenda.start(now)
        for job in jobs:
            self._slots[job] = RunSlot(job, self._agenda.slots, self._patience, self._wake, retrying=self._log.retrying)
            runs.start_soon(self._run, job)
        return bool(jobs)

    def _wake(self) -> None:
        self._woken.set()

    async def _sleep(self, seconds: float | None) -> None:
        """Wait until a run wakes the scheduler, or for so long."""
        with anyio.move_on_after(seconds):
            await self._woken.wait()
        self._woken = anyio.Event()

    def _pause(self, now: datetime) -> float:
        """Return for how many seconds there is nothing to do, unless a run ends."""
        due = self._agenda.next_due()
        until_due = math.inf if due is None else (due - now).total_seconds()
        return max(0.0, min(until_due, self._watcher.next_at - anyio.current_time()))

    async def _run(self, job: Job) -> None:
        """Run a job to its end, whatever that is, and note it."""
        outcome = await run_to_end(self.project, job, self._slots[job], self._observe)
        end = end_of(outcome, stalled=self._slots[job].has_stalled)
        settled = settle(self._agenda, job, end, self._watcher.now())
        problem = outcome.problem if isinstance(outcome, Outcome) else outcome
        if problem is not None and end != "elsewhere":
            self.worst = max(self.worst, problem.exit_code)
        if isinstance(outcome, Outcome):
            self._watcher.database.note_own(outcome.run.id, job)
            self._log.ended(outcome.run, problem, settled.failures)
        elif end == "elsewhere":
            self._log.elsewhere(job.name, job.connection)
        else:
            self._log.not_run(job.name, job.connection, outcome)
        if settled.paused_until is not None and problem is not None:
            self._log.paused(self._agenda.org_of(job.connection), settled.paused_until, problem)
        if end == "sign-in" or isinstance(problem, StoreReplaced):
            self._watcher.forget()  # the connection's other syncs need not find out for themselves
        self._slots.pop(job, None)
        self._woken.set()
