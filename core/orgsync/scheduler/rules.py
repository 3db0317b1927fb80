"""The decisions of the scheduler, as functions from values to values: whose turn it is, and how many may run."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, zip_longest

from orgsync.engine.job import Job

__all__ = ["Bounds", "ConnectionState", "JobState", "Load", "in_turn", "resumable", "startable"]

_UNDER_WAY = 16  # so many runs for each slot may be under way, nearly all of them waiting


@dataclass(slots=True)
class JobState:
    """When a job is due, its last start and end here, and its failures in a row."""

    due: datetime
    started: datetime | None = None
    ended: datetime | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """What planning needs to know of a connection: its org, and whether it is signed in."""

    name: str
    org: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many runs may work at once, in all and on one org."""

    in_all: int
    per_org: int


@dataclass(frozen=True, slots=True)
class Load:
    """What is under way: runs, those of them that hold no slot, and how many connections respond.

    `unresponsive` names the connections whose last run stalled, or ended because their org could not be reached.
    """

    running: Collection[Job]
    idle: Collection[Job] = ()
    unresponsive: Collection[str] = ()
    responsive: int = 0

    def room(self, bounds: Bounds) -> tuple[int, int]:
        """Return how many slots are free, and how many of them unresponsive connections may have.

        Up to three quarters of all slots are kept from these, one for each connection that responds.
        """
        active = [job for job in self.running if job not in self.idle]
        slow = sum(job.connection in self.unresponsive for job in active)
        free = bounds.in_all - len(active)
        return free, min(free, bounds.in_all - min(bounds.in_all * 3 // 4, self.responsive) - slow)

    def room_to_start(self, bounds: Bounds) -> tuple[int, int]:
        """Return how many more runs may start, and how many of them of unresponsive connections.

        These may not fill up what may be under way, for runs of others would have to wait for them.
        """
        (free, for_slow), under_way = self.room(bounds), bounds.in_all * _UNDER_WAY - len(self.running)
        return min(free, under_way), min(for_slow, under_way - bounds.in_all * _UNDER_WAY // 2)


def in_turn(
    due: Iterable[tuple[Job, datetime]], served: Mapping[str, datetime], *, last: Collection[str] = ()
) -> list[Job]:
    """Return due jobs in the order in which they may start: one of each connection, then a second of each, and so on.

    The connection that was served longest ago comes first, one that never was before all others; of one connection's
    jobs, the one that has been due longest. Connections in `last` come after all others.
    """
    waiting: dict[str, list[tuple[datetime, Job]]] = {}
    for job, since in due:
        waiting.setdefault(job.connection, []).append((since, job))
    for jobs in waiting.values():
        jobs.sort(key=lambda each: (each[0], each[1].name))

    def turn(connection: str) -> tuple[bool, datetime, datetime]:
        since = waiting[connection][0][0]
        return connection in served, served.get(connection, since), since

    order = sorted(waiting, key=turn)
    first = [[job for _, job in waiting[name]] for name in order if name not in last]
    behind = [[job for _, job in waiting[name]] for name in order if name in last]
    return [job for job in chain(*zip_longest(*first), *zip_longest(*behind)) if job is not None]


def resumable(returning: Sequence[Job], load: Load, bounds: Bounds) -> list[Job]:
    """Return the runs that may resume after a wait: in order, those of responsive connections before the others."""
    free, for_slow = load.room(bounds)
    prompt = [job for job in returning if job.connection not in load.unresponsive][: max(free, 0)]
    slow = [job for job in returning if job.connection in load.unresponsive]
    return prompt + slow[: max(min(for_slow, free - len(prompt)), 0)]


def startable(queue: Sequence[Job], load: Load, orgs: Mapping[str, str], bounds: Bounds) -> list[Job]:
    """Return the jobs of a queue that may start beside those that run, in order, within both bounds.

    `orgs` names the org of each connection: two connections may lead to one.
    """
    room, for_slow = load.room_to_start(bounds)
    busy: dict[str, int] = {}
    for job in load.running:
        org = orgs.get(job.connection, "")
        busy[org] = busy.get(org, 0) + 1
    chosen: list[Job] = []
    for job in queue:
        if len(chosen) >= room:
            break
        org, is_slow = orgs[job.connection], job.connection in load.unresponsive
        if busy.get(org, 0) < bounds.per_org and (for_slow > 0 or not is_slow):
            busy[org] = busy.get(org, 0) + 1
            for_slow -= is_slow
            chosen.append(job)
    return chosen
