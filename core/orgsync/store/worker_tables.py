"""What a backend that several hosts share does with the tables of workers and their jobs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

__all__ = ["End", "JobEnd", "KeptLock", "SentJob", "WorkerJobRow", "WorkerRow", "WorkerTables", "WorkersSeen"]


End: TypeAlias = Literal["", "done", "failed", "unreachable", "limit", "sign-in", "elsewhere"]
"""How a job ended; "" as long as it has not.

unreachable is an org that did not answer, limit one that has reached its own, sign-in a connection that needs one,
elsewhere a process that is no worker and runs it.
"""


@dataclass(frozen=True, slots=True)
class SentJob:
    """A job as the queue carries it: the number of its row, and the epoch under which a worker may take it."""

    id: int
    epoch: int
    priority: int = 0


@dataclass(frozen=True, slots=True)
class JobEnd:
    """How a job ended, as its worker reports it.

    `run` is the number of the run, None where none began. `cause` to `exit_code`
    are of the problem that ended it.
    """

    end: End
    run: int | None = None
    cause: str = ""
    remedy: str = ""
    error_code: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class WorkerJobRow:
    """A job under way; see `orgsync.store.worker_model.WorkerJob`. `is_late` says that its time has passed."""

    id: int
    job: str
    priority: int
    state: str
    epoch: int
    since: datetime
    worker: str | None
    waits: bool
    is_late: bool
    end: JobEnd

    @property
    def sent(self) -> SentJob:
        """What the queue carries of it."""
        return SentJob(self.id, self.epoch, self.priority)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker that was seen less than so many seconds ago."""

    name: str
    concurrency: int
    plans: bool
    started_at: datetime


@dataclass(frozen=True, slots=True)
class WorkersSeen:
    """The workers that were seen within so many seconds, the planner first, and how many jobs are in each state."""

    workers: Sequence[WorkerRow]
    jobs: Mapping[str, int]


class KeptLock(Protocol):
    """A lock that is lost when its holder does not speak for some seconds."""

    async def keep(self) -> None:
        """Keep the lock; raises StoreUnavailable where it is lost."""
        ...


class WorkerTables(Protocol):
    """Workers and their jobs, within one transaction. Every time is the database's."""

    async def see(self, name: str, *, concurrency: int, plans: bool) -> None:
        """Note that a worker is alive, and whether it plans."""
        ...

    async def leave(self, name: str) -> None:
        """Remove a worker."""
        ...

    async def alive(self, ttl: float) -> Sequence[WorkerRow]:
        """List the workers that were seen within so many seconds, the planner first."""
        ...

    async def remove_unseen(self, ttl: float) -> None:
        """Remove the workers that were not seen within so many seconds."""
        ...

    async def begin_planning(self) -> int:
        """Return the number of a new planner, which ends the right of every earlier one."""
        ...

    async def may_plan(self, number: int) -> bool:
        """Return whether no later planner has begun; none does before the end of the transaction."""
        ...

    async def now(self) -> datetime:
        """Return the server's time."""
        ...

    async def send(self, jobs: Sequence[str], *, ttl: float) -> Sequence[SentJob]:
        """Insert jobs of the schedule as sent, to be taken within so many seconds, in order."""
        ...

    async def send_again(self, ids: Collection[int], *, ttl: float) -> Sequence[SentJob]:
        """Mark jobs as sent under the next epoch: whoever had them may not end them any more."""
        ...

    async def request(self, job: str, *, priority: int) -> int:
        """Insert a job that somebody waits for, and return its number."""
        ...

    async def under_way(self) -> Sequence[WorkerJobRow]:
        """List what is requested, sent, running, or ended and not yet taken, in the order of their numbers."""
        ...

    async def take_ended(self) -> Sequence[WorkerJobRow]:
        """List what has ended, each once. Only what somebody waits for is kept, as reported."""
        ...

    async def remove(self, ids: Collection[int]) -> None:
        """Remove jobs."""
        ...

    async def remove_reported(self, age: float) -> None:
        """Remove what somebody waited for, but did not fetch for so many seconds."""
        ...

    async def take(self, sent: Collection[SentJob], *, worker: str, ttl: float) -> Sequence[WorkerJobRow]:
        """Give sent jobs to a worker, for so many seconds; those that are no longer under this epoch are left out."""
        ...

    async def renew(self, worker: str, *, waiting: Collection[int], ttl: float) -> Sequence[SentJob]:
        """Keep a worker's jobs for so many seconds more, some of them as waiting, and list them all."""
        ...

    async def end(self, ended: Sequence[tuple[SentJob, JobEnd]]) -> None:
        """Note how jobs ended, unless they were sent again since."""
        ...

    async def get(self, id: int) -> WorkerJobRow | None:
        """Read one job."""
        ...

    async def counts(self) -> dict[str, int]:
        """Count the jobs by state."""
        ...
