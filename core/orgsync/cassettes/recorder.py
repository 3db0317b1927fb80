"""What is heard while recording, becoming a cassette."""

from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime

from orgsync.clock import utc_now
from orgsync.salesforce.http.http import Response

from .cassette_file import Cassette, RecordedConnection
from .interaction import Interaction, RecordedRequest, RecordedResponse
from .scrubbing import scrubbed

__all__ = ["Recorder"]

_SEEN: ContextVar[tuple["Recorder | None", int]] = ContextVar("_SEEN", default=(None, 0))
"""The latest answer that a task has seen, or the task that began it by then."""


class Recorder:
    """Keep interactions in memory, as they are; only `cassette` gives them away, scrubbed.

    `clock` is the time of this machine, or of the org that tests play with. What runs is told `now`, which stands still
    from one answer to the next: so the time that a request was made of is known, and a replay makes the same request.
    """

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._now = clock()
        self._kept: list[Interaction] = []
        self._listens = True

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def now(self) -> datetime:
        """Tell the time of the latest answer, or of the latest beginning."""
        return self._now

    def begin(self) -> None:
        """Look at the clock: something begins, perhaps long after the latest answer."""
        self._now = self._clock()

    @property
    def listens(self) -> bool:
        """Tell whether what is sent now is kept."""
        return self._listens

    def sent(self) -> tuple[datetime, int] | None:
        """Note that a request goes out: when, and after which answer; None while nothing is kept."""
        recorder, number = _SEEN.get()
        return (self._now, number if recorder is self else 0) if self._listens else None

    def keep(self, request: RecordedRequest, response: RecordedResponse, sent: tuple[datetime, int] | None) -> None:
        """Keep a request and its answer, unless it was sent unheard."""
        if sent is not None:
            self._kept.append(Interaction(request, response, *sent))
            _SEEN.set((self, len(self._kept)))
        self._now = self._clock()

    @contextmanager
    def unheard(self) -> Generator[None]:
        """Keep nothing of what is sent meanwhile."""
        self._listens = False
        try:
            yield
        finally:
            self._listens = True

    def shortened(self, was: Response, given: Response) -> None:
        """Keep the answer that the client was given in the place of the one that came."""
        for number in reversed(range(len(self._kept))):
            each = self._kept[number]
            if each.response.status == was.status and each.response.body == was.content.decode():
                headers = {name: given.headers.get(name, value) for name, value in each.response.headers.items()}
                response = replace(each.response, headers=headers, body=given.content.decode())
                self._kept[number] = replace(each, response=response)
                return

    def cassette(
        self, connection: RecordedConnection, *, origin: str, fields: Sequence[str] = (), hosts: Collection[str] = ()
    ) -> Cassette:
        """Make a cassette without secrets, hosts and personal data; see `scrubbed`."""
        return Cassette(tuple(scrubbed(self._kept, fields=fields, hosts=hosts)), connection, origin)
