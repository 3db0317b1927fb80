"""What is to run when: the state of the scheduler, without clock, network or database.

Every sync that has an `every` makes a job on every connection. A job that never ran is due at once, and so is one whose
last run was cut short; any other when its rhythm says, counted from its last start. One that missed five slots is due
once. Jobs wait while their connection needs to be signed in, and while their org rests.

A run holds a slot while it works. It gives it back while it waits to try a request again, and it is taken from one that
has had no answer for long. Connections that do not answer come behind those that do, and never get all slots.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from orgsync.scripts import Cron, Every
from orgsync.scripts.schedule import due_again, jitter
from orgsync.store import Run

from .rules import Bounds, ConnectionState, Job, Load, in_turn, resumable, startable

__all__ = ["REST", "Agenda"]

REST = timedelta(hours=1)
"""How long an org rests that has reached its limit. The limit is of the last 24 hours, so usage falls bit by bit; a try
that comes too early costs one API call."""

_LONG_DUE = timedelta(hours=1)
"""How long a job may be due before its connection has its turn like any other, whether it answers or not."""

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Standing:
    """Where a job stands: when it is due, its last start and end here, its failures in a row."""

    due: datetime
    started: datetime | None = None
    ended: datetime | None = None
    failures: int = 0


class Agenda:
    """Jobs and their due times. `chance` gives a number between 0 and 1 for each job and failure, for jitter."""

    def __init__(self, bounds: Bounds, *, chance: Callable[[str, str, int], float] = jitter) -> None:
        self.running: set[Job] = set()
        self._bounds = bounds
        self._chance = chance
        self._rhythms: dict[str, Every] = {}
        self._links: dict[str, ConnectionState] = {}
        self._standings: dict[Job, _Standing] = {}
        self._last: dict[Job, tuple[datetime, bool]] = {}
        self._served: dict[str, datetime] = {}
        self._rests: dict[str, datetime] = {}
        self._idle: set[Job] = set()  # runs under way that hold no slot
        self._returning: list[Job] = []  # those of them that wait for one
        self._unresponsive: set[str] = set()
        self._queue: list[Job] = []
        self._next: datetime | None = None  # when the queue has to be made anew; None: now

    @property
    def waiting(self) -> list[str]:
        """Name the connections that need to be signed in."""
        return [link.name for link in self._links.values() if not link.ready]

    def set_syncs(self, rhythms: Mapping[str, Every], now: datetime) -> None:
        """Take in the syncs and their rhythms; what failed is due at once, for its script may be mended."""
        for job, standing in self._standings.items():
            if standing.failures:
                standing.due, standing.failures = now, 0
            elif standing.started and job.sync in rhythms and rhythms[job.sync] != self._rhythms.get(job.sync):
                standing.due = due_again(rhythms[job.sync], standing.started)
        self._rhythms = dict(rhythms)
        self._arrange(now)

    def set_links(self, links: Collection[ConnectionState], now: datetime) -> None:
        """Take in the connections; those that are signed in again have all their jobs due at once."""
        fresh = {link.name: link for link in links}
        if fresh == self._links:
            return
        mended = {name for name, old in self._links.items() if not old.ready and name in fresh and fresh[name].ready}
        for job, standing in self._standings.items():
            if job.connection in mended:
                standing.due, standing.failures = now, 0
        self._links = fresh
        self._unresponsive = {name for name in self._unresponsive if name in fresh} - mended
        self._arrange(now)

    def note_runs(self, runs: Iterable[Run], now: datetime) -> None:
        """Take in the last runs of jobs, of an earlier process or of another one."""
        for run in runs:
            job = Job(run.sync, run.connection)
            standing = self._standings.get(job)
            if job in self.running or (standing and standing.ended and run.started_at <= standing.ended):
                continue  # it is one of our own
            started = min(run.started_at, now)  # a clock that was set back must not put a job off for long
            # One that says running when the scheduler starts was left so by a process that died, or is soon found out.
            cut_short = run.status == "stopped" or (run.status == "running" and job not in self._standings)
            self._last[job] = (started, cut_short)
            self._serve(run.connection, started)
            if job in self._standings:
                self._standings[job] = self._standing(job, now)
        self._next = None

    def set_back(self, by: timedelta, now: datetime) -> None:
        """Move what was planned with a clock that was set back; cron expressions keep to the slots of the clock."""
        for job, standing in self._standings.items():
            standing.due -= by
            standing.started = standing.started and standing.started - by
            standing.ended = standing.ended and standing.ended - by
            rhythm = self._rhythms[job.sync]
            if isinstance(rhythm, Cron):
                started, failures = standing.started, standing.failures
                standing.due = due_again(rhythm, started, failures=failures) if started else now
        self._last = {job: (started - by, cut_short) for job, (started, cut_short) in self._last.items()}
        self._served = {name: at - by for name, at in self._served.items()}
        self._rests = {org: until - by for org, until in self._rests.items()}
        self._next = None

    def start(self, now: datetime) -> list[Job]:
        """Choose the jobs that start now; each runs until `ended` is told of it."""
        if self._next is None or now >= self._next:
            self._plan(now)
        orgs = {name: link.org for name, link in self._links.items()}
        chosen = startable(self._queue, self._load(), orgs, self._bounds)
        for job in chosen:
            self.running.add(job)
            self._serve(job.connection, now)
            self._standings[job].started = now
        if chosen:
            gone = set(chosen)
            self._queue = [job for job in self._queue if job not in gone]
        return chosen

    # Slots

    def give_back(self, job: Job) -> None:
        """Take the slot of a run that waits."""
        if job in self.running:
            self._idle.add(job)

    def stall(self, job: Job) -> None:
        """Take the slot of a run that has had no answer for long; its connection comes behind others."""
        self.give_back(job)
        self._judge(job.connection, responsive=False)

    def take_again(self, job: Job) -> None:
        """Count a run that has stalled and now works again: it holds a slot, even if there is one too many for it."""
        self._idle.discard(job)

    def ask_again(self, job: Job) -> None:
        """Note that a run that has waited wants a slot to go on."""
        self._returning.append(job)

    def resume(self) -> list[Job]:
        """Choose the runs that have waited and go on now; each has a slot again."""
        chosen = resumable(self._returning, self._load(), self._bounds)
        if chosen:
            self._idle.difference_update(chosen)
            self._returning = [job for job in self._returning if job not in chosen]
        return chosen

    def _load(self) -> Load:
        return Load(self.running, self._idle, self._unresponsive, len(self._links) - len(self._unresponsive))

    def _judge(self, connection: str, *, responsive: bool) -> None:
        """Note whether a connection answers; where that is new, the queue is another."""
        if connection not in self._links or responsive != (connection in self._unresponsive):
            return
        self._unresponsive ^= {connection}
        self._next = None

    # Ends

    def ended(self, job: Job, now: datetime, *, failed: bool = False, responsive: bool = True) -> int:
        """Note that a run has ended; answer with how often its job has failed in a row.

        `responsive` says whether its org has answered all the time.
        """
        self.running.discard(job)
        self._idle.discard(job)
        self._returning = [each for each in self._returning if each != job]
        self._judge(job.connection, responsive=responsive)
        standing = self._standings.get(job)
        if standing is None or standing.started is None or job.sync not in self._rhythms:
            return int(failed)  # its sync or its connection has gone meanwhile
        standing.ended = now
        standing.failures = standing.failures + 1 if failed else 0
        standing.due = due_again(
            self._rhythms[job.sync],
            standing.started,
            failures=standing.failures,
            chance=self._chance(*job, standing.failures),
        )
        self._last[job] = (standing.started, False)
        self._next = min(self._next, standing.due) if self._next else None
        return standing.failures

    def rest(self, job: Job, now: datetime) -> datetime:
        """End a run that has met the limit: its org rests, then the job goes on; answer with the end of the rest."""
        self.ended(job, now)
        until = now + REST
        self._rests[self.org_of(job.connection)] = until
        if job in self._standings:
            self._standings[job].due = now
        self._next = None
        return until

    def org_of(self, connection: str) -> str:
        """Name the org that a connection leads to; of one that is gone, its own name."""
        link = self._links.get(connection)
        return link.org if link else connection

    def next_due(self) -> datetime | None:
        """Tell when there will be something to start that is not waiting for room already; None: never, or now."""
        return self._next if self._next != _NEVER else None

    def _arrange(self, now: datetime) -> None:
        """Make the jobs of every sync on every connection, keeping what is known of those that were there."""
        jobs = [Job(sync, connection) for connection in self._links for sync in self._rhythms]
        self._standings = {job: self._standings.get(job) or self._standing(job, now) for job in jobs}
        self._served = {name: at for name, at in self._served.items() if name in self._links}
        self._next = None

    def _standing(self, job: Job, now: datetime) -> _Standing:
        if job not in self._last:
            return _Standing(due=now)
        started, cut_short = self._last[job]
        return _Standing(now if cut_short else due_again(self._rhythms[job.sync], started), started)

    def _serve(self, connection: str, at: datetime) -> None:
        self._served[connection] = max(at, self._served.get(connection, at))

    def _plan(self, now: datetime) -> None:
        """Make the queue of what is due, and note when it has to be made anew."""
        self._rests = {org: until for org, until in self._rests.items() if until > now}
        open_to = {link.name for link in self._links.values() if link.ready and link.org not in self._rests}
        due: list[tuple[Job, datetime]] = []
        self._next = min(self._rests.values(), default=_NEVER)
        for job, standing in self._standings.items():
            if job in self.running or job.connection not in open_to:
                continue
            if standing.due <= now:
                due.append((job, standing.due))
            else:
                self._next = min(self._next, standing.due)
        long_due = {job.connection for job, since in due if now - since > _LONG_DUE}
        self._queue = in_turn(due, self._served, last=self._unresponsive - long_due)
