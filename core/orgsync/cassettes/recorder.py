"""What is captured while recording, becoming a cassette."""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orgsync.clock import utc_now

from .interaction import Cassette, Interaction, RecordedConnection, RecordedRequest, RecordedResponse
from .scrubbing import scrubbed

__all__ = ["Recorder"]


_TOGETHER = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Seen:
    """How far a task is, or was its parent when it started the task: the latest response it has seen, and its time."""

    recorder: "Recorder"
    response: int
    now: datetime


_SEEN: ContextVar[_Seen | None] = ContextVar("_SEEN", default=None)


class Recorder:
    """Keep interactions in memory, as they are; only `cassette` gives them away, scrubbed.

    `clock` is the time of this machine, or of the demo org. What is being recorded reads `now`, which stands still for
    each task from one response that it sees to the next: so the time at which a request was composed is known, and a
    replay composes it alike, though other tasks may be faster then. A sign-in moves no time: which of several tasks
    signs in for all is chance.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._began = clock()
        self._started = self._began, 0
        self._received = 0
        self._interactions: list[Interaction] = []
        self._capturing = True

    def __len__(self) -> int:
        return len(self._interactions)

    @property
    def now(self) -> datetime:
        """Return the time of the latest response that the present task has seen, or of its latest `set_clock`."""
        return self._seen.now

    def set_clock(self) -> None:
        """Read the clock again: something starts in the present task, perhaps long after its latest response.

        What starts together has one time, so that a replay need not know which of it is which.
        """
        now, (before, received) = self._clock(), self._started
        if received != self._received or now - before >= _TOGETHER:
            self._started = now, self._received
        _SEEN.set(replace(self._seen, now=self._started[0]))

    @property
    def _seen(self) -> _Seen:
        seen = _SEEN.get()
        return seen if seen and seen.recorder is self else _Seen(self, 0, self._began)

    @property
    def capturing(self) -> bool:
        """Return whether requests that are sent now are recorded."""
        return self._capturing

    def request_sent(self) -> tuple[datetime, int] | None:
        """Return when a request is sent and after which response, to be passed to `record`; None while paused."""
        return (self._seen.now, self._seen.response) if self._capturing else None

    def record(self, request: RecordedRequest, response: RecordedResponse, sent: tuple[datetime, int] | None) -> None:
        """Record a request and its response, unless it was sent while paused."""
        seen = self._seen
        self._received += 1
        if sent is not None:
            self._interactions.append(Interaction(request, response, *sent))
            seen = replace(seen, response=len(self._interactions))
        _SEEN.set(seen if request.is_sign_in else replace(seen, now=self._clock()))

    @contextmanager
    def paused(self) -> Generator[None]:
        """Record nothing that is sent inside the block."""
        self._capturing = False
        try:
            yield
        finally:
            self._capturing = True

    def cassette(
        self, connection: RecordedConnection, *, origin: str, fields: Sequence[str] = (), hosts: Collection[str] = ()
    ) -> Cassette:
        """Return a cassette without secrets, hosts and personal data; see `scrubbed`."""
        return Cassette(tuple(scrubbed(self._interactions, fields=fields, hosts=hosts)), connection, origin)

    def scrubbed_beside(self, document: str, *, fields: Sequence[str] = (), hosts: Collection[str] = ()) -> str:
        """Return a text of JSON with the stand-ins that the cassette has for the same values."""
        headers = {"content-type": "application/json"}
        beside = Interaction(
            RecordedRequest("POST", "", "/arguments", (), headers, document), RecordedResponse(200), self._began, 0
        )
        return scrubbed([*self._interactions, beside], fields=fields, hosts=hosts)[-1].request.body
