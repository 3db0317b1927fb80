"""The decisions of the scheduler, as functions from values to values: when a job is due, whose turn it is."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, zip_longest
from typing import NamedTuple

from orgsync.context import Every

__all__ = ["Bounds", "Job", "Link", "due_again", "in_turn", "startable"]

_LONGEST_PAUSE = timedelta(hours=1)
_JITTER = 0.25  # the share of a pause that chance may take off, so that what failed together is not tried together


class Job(NamedTuple):
    """A sync on a connection."""

    sync: str
    connection: str


@dataclass(frozen=True, slots=True)
class Link:
    """What planning needs to know of a connection: its org, and whether it is signed in."""

    name: str
    org: str
    ready: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many runs may go on at once, in all and on one org."""

    in_all: int
    per_org: int


def due_again(every: Every, started: datetime, *, failures: int = 0, chance: float = 0.0) -> datetime:
    """Tell when a job that started at an instant is due again, after so many failures in a row.

    Each failure doubles its interval, up to an hour or its interval, whichever is longer. `chance` is between 0 and 1
    and shortens the pause by up to a quarter, but never below the interval.
    """
    due = every.next_after(started)
    if not failures:
        return due
    interval = due - started
    doubled = interval * 2 ** min(failures, 20)  # twenty doublings of a second are twelve days: any more would overflow
    pause = min(doubled, max(_LONGEST_PAUSE, interval))
    return every.at_or_after(started + max(interval, pause * (1 - _JITTER * chance)))


def in_turn(due: Iterable[tuple[Job, datetime]], served: Mapping[str, datetime]) -> list[Job]:
    """Put due jobs into the order in which they may start: one of each connection, then a second of each, and so on.

    The connection that was served longest ago goes first, one that never was before all others; of one connection's
    jobs, the one that has been due longest.
    """
    waiting: dict[str, list[tuple[datetime, Job]]] = {}
    for job, since in due:
        waiting.setdefault(job.connection, []).append((since, job))
    for jobs in waiting.values():
        jobs.sort()

    def turn(connection: str) -> tuple[bool, datetime, datetime]:
        since = waiting[connection][0][0]
        return connection in served, served.get(connection, since), since

    queues = [[job for _, job in waiting[name]] for name in sorted(waiting, key=turn)]
    return [job for job in chain.from_iterable(zip_longest(*queues)) if job is not None]


def startable(queue: Sequence[Job], running: Collection[Job], orgs: Mapping[str, str], bounds: Bounds) -> list[Job]:
    """Choose the jobs of a queue that may start beside those that run, in order, within both bounds.

    `orgs` names the org of each connection: two connections may lead to one.
    """
    room = bounds.in_all - len(running)
    busy: dict[str, int] = {}
    for job in running:
        org = orgs.get(job.connection, "")
        busy[org] = busy.get(org, 0) + 1
    chosen: list[Job] = []
    for job in queue:
        if len(chosen) >= room:
            break
        org = orgs[job.connection]
        if busy.get(org, 0) < bounds.per_org:
            busy[org] = busy.get(org, 0) + 1
            chosen.append(job)
    return chosen
