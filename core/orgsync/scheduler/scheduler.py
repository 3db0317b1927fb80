"""The scheduler at work: it looks around, starts what is due, and notes how it ended."""

import math
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from anyio.abc import TaskGroup
from sqlmodel import col, select

from orgsync.engine import Outcome, RunOptions
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
from orgsync.store import Connection, Run

from .agenda import Agenda
from .log import SchedulerLog
from .rules import Bounds, ConnectionState, Job
from .run_slots import Patience, RunSlot
from .script_watcher import Scripts
from .wall_clock import WallClock

__all__ = ["Scheduler"]

_LOOK_EVERY = 5.0
"""Seconds between looks at the database for connections and for what others have run: two small queries."""

_WATCH_EVERY = 1.0
"""Seconds between looks at the scripts' files. A change is read when it has been left alone for one more."""

_TIDY_EVERY = 86_400.0
"""Seconds between deletions of runs that are older than they need be kept."""

_UNKNOWN = "Salesforce has refused the sign-in."


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Scheduler:
    """Runs every due sync on every connection, or on those that are named, in one project.

    `clock` is the time, aware; `chance` shortens pauses after failures; `patience` says when a
    run that has no answer makes room for others. `worst` is the highest exit code of what was run and could not be run
    so far.
    """

    def __init__(
        self,
        project: Project,
        scripts: Scripts,
        *,
        connections: Sequence[str] = (),
        clock: Callable[[], datetime] = _utc_now,
        chance: Callable[[str, str, int], float] = jitter,
        patience: Patience | None = None,
    ) -> None:
        self.worst = 0
        self._project = project
        self._scripts = scripts
        self._connections = connections
        self._clock = clock
        self._time = WallClock()
        settings = project.settings
        self._agenda = Agenda(Bounds(settings.concurrency, settings.concurrency_per_org), chance=chance)
        self._patience = patience or Patience()
        self._slots: dict[Job, RunSlot] = {}
        self._telling = SchedulerLog()
        self._reasons: dict[str, str] | None = None  # by connection, why it needs a sign-in; None before the first look
        self._last_run = 0
        self._own: set[int] = set()  # runs of this scheduler that have ended since the last look
        self._stirred = anyio.Event()
        self._look_at = self._watch_at = self._tidy_at = -math.inf

    async def run(self) -> None:
        """Run what is due whenever it is due, until cancelled; each run that is under way then is marked stopped.

        Raises NameUnknown for a connection that does not exist, StoreUnavailable where the database cannot
        be used to begin with, and StoreReplaced when its file was deleted or replaced. Other later faults of either
        are told, and waited out.
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
                await self._look_around(now)
            except StoreReplaced as problem:
                return problem
            self._start(runs, now)
            await self._stir(self._pause(now))

    async def run_due(self) -> int:
        """Run what is due at this moment, each job once, and answer with the highest exit code when all have ended.

        Raises as `run` does.
        """
        if self._reasons is None:
            await self._begin()
        else:
            self._look_at = self._watch_at = -math.inf
            await self._look_around(self._now())
        now = self._now()  # stands still from here on, so that nothing becomes due a second time
        self.worst = max((problem.exit_code for problem in self._scripts.problems), default=0)
        if self._agenda.waiting:
            self.worst = max(self.worst, SignInNeeded.exit_code)
        replaced: StoreReplaced | None = None
        async with anyio.create_task_group() as runs:
            if not self._start(runs, now):
                self._telling.nothing_due(self._agenda.next_due())
            try:
                while self._start(runs, now) or self._agenda.running:
                    await self._stir(_WATCH_EVERY)
                    await self._report_long_runs()
            except StoreReplaced as problem:
                replaced = problem
                runs.cancel_scope.cancel()
        if replaced is not None:
            raise replaced
        return self.worst

    async def _begin(self) -> None:
        """Look at everything for the first time; whatever is wrong now ends the scheduler before it starts."""
        for name in self._connections:
            await self._project.store.connections.get(name)
        now = self._now()
        self._agenda.set_syncs(self._scripts.rhythms, now)
        names = await self._look(now)
        self._telling.began([*self._scripts.syncs], names)
        self._telling.script_problems(self._scripts.problems, self._scripts.clashes)

    def _now(self) -> datetime:
        """Return the time. Where the clock was set back, so is what was planned by it: nothing waits for longer."""
        now = self._clock()
        if back := self._time.set_back(now, anyio.current_time()):
            self._agenda.set_back(back, now)
            self._telling.clock_set_back(back)
        return now

    def _start(self, runs: TaskGroup, now: datetime) -> bool:
        """Start what is due as far as there is room; tell whether there was something."""
        for slot in self._slots.values():
            slot.check()
        for job in self._agenda.resume():
            self._slots[job].grant()
        jobs = self._agenda.start(now)
        for job in jobs:
            self._slots[job] = RunSlot(job, self._agenda, self._patience, self._wake, retrying=self._telling.retrying)
            runs.start_soon(self._run, job)
        return bool(jobs)

    def _wake(self) -> None:
        self._stirred.set()

    async def _stir(self, seconds: float | None) -> None:
        """Wait until a run has ended, or for so long."""
        with anyio.move_on_after(seconds):
            await self._stirred.wait()
        self._stirred = anyio.Event()

    def _pause(self, now: datetime) -> float:
        """Tell how many seconds there is nothing to do, unless a run ends."""
        due = self._agenda.next_due()
        until_due = math.inf if due is None else (due - now).total_seconds()
        return max(0.0, min(until_due, min(self._look_at, self._watch_at) - anyio.current_time()))

    # Looking around

    async def _look_around(self, now: datetime) -> None:
        """Look at the scripts and the database where it is time to; a fault of theirs is told and waited out.

        Raises StoreReplaced, which no waiting mends.
        """
        at, watches = anyio.current_time(), anyio.current_time() >= self._watch_at
        if watches:
            self._watch_at = at + _WATCH_EVERY
            if self._scripts.reload():
                self._agenda.set_syncs(self._scripts.rhythms, now)
                self._telling.scripts([*self._scripts.syncs], self._scripts.problems, self._scripts.clashes)
        try:
            if watches:
                self._project.store.require_in_place()
                await self._report_long_runs()
            if at >= self._look_at:
                await self._look(now)
                await self._tidy(now)
                self._telling.store(None)
        except StoreReplaced:
            raise
        except OrgsyncError as problem:
            self._telling.store(problem)

    async def _report_long_runs(self) -> None:
        """Report runs that have been under way for long, and keep with each what it waits for."""
        for slot in [*self._slots.values()]:
            complaint, run = slot.complaint, slot.run
            if slot.is_to_be_reported(complaint):
                self._telling.takes_long(slot.job, slot.progress, slot.seconds, complaint)
            elif complaint or not slot.noted:
                continue
            if run is not None and complaint != slot.noted:
                slot.noted = complaint
                try:
                    await self._project.store.runs.note(run, complaint)
                except StoreReplaced:
                    raise
                except OrgsyncError as problem:
                    self._telling.store(problem)

    async def _tidy(self, now: datetime) -> None:
        """Once a day, forget the runs that are too old."""
        if (at := anyio.current_time()) >= self._tidy_at:
            self._tidy_at = at + _TIDY_EVERY
            await self._project.store.runs.remove_before(now - timedelta(days=self._project.settings.keep_runs))

    async def _without_reset(self, runs: Mapping[tuple[str, str], Run]) -> dict[tuple[str, str], Run]:
        """Leave out runs whose sync was reset since then: it is due at once, as one that never ran."""
        begun = await self._project.store.runs.with_checkpoints()
        return {of: run for of, run in runs.items() if run.watermark is None or of in begun}

    async def _look(self, now: datetime) -> list[str]:
        """Read the connections and what was run since the last look; name the connections."""
        self._look_at = anyio.current_time() + _LOOK_EVERY
        runs = await self._project.store.runs.last(after=self._last_run)
        if not self._last_run:
            runs = await self._without_reset(runs)
        self._last_run = max((run.id for run in runs.values()), default=self._last_run)
        self._agenda.note_runs([run for run in runs.values() if run.id not in self._own], now)
        self._own.clear()
        columns = (Connection.name, Connection.org_id, col(Connection.status), Connection.status_reason)
        async with self._project.store.session() as session:
            found = (await session.exec(select(*columns))).all()
        wanted = [each for each in found if not self._connections or each[0] in self._connections]
        self._agenda.set_links(
            [ConnectionState(name, org or name, status == "ready") for name, org, status, _ in wanted], now
        )
        self._tell_connections({name: "" if status == "ready" else why or _UNKNOWN for name, _, status, why in wanted})
        return [name for name, *_ in wanted]

    def _tell_connections(self, reasons: dict[str, str]) -> None:
        """Tell which connections have come, gone, ceased to be ready or become so."""
        before, first = self._reasons or {}, self._reasons is None
        if not first:
            added, gone = sorted(reasons.keys() - before.keys()), sorted(before.keys() - reasons.keys())
            self._telling.connections(added=added, gone=gone)
        for name, reason in reasons.items():
            if reason and not before.get(name):
                self._telling.needs_sign_in(name, reason)
            elif before.get(name) and not reason:
                self._telling.signed_in(name)
        self._reasons = reasons

    # Running

    async def _run(self, job: Job) -> None:
        """Run a job to its end, whatever that is, and note it."""
        slot = self._slots[job]
        SLOT.set(slot)
        options: RunOptions = {"clock": self._clock, "watch": slot.watch, "begun": slot.begun}
        try:
            try:
                outcome = await self._project.run(self._scripts.syncs[job.sync], job.connection, **options)
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
        self._stirred.set()

    def _note(self, job: Job, outcome: Outcome) -> None:
        run, problem = outcome.run, outcome.problem
        self._own.add(run.id)
        if problem is not None and not isinstance(problem, AlreadyRunning):
            self.worst = max(self.worst, problem.exit_code)
        if isinstance(problem, LimitReached):
            until = self._agenda.rest(job, self._now())
            self._telling.ended(run, problem, 0)
            self._telling.rests(self._agenda.org_of(job.connection), until, problem)
            return
        stalled = problem is not None and self._slots[job].has_stalled
        responsive = not isinstance(problem, TransientProblem) and not stalled
        failures = self._agenda.ended(job, self._now(), failed=_failed(outcome), responsive=responsive)
        self._telling.ended(run, problem, failures)
        if isinstance(problem, SignInNeeded):
            self._look_at = -math.inf  # its other syncs need not find out for themselves

    def _not_run(self, job: Job, problem: OrgsyncError) -> None:
        """Note a run that did not begin, or whose end could not be kept."""
        if isinstance(problem, AlreadyRunning):
            self._agenda.ended(job, self._now())
            self._telling.elsewhere(job.sync, job.connection)
            return
        if isinstance(problem, StoreReplaced):
            self._look_at = -math.inf  # which ends the scheduler
        self._agenda.ended(job, self._now(), failed=True)
        self.worst = max(self.worst, problem.exit_code)
        self._telling.not_run(job.sync, job.connection, problem)


def _failed(outcome: Outcome) -> bool:
    """Tell whether a run failed by itself, not because another process has taken it over."""
    return outcome.run.status != "done" and not isinstance(outcome.problem, AlreadyRunning)


def _unforeseen(job: Job, error: BaseException) -> ScriptProblem:
    """Say by type and place what ended a run that nobody foresaw; its text may hold data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}"
    problem = ScriptRaised(
        f"The sync {job.sync} ended in {type(error).__name__} at {place}.",
        "Correct the script if it is its own line; --debug shows the traceback.",
    )
    problem.__cause__ = error
    return problem
