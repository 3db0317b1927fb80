"""What is captured while recording, becoming a cassette."""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from orgsync.clock import utc_now

from .interaction import Cassette, Interaction, RecordedConnection, RecordedRequest, RecordedResponse
from .scrubbing import scrubbed

__all__ = ["Recorder"]

_LATEST_SEEN: ContextVar[tuple["Recorder | None", int]] = ContextVar("_LATEST_SEEN", default=(None, 0))
"""The latest response that a task has seen, or that its parent had seen when it started the task."""


class Recorder:
    """Keep interactions in memory, as they are; only `cassette` gives them away, scrubbed.

    `clock` is the time of this machine, or of the demo org. What is being recorded reads `now`, which stands still from
    one response to the next: so the time at which a request was composed is known, and a replay composes it alike.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._now = clock()
        self._interactions: list[Interaction] = []
        self._capturing = True

    def __len__(self) -> int:
        return len(self._interactions)

    @property
    def now(self) -> datetime:
        """Return the time of the latest response, or of the latest `set_clock`."""
        return self._now

    def set_clock(self) -> None:
        """Read the clock again: something starts, perhaps long after the latest response."""
        self._now = self._clock()

    @property
    def capturing(self) -> bool:
        """Return whether requests that are sent now are recorded."""
        return self._capturing

    def request_sent(self) -> tuple[datetime, int] | None:
        """Return when a request is sent and after which response, to be passed to `record`; None while paused."""
        recorder, number = _LATEST_SEEN.get()
        return (self._now, number if recorder is self else 0) if self._capturing else None

    def record(self, request: RecordedRequest, response: RecordedResponse, sent: tuple[datetime, int] | None) -> None:
        """Record a request and its response, unless it was sent while paused."""
        if sent is not None:
            self._interactions.append(Interaction(request, response, *sent))
            _LATEST_SEEN.set((self, len(self._interactions)))
        self._now = self._clock()

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
            RecordedRequest("POST", "", "/arguments", (), headers, document), RecordedResponse(200), self._now, 0
        )
        return scrubbed([*self._interactions, beside], fields=fields, hosts=hosts)[-1].request.body
