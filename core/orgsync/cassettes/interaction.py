"""What a cassette holds: requests and their responses as text, in the order in which the responses arrived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from orgsync.salesforce.auth.credentials import Grant
from orgsync.store import Environment

__all__ = ["Cassette", "Interaction", "RecordedConnection", "RecordedRequest", "RecordedResponse"]


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

    @property
    def is_sign_in(self) -> bool:
        """Return whether this asks for a token."""
        return self.path == "/services/oauth2/token"


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """One response, its body decoded: text, or bytes where it is not text. `headers` have lower-case names.

    `reason` is empty where it is the usual phrase of the status.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: str | bytes = ""
    reason: str = ""

    @property
    def date(self) -> datetime:
        """Return the server's clock from the `date` header. Raises KeyError or ValueError where there is none."""
        return parsedate_to_datetime(self.headers["date"]).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Interaction:
    """A request and its response.

    `at` is when the request was sent, by the clock of the machine that recorded. `after` is the number of the step,
    counted from 1, whose response was the latest that its task had seen: an earlier step's where tasks sent requests at
    once, and 0 where the task had seen none.
    """

    request: RecordedRequest
    response: RecordedResponse
    at: datetime
    after: int


class RecordedConnection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a replay must know of the connection: how it signs in, the kind of its org, the API version.

    Its field mapping is there if it has one, as the store keeps it.
    """

    grant: Grant = "refresh-token"
    environment: Environment = "production"
    api_version: str = "62.0"
    mapping: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Cassette:
    """Interactions in the order of their responses, the connection that they used, and where they come from."""

    interactions: tuple[Interaction, ...]
    connection: RecordedConnection = field(default_factory=RecordedConnection)
    origin: str = ""
