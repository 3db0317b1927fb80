"""What is to run when: the state of the scheduler, without clock, network or database.

Every sync that has an `every` makes a job on every connection; a schedule of the connection's own may give it another
one there, or switch it off. A job that never ran, or was reset, is due at once, and so is one whose last run was cut
short; any other when its schedule says, counted from its last start. One that missed five slots is due once. Jobs wait
while their connection needs to be signed in, while their org is paused, and while another process runs them.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from orgsync.engine.job import Job
from orgsync.errors import ProcessDied
from orgsync.scripts import Cron, Every
from orgsync.scripts.own_schedules import OwnSchedule
from orgsync.scripts.schedule import due_again, jitter
from orgsync.store import Run

from .rules import Bounds, ConnectionState, JobState, in_turn
from .slots import Slots

__all__ = ["LIMIT_PAUSE", "Agenda"]

LIMIT_PAUSE = timedelta(hours=1)
"""How long an org is paused that has reached its limit. The limit is of the last 24 hours, so usage falls bit by bit; a
run that starts too early costs one API call."""

_LONG_DUE = timedelta(hours=1)
"""How long a job may be due before its connection has its turn like any other, responsive or not."""

_NEVER = datetime.max.replace(tzinfo=UTC)


class Agenda:
    """Jobs and their due times. `chance` returns a number between 0 and 1 for each job and failure, for jitter."""

    def __init__(self, bounds: Bounds, *, chance: Callable[[str, str, int], float] = jitter) -> None:
        self.slots = Slots(bounds)
        self._chance = chance
        self._schedules: dict[str, Every | None] = {}
        self._own: dict[tuple[str, str], OwnSchedule] = {}  # by sync and connection
        self._connections: dict[str, ConnectionState] = {}
        self._states: dict[Job, JobState] = {}
        self._last: dict[Job, tuple[datetime, bool]] = {}
        self._served: dict[str, datetime] = {}
        self._paused_until: dict[str, datetime] = {}  # by org
        self._elsewhere: set[Job] = set()  # that another process runs
        self._reset_while_running: set[Job] = set()  # whose end is still to be noted
        self._queue: list[Job] = []
        self._last_in_queue: frozenset[str] = frozenset()  # the connections that were unresponsive when it was built
        self._next: datetime | None = None  # when the queue has to be rebuilt; None: now

    @property
    def waiting(self) -> list[str]:
        """The connections that need to be signed in."""
        return [each.name for each in self._connections.values() if not each.ready]

    def set_syncs(self, schedules: Mapping[str, Every | None], now: datetime) -> None:
        """Set the syncs and their schedules, None for none; what failed is due at once, its script may be corrected."""
        self._reschedule(schedules, self._own, now)
        for state in self._states.values():
            if state.failures:
                state.due, state.failures = now, 0

    def set_own_schedules(self, own: Mapping[tuple[str, str], OwnSchedule], now: datetime) -> None:
        """Set what is set for syncs on connections; what is due by another schedule now is planned anew."""
        if dict(own) != self._own:
            self._reschedule(self._schedules, own, now)

    def _reschedule(
        self, schedules: Mapping[str, Every | None], own: Mapping[tuple[str, str], OwnSchedule], now: datetime
    ) -> None:
        before = {job: self._every(job) for job in self._states}
        self._schedules, self._own = dict(schedules), dict(own)
        for job, state in self._states.items():
            every = self._every(job)
            if every is not None and every != before[job] and state.started:
                state.due = due_again(every, state.started, failures=state.failures)
        self._arrange(now)

    def _every(self, job: Job) -> Every | None:
        """Return when a job is due; None for never."""
        own, default = self._own.get((job.name, job.connection)), self._schedules.get(job.name)
        return own.applied(default) if own else default

    def set_connections(self, connections: Collection[ConnectionState], now: datetime) -> None:
        """Set the connections; those that are signed in again have all their jobs due at once."""
        fresh, before = {each.name: each for each in connections}, self._connections
        if fresh == before:
            return
        mended = {name for name, old in before.items() if not old.ready and name in fresh and fresh[name].ready}
        for job, state in self._states.items():
            if job.connection in mended:
                state.due, state.failures = now, 0
        self._connections = fresh
        self.slots.set_connections(fresh, mended=mended)
        self._arrange(now)

    def note_runs(self, runs: Iterable[Run], now: datetime) -> None:
        """Note the last runs of jobs, of an earlier process or of another one: new ones, and all that are under way.

        A run that says that it is under way is so; one whose process has died says that.
        """
        self._elsewhere.clear()
        for run in runs:
            job = Job("sync", run.sync, run.connection)
            state = self._states.get(job)
            if job in self.slots.running or (state and state.ended and run.started_at <= state.ended):
                continue  # it is one of our own
            started = min(run.started_at, now)  # a clock that was set back must not put a job off for long
            self._last[job] = (started, run.status == "stopped" or run.error_code == ProcessDied.code)
            self._serve(run.connection, started)
            if run.status == "running":
                self._elsewhere.add(job)
            if state is not None:
                failures = 0 if run.status == "done" else state.failures + (run.status == "failed")
                self._states[job] = self._state_of(job, now, failures)
        self._next = None

    def note_reset(self, pairs: Iterable[tuple[str, str]], now: datetime) -> None:
        """Note syncs that were reset on connections: they are due at once, as what never ran."""
        for job in (Job("sync", *pair) for pair in pairs):
            self._last.pop(job, None)
            if job in self.slots.running:
                self._reset_while_running.add(job)
            elif job in self._states:
                self._states[job] = JobState(due=now)
                self._next = None

    def set_back(self, by: timedelta, now: datetime) -> None:
        """Move what was planned with a clock that was set back; cron expressions keep to the slots of the clock."""
        for job, state in self._states.items():
            state.due -= by
            state.started = state.started and state.started - by
            state.ended = state.ended and state.ended - by
            every = self._every(job)
            if isinstance(every, Cron):
                started, failures = state.started, state.failures
                state.due = due_again(every, started, failures=failures) if started else now
        self._last = {job: (started - by, cut_short) for job, (started, cut_short) in self._last.items()}
        self._served = {name: at - by for name, at in self._served.items()}
        self._paused_until = {org: until - by for org, until in self._paused_until.items()}
        self._next = None

    def start(self, now: datetime, *, first: Sequence[Job] = ()) -> list[Job]:
        """Return the jobs that start now; each runs until `ended` is called for it.

        Those in `first` need not be due, and come before all others; of these, each that does not run already.
        """
        if self._next is None or now >= self._next or self._last_in_queue != self.slots.unresponsive:
            self._plan(now)
        orgs = {name: each.org for name, each in self._connections.items()}
        queue = self._queue
        if first:
            requested = [
                job for job in dict.fromkeys(first) if job not in self.slots.running and job.connection in orgs
            ]
            queue = [*requested, *(job for job in queue if job not in set(requested))]
        chosen = self.slots.startable(queue, orgs)
        for job in chosen:
            self._serve(job.connection, now)
            self.adopt(job, now)
        if chosen:
            self._queue = [job for job in self._queue if job not in self.slots.running]
        return chosen

    def adopt(self, job: Job, started: datetime) -> None:
        """Note that a job runs, here or on a worker, until `ended` is called for it."""
        self.slots.begin(job)
        self._elsewhere.discard(job)
        if job in self._states:
            self._states[job].started = started

    # Ends

    def ended(self, job: Job, now: datetime, *, failed: bool = False, responsive: bool = True) -> int:
        """Note that a run has ended, and return how often its job has failed in a row.

        `responsive` says whether its org has responded all the time.
        """
        was_reset = self._free(job)
        self.slots.judge(job.connection, responsive=responsive)
        state = self._states.get(job)
        every = self._every(job)
        if state is None or state.started is None or every is None:
            return int(failed)  # its sync or its connection has been removed meanwhile, or it was switched off
        state.ended = now
        state.failures = state.failures + 1 if failed else 0
        chance = self._chance(job.name, job.connection, state.failures)
        after = due_again(every, state.started, failures=state.failures, chance=chance)
        state.due = now if was_reset else after
        self._last[job] = (state.started, False)
        self._next = min(self._next, state.due) if self._next else None
        return state.failures

    def pause(self, job: Job, now: datetime) -> datetime:
        """End a run that has reached the limit, and pause its org; return when the pause ends and the job resumes."""
        self._free(job)
        self.slots.judge(job.connection, responsive=True)
        until = now + LIMIT_PAUSE
        self._paused_until[self.org_of(job.connection)] = until
        if (state := self._states.get(job)) is not None:
            state.due = state.ended = now
            self._last[job] = (state.started or now, True)
        self._next = None
        return until

    def postpone(self, job: Job, until: datetime) -> None:
        """End a run that has done nothing of its job, which is due again at an instant."""
        self._free(job)
        if job in self._states:
            self._states[job].due = until
        self._next = None

    def _free(self, job: Job) -> bool:
        """Free the slot of a run that has ended; return whether its job was reset meanwhile."""
        self.slots.end(job)
        was_reset = job in self._reset_while_running
        self._reset_while_running.discard(job)
        return was_reset

    def org_of(self, connection: str) -> str:
        """Return the org that a connection leads to; of one that was removed, its own name."""
        state = self._connections.get(connection)
        return state.org if state else connection

    def next_due(self) -> datetime | None:
        """Return when there will be something to start that is not waiting for room already; None: never, or now."""
        return self._next if self._next != _NEVER else None

    def _arrange(self, now: datetime) -> None:
        """Make the jobs of every sync on every connection, keeping the state of those that existed."""
        jobs = [Job("sync", sync, connection) for connection in self._connections for sync in self._schedules]
        due = [job for job in jobs if self._every(job) is not None]
        self._states = {job: self._states.get(job) or self._state_of(job, now) for job in due}
        self._served = {name: at for name, at in self._served.items() if name in self._connections}
        self._next = None

    def _state_of(self, job: Job, now: datetime, failures: int = 0) -> JobState:
        every = self._every(job)
        if job not in self._last or every is None:
            return JobState(due=now)
        started, cut_short = self._last[job]
        chance = self._chance(job.name, job.connection, failures)
        after = due_again(every, started, failures=failures, chance=chance)
        return JobState(now if cut_short else after, started, failures=failures)

    def _serve(self, connection: str, at: datetime) -> None:
        self._served[connection] = max(at, self._served.get(connection, at))

    def _plan(self, now: datetime) -> None:
        """Build the queue of what is due, and note when it has to be rebuilt."""
        self._paused_until = {org: until for org, until in self._paused_until.items() if until > now}
        paused = self._paused_until
        open_to = {each.name for each in self._connections.values() if each.ready and each.org not in paused}
        due: list[tuple[Job, datetime]] = []
        self._next = min(paused.values(), default=_NEVER)
        for job, state in self._states.items():
            if job in self.slots.running or job in self._elsewhere or job.connection not in open_to:
                continue
            if state.due <= now:
                due.append((job, state.due))
            else:
                self._next = min(self._next, state.due)
        long_due = {job.connection for job, since in due if now - since > _LONG_DUE}
        self._last_in_queue = self.slots.unresponsive
        self._queue = in_turn(due, self._served, last=self._last_in_queue - long_due)
