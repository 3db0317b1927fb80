"""What a cassette holds: requests and their answers as text, in the order in which the answers came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["Interaction", "RecordedRequest", "RecordedResponse"]


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request. `origin` is `scheme://host:port`; a scrubbed one is empty where the request went to the org.

    `query` holds decoded pairs in the order of the URL. `headers` have lower-case names. `body` is text: a form
    still encoded, JSON as it was sent.
    """

    method: str
    origin: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str = ""


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """One answer, its body decoded: text, or bytes where it is none. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | bytes = ""
    reason: str = ""

    @property
    def date(self) -> datetime:
        """Give the server's clock from the `Date` header; raises KeyError or ValueError where it is not there."""
        return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its answer.

    `at` is when the request was sent, by the clock of the machine that recorded. `after` is the number of the step,
    counted from 1, whose answer was the latest that its task had seen: that of an earlier step where tasks asked at
    once, and 0 where the task had seen none.
    """

    request: RecordedRequest
    response: RecordedResponse
    at: datetime
    after: int
