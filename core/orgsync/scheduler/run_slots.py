"""The slots of runs under way: released while a run waits, by the run itself or because no answer comes."""

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from orgsync.engine import Committed, Event, Job, Started
from orgsync.errors import OrgsyncError

from .slots import Slots

__all__ = ["Patience", "RunSlot"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds a run may go without an answer before its slot is given to others, and when it is reported.

    It is reported when it has been under way for `report_after`, and again whenever that has doubled.
    """

    stalled_after: float = 10.0
    report_after: float = 30.0


class RunSlot:
    """The slot of one run, which observes the run's events.

    `wake` wakes the scheduler, `retrying` is called with what makes the run wait before it tries again. `run` is the
    run's number, None before it has begun; `rows` how many it has committed; `noted` what the store says that it waits
    for.
    """

    def __init__(
        self,
        job: Job,
        slots: Slots,
        patience: Patience,
        wake: Callable[[], None],
        *,
        retrying: Callable[[Job, OrgsyncError], None] = lambda _job, _cause: None,
    ) -> None:
        self.job = job
        self.run: int | None = None
        self.rows = 0
        self.has_stalled = False
        self.noted = ""
        self._slots = slots
        self._patience = patience
        self._wake = wake
        self._retrying = retrying
        self._began = self._answered_at = anyio.current_time()
        self._report_at = self._began + patience.report_after
        self._waiting = 0  # requests that have no answer yet
        self._stalls = self._released = self._complained = self._closed = False
        self._cause: OrgsyncError | None = None
        self._granted: anyio.Event | None = None

    # Called by the run

    def observe(self, event: Event) -> None:
        """Note how far the run is."""
        if isinstance(event, Started):
            self.run = event.run
        elif isinstance(event, Committed):
            self.rows = event.rows

    def request_sent(self) -> None:
        """Note a request that was sent: from now on the run waits for its answer."""
        if not self._waiting:
            self._answered_at = anyio.current_time()
        self._waiting += 1

    def request_ended(self) -> None:
        """Note the end of a request's wait. A run that had stalled works again, and has a slot again."""
        self._waiting -= 1
        self._answered_at, self._cause = anyio.current_time(), None
        if self._stalls and not self._closed:
            self._stalls = False
            self._slots.reclaim(self.job)

    def release(self, cause: OrgsyncError | None) -> None:
        """Release the slot until `acquire`; the cause is what the run waits to retry after."""
        if self._closed:
            return
        self._released, self._stalls, self._cause = True, False, cause
        if cause is not None:
            self._retrying(self.job, cause)
        self._slots.release(self.job)
        self._wake()

    async def acquire(self) -> None:
        """Wait for a slot, where this one was released; tasks of one run wait for one together."""
        if not self._released or self._closed:
            return
        if self._granted is None:
            self._granted = anyio.Event()
            self._slots.request(self.job)
            self._wake()
        await self._granted.wait()

    # Called by the scheduler

    def grant(self) -> None:
        """Let the run resume."""
        self._released, self._answered_at = False, anyio.current_time()
        if self._granted is not None:
            self._granted.set()
            self._granted = None

    def close(self) -> None:
        """Take no more part: tasks that the script has left behind need no slot, and get none of the next run's."""
        self._closed = True
        self.grant()

    def check(self) -> None:
        """Give the slot to others where no answer has come for too long."""
        quiet = anyio.current_time() - self._answered_at
        waits = self._waiting and not self._released and not self._stalls
        if waits and quiet >= self._patience.stalled_after:
            self._stalls = self.has_stalled = True
            self._slots.stall(self.job)

    def is_to_be_reported(self, complaint: str) -> bool:
        """Return whether the run has been under way for long, and has since doubled that, or begun to wait."""
        at, is_new = anyio.current_time(), bool(complaint) and not self._complained
        if at < (self._began + self._patience.report_after if is_new else self._report_at):
            return False
        self._report_at, self._complained = at + (at - self._began), bool(complaint)
        return True

    @property
    def seconds(self) -> float:
        """How long the run has been under way."""
        return anyio.current_time() - self._began

    @property
    def complaint(self) -> str:
        """What the run waits for, with a remedy; empty while it works."""
        if self._stalls:
            seconds = anyio.current_time() - self._answered_at
            return (
                f"No answer has come for {seconds:.0f} seconds. The run ends by itself when the time of the setting "
                "timeout is over; look at the network and at status.salesforce.com."
            )
        return f"It waits to try again. {self._cause}" if self._released and self._cause else ""
