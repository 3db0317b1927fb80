"""The slots that runs hold while they work: how many there are, who holds one, and who waits for one.

A run releases its slot while it waits to retry a request, and loses it when it has had no answer for long. Unresponsive
connections come after the others, and never get all slots.
"""

from collections.abc import Collection, Mapping, Sequence

from orgsync.engine.job import Job

from .rules import Bounds, Load, resumable, startable

__all__ = ["Slots"]


class Slots:
    """Which jobs run, and which of them hold one of the slots."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._running: set[Job] = set()
        self._idle: set[Job] = set()  # those that hold no slot
        self._returning: list[Job] = []  # those of them that wait for one
        self._connections: frozenset[str] = frozenset()
        self._unresponsive: frozenset[str] = frozenset()

    @property
    def running(self) -> Collection[Job]:
        """The jobs that run, with a slot or without."""
        return self._running

    @property
    def waiting_to_retry(self) -> frozenset[Job]:
        """The runs under way that hold no slot."""
        return frozenset(self._idle)

    @property
    def unresponsive(self) -> frozenset[str]:
        """The connections whose last run stalled, or ended because their org could not be reached."""
        return self._unresponsive

    @property
    def free(self) -> int:
        """How many runs may start now."""
        return self._load().room_to_start(self._bounds)[0]

    def set_bounds(self, bounds: Bounds) -> None:
        """Set how many runs may work at once."""
        self._bounds = bounds

    def set_connections(self, names: Collection[str], *, mended: Collection[str] = ()) -> None:
        """Set the connections that are judged by how they respond; of those that are mended, nothing is known yet."""
        self._connections = frozenset(names)
        self._unresponsive = (self._unresponsive & self._connections).difference(mended)

    def startable(self, queue: Sequence[Job], orgs: Mapping[str, str]) -> list[Job]:
        """Return the jobs of a queue that may start now, in order; `orgs` names the org of each connection."""
        return startable(queue, self._load(), orgs, self._bounds)

    def begin(self, job: Job) -> None:
        """Give a slot to a job that starts."""
        self._running.add(job)

    def end(self, job: Job) -> None:
        """Free the slot of a run that has ended."""
        self._running.discard(job)
        self._idle.discard(job)
        self._returning = [each for each in self._returning if each != job]

    def judge(self, connection: str, *, responsive: bool) -> None:
        """Note whether a connection responds."""
        if connection in self._connections:
            one = frozenset({connection})
            self._unresponsive = self._unresponsive - one if responsive else self._unresponsive | one

    # While a run waits

    def release(self, job: Job) -> None:
        """Free the slot of a run that waits."""
        if job in self._running:
            self._idle.add(job)

    def stall(self, job: Job) -> None:
        """Free the slot of a run that has had no answer for long; its connection comes after others."""
        self.release(job)
        self.judge(job.connection, responsive=False)

    def reclaim(self, job: Job) -> None:
        """Give a slot to a run that had stalled and works again, even if that is one too many."""
        self._idle.discard(job)

    def request(self, job: Job) -> None:
        """Note that a run that has waited needs a slot to resume."""
        self._returning.append(job)

    def resume(self) -> list[Job]:
        """Return the runs that have waited and resume now; each has a slot again."""
        chosen = resumable(self._returning, self._load(), self._bounds)
        self._idle.difference_update(chosen)
        self._returning = [job for job in self._returning if job not in chosen]
        return chosen

    def _load(self) -> Load:
        responsive = len(self._connections) - len(self._unresponsive)
        return Load(self._running, self._idle, self._unresponsive, responsive)
