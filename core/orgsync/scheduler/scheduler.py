"""The scheduler at work: it polls scripts and database, starts what is due, and notes how it ended."""

import math
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from orgsync.engine import Event, Job, Observer, Outcome, nobody
from orgsync.errors import (
    AlreadyRunning,
    LimitReached,
    OrgsyncError,
    ScriptProblem,
    ScriptRaised,
    SignInNeeded,
    StoreReplaced,
    TransientProblem,
)
from orgsync.project import Project
from orgsync.salesforce.http.slots import SLOT
from orgsync.scripts.schedule import jitter

from .agenda import Agenda
from .database_watcher import DatabaseWatcher
from .log import SchedulerLog
from .rules import Bounds
from .run_slots import Patience, RunSlot
from .script_watcher import ScriptWatcher
from .wall_clock import WallClock

__all__ = ["Scheduler"]

_DATABASE_EVERY = 5.0
"""Seconds between reads of the database for connections and for what others have run: two small queries."""
_SCRIPTS_EVERY = 1.0
"""Seconds between checks of the scripts' files. A change is loaded when there was none for one more."""


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
        self.project = replace(project, scripts=scripts)
        self._scripts = scripts
        self._connections = connections
        self._observe = observe
        self._time = WallClock()
        settings = project.settings
        self._agenda = Agenda(Bounds(settings.concurrency, settings.concurrency_per_org), chance=chance)
        self._patience = patience or Patience()
        self._slots: dict[Job, RunSlot] = {}
        self._log = SchedulerLog()
        self._database = DatabaseWatcher(self.project, self._agenda, self._log, connections)
        self._woken = anyio.Event()
        self._database_at = self._scripts_at = -math.inf

    async def run(self) -> None:
        """Run what is due whenever it is due, until cancelled; each run that is under way then is marked stopped.

        Raises NameUnknown for a connection that does not exist, StoreUnavailable where the database cannot
        be used to begin with, and StoreReplaced when its file was deleted or replaced. Other later faults of either
        are reported, and waited out.
        """
        await self._begin()
        replaced: StoreReplaced | None = None
        async with anyio.create_task_group() as runs:
            replaced = await self._until_replaced(runs)
            runs.cancel_scope.cancel()
        if replaced is not None:  # not raised inside: a task group would wrap it in a group
            raise replaced

    async def _until_replaced(self, runs: TaskGroup) -> StoreReplaced:
        """Start what is due until the database's file is no longer there, and return the error that says so."""
        while True:
            now = self._now()
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
        if not self._database.was_read:
            await self._begin()
        else:
            self._database_at = self._scripts_at = -math.inf
            await self._poll(self._now())
        now = self._now()  # stands still from here on, so that nothing becomes due a second time
        self.worst = max((problem.exit_code for problem in self._scripts.problems), default=0)
        if self._agenda.waiting:
            self.worst = max(self.worst, SignInNeeded.exit_code)
        replaced: StoreReplaced | None = None
        async with anyio.create_task_group() as runs:
            if not self._start(runs, now):
                self._log.nothing_due(self._agenda.next_due())
            try:
                while self._start(runs, now) or self._agenda.running:
                    await self._sleep(_SCRIPTS_EVERY)
                    await self._report_long_runs()
            except StoreReplaced as problem:
                replaced = problem
                runs.cancel_scope.cancel()
        if replaced is not None:
            raise replaced
        return self.worst

    async def _begin(self) -> None:
        """Read everything for the first time; whatever is wrong now ends the scheduler before it starts."""
        for name in self._connections:
            await self.project.store.connections.get(name)
        now = self._now()
        self._agenda.set_syncs(self._scripts.schedules, now)
        names = await self._read_database(now)
        self._log.began([*self._scripts.syncs], names)
        self._log.script_problems(self._scripts.problems, self._scripts.clashes)

    def _now(self) -> datetime:
        """Return the time. Where the clock was set back, so is what was planned by it: nothing waits for longer."""
        now = self.project.clock()
        if back := self._time.set_back(now, anyio.current_time()):
            self._agenda.set_back(back, now)
            self._log.clock_set_back(back)
        return now

    def _start(self, runs: TaskGroup, now: datetime) -> bool:
        """Start what is due as far as there is room; return whether there was anything."""
        for slot in self._slots.values():
            slot.check()
        for job in self._agenda.resume():
            self._slots[job].grant()
        jobs = self._agenda.start(now)
        for job in jobs:
            self._slots[job] = RunSlot(job, self._agenda, self._patience, self._wake, retrying=self._log.retrying)
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
        return max(0.0, min(until_due, min(self._database_at, self._scripts_at) - anyio.current_time()))

    # Polling

    async def _poll(self, now: datetime) -> None:
        """Check the scripts and the database where it is time to; a fault of theirs is reported and waited out.

        Raises StoreReplaced, which no waiting mends.
        """
        at, checks_scripts = anyio.current_time(), anyio.current_time() >= self._scripts_at
        if checks_scripts:
            self._scripts_at = at + _SCRIPTS_EVERY
            if self._scripts.reload():
                self._agenda.set_syncs(self._scripts.schedules, now)
                self._log.scripts([*self._scripts.syncs], self._scripts.problems, self._scripts.clashes)
        try:
            if checks_scripts:
                self.project.store.require_in_place()
                await self._report_long_runs()
            if at >= self._database_at:
                await self._read_database(now)
                await self._database.tidy(now)
                self._log.store(None)
        except StoreReplaced:
            raise
        except OrgsyncError as problem:
            self._log.store(problem)

    async def _report_long_runs(self) -> None:
        """Report runs that have been under way for long, and store with each what it waits for."""
        for slot in [*self._slots.values()]:
            complaint, run = slot.complaint, slot.run
            if slot.is_to_be_reported(complaint):
                self._log.takes_long(slot.job, slot.rows, slot.seconds, complaint)
            elif complaint or not slot.noted:
                continue
            if run is not None and complaint != slot.noted:
                slot.noted = complaint
                try:
                    await self.project.store.runs.note(run, complaint)
                except StoreReplaced:
                    raise
                except OrgsyncError as problem:
                    self._log.store(problem)

    async def _read_database(self, now: datetime) -> list[str]:
        """Read the database, and return the connections' names."""
        self._database_at = anyio.current_time() + _DATABASE_EVERY
        names = await self._database.read(now)
        if self._scripts.schedule(self._database.scheduled):
            self._agenda.set_syncs(self._scripts.schedules, now)
        return names

    # Running

    async def _run(self, job: Job) -> None:
        """Run a job to its end, whatever that is, and note it."""
        slot = self._slots[job]
        SLOT.set(slot)

        def observe(event: Event) -> None:
            slot.observe(event)
            self._observe(event)

        try:
            try:
                outcome = await self.project.execute(job, observe=observe)
            finally:
                slot.close()
        except OrgsyncError as problem:
            self._not_run(job, problem)
        except BaseException as error:
            if anyio.current_effective_deadline() == -math.inf:  # it is we who are being stopped
                raise
            # A script may end in SystemExit, or in a cancellation of its own: that is its end, not ours.
            self._not_run(job, _unforeseen(job, error))
        else:
            self._note(job, outcome)
        self._slots.pop(job, None)
        self._woken.set()

    def _note(self, job: Job, outcome: Outcome) -> None:
        run, problem = outcome.run, outcome.problem
        self._database.note_own(run)
        if problem is not None and not isinstance(problem, AlreadyRunning):
            self.worst = max(self.worst, problem.exit_code)
        if isinstance(problem, LimitReached):
            until = self._agenda.pause(job, self._now())
            self._log.ended(run, problem, 0)
            self._log.paused(self._agenda.org_of(job.connection), until, problem)
            return
        stalled = problem is not None and self._slots[job].has_stalled
        responsive = not isinstance(problem, TransientProblem) and not stalled
        failures = self._agenda.ended(job, self._now(), failed=_failed(outcome), responsive=responsive)
        self._log.ended(run, problem, failures)
        if isinstance(problem, SignInNeeded):
            self._database_at = -math.inf  # its other syncs need not find out for themselves

    def _not_run(self, job: Job, problem: OrgsyncError) -> None:
        """Note a run that did not begin, or whose end could not be stored."""
        if isinstance(problem, AlreadyRunning):
            self._agenda.ended(job, self._now())
            self._log.elsewhere(job.name, job.connection)
            return
        if isinstance(problem, StoreReplaced):
            self._database_at = -math.inf  # which ends the scheduler
        self._agenda.ended(job, self._now(), failed=True)
        self.worst = max(self.worst, problem.exit_code)
        self._log.not_run(job.name, job.connection, problem)


def _failed(outcome: Outcome) -> bool:
    """Return whether a run failed by itself, not because another process has taken it over."""
    return outcome.run.status != "done" and not isinstance(outcome.problem, AlreadyRunning)


def _unforeseen(job: Job, error: BaseException) -> ScriptProblem:
    """Return the error for an unforeseen end of a run, by type and place; the exception's text may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    problem = ScriptRaised(
        f"The sync {job.name} ended in {type(error).__name__} at {place}.",
        "Correct the script if it is its own line; --debug shows the traceback.",
    )
    problem.__cause__ = error
    return problem
