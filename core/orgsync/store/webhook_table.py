"""What a backend does with the tables of webhooks, a protocol like those of the control tables."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

__all__ = ["Delivery", "DeliveryState", "NewMessage", "WebhookRow", "WebhookTable"]

DeliveryState: TypeAlias = Literal["pending", "delivered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRow:
    """An endpoint. No `events` are all; `connections` None and no `tags` are all connections.

    `off_reason` is None while something is sent to it; nothing is tried before `resume_at`. `secrets` are encrypted.
    """

    id: str
    url: str = field(repr=False)
    events: Sequence[str]
    connections: Sequence[str] | None
    tags: Sequence[str]
    off_reason: str | None = None
    created_at: datetime
    resume_at: datetime | None = None
    secrets: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message as it is written: the id that receivers see, the connection, the type and the JSON body."""

    id: str
    connection: str
    type: str
    body: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message for one endpoint, and what became of the last attempt; `state` is pending or delivered."""

    id: int
    message: str
    webhook: str
    connection: str
    type: str
    body: str = field(repr=False)
    state: DeliveryState
    created_at: datetime
    next_at: datetime
    attempts: int
    first_tried_at: datetime | None
    tried_at: datetime | None
    status: int | None
    problem: str | None


class WebhookTable(Protocol):
    """The endpoints, their deliveries, and what runs under way have changed."""

    async def list(self) -> Sequence[WebhookRow]:
        """Read all endpoints, the oldest first."""
        ...

    async def add(self, row: WebhookRow) -> None:
        """Insert an endpoint; the backend stamps when it was made."""
        ...

    async def remove(self, webhook: str) -> bool:
        """Delete an endpoint and its deliveries; return False where there is none with this id."""
        ...

    async def set_secrets(self, webhook: str, secrets: bytes) -> None:
        """Replace the encrypted secrets of an endpoint."""
        ...

    async def switch_off(self, webhook: str, reason: str) -> bool:
        """Switch an endpoint off; return False where it is off already."""
        ...

    async def switch_on(self, webhook: str) -> None:
        """Switch an endpoint on; what is pending is due now, as if it had never been tried."""
        ...

    async def pause(self, webhook: str, until: datetime | None) -> None:
        """Set the instant before which nothing is sent to an endpoint."""
        ...

    async def write(self, message: NewMessage, webhooks: Sequence[str], *, at: datetime) -> None:
        """Insert a message for each of these endpoints, due at once."""
        ...

    async def due(self, now: datetime) -> Sequence[str]:
        """List the endpoints that are on, not paused, and have something to deliver."""
        ...

    async def pending(self, webhook: str, now: datetime, *, after: int, limit: int) -> Sequence[Delivery]:
        """Read what is to be delivered, in order, but for connections whose first message waits for its next attempt.

        `after` is the id of a delivery, the last of the page before; connections that have one left there are left out.
        """
        ...

    async def get(self, delivery: int) -> Delivery | None:
        """Read one delivery."""
        ...

    async def deliveries(
        self, webhooks: Collection[str] | None, *, connections: Collection[str] | None, limit: int
    ) -> Sequence[Delivery]:
        """Read deliveries to some endpoints or to all, of some connections or of all, the latest first."""
        ...

    async def delivered(self, delivery: int, status: int, *, at: datetime) -> None:
        """Note that a message was accepted."""
        ...

    async def failed(self, delivery: int, *, status: int | None, problem: str, at: datetime, next_at: datetime) -> None:
        """Note an attempt that failed, and when the next one is due."""
        ...

    async def again(self, delivery: int, *, at: datetime) -> None:
        """Let a message be delivered once more, as if it had never been tried."""
        ...

    async def remove_before(self, instant: datetime, *, limit: int) -> int:
        """Delete at most `limit` deliveries that were written before an instant; count them."""
        ...

    async def changed_runs(self) -> Sequence[int]:
        """List the runs whose changes wait for the run's end."""
        ...

    async def take_changes(self, run_id: int) -> Sequence[tuple[str, int, int]]:
        """Delete what a run has changed, and return it: each table with the first and the last number."""
        ...
