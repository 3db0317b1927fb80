"""The webhooks of a project: endpoints made and removed, their secrets, and what is delivered to them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypedDict

from orgsync.errors import ArgumentInvalid
from orgsync.salesforce.http.transport import HttpxTransport
from orgsync.settings import Settings
from orgsync.store import Store
from orgsync.store.messages import body_of, new_message_id
from orgsync.store.unknown_names import no_delivery, no_webhook
from orgsync.store.webhook_table import Delivery, DeliveryState, WebhookRow
from orgsync.store.webhooks import RotatedSecret
from orgsync.suggest import nearest
from orgsync.webhook_events import EVENTS, TEST_EVENT
from orgsync.webhooks.addresses import Allowed, addresses_of
from orgsync.webhooks.sending import Attempt, require_signing, send

from .sign_ins import checked_tags
from .tokens import lifetime
from .views import Instant, instant

__all__ = [
    "EVENTS",
    "Attempt",
    "Delivery",
    "DeliveryView",
    "RotatedSecret",
    "WebhookRow",
    "WebhookView",
    "Webhooks",
    "delivery_view",
    "no_delivery",
    "no_webhook",
    "overlap_of",
    "webhook_view",
]

_LONGEST_OVERLAP = timedelta(days=30)


class WebhookView(TypedDict):
    """An endpoint as JSON, without its secret.

    No `events` are all of them; `connections` null is all of them. `off` says why nothing is sent, null while it is.
    """

    id: str
    url: str
    events: list[str]
    connections: list[str] | None
    tags: list[str]
    off: str | None
    created_at: Instant | None


class DeliveryView(TypedDict):
    """A message for one endpoint as JSON; `status` and `problem` are what became of the last attempt."""

    id: int
    message: str
    webhook: str
    connection: str
    type: str
    state: DeliveryState
    created_at: Instant | None
    attempts: int
    tried_at: Instant | None
    next_at: Instant | None
    status: int | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The webhooks of the store."""

    store: Store
    settings: Settings

    async def list(self) -> Sequence[WebhookRow]:
        """Return all endpoints, the oldest first."""
        return await self.store.webhooks.list()

    async def get(self, webhook: str) -> WebhookRow:
        """Return one endpoint; raises NameUnknown where there is none with this id."""
        return await self.store.webhooks.get(webhook)

    async def add(
        self,
        url: str,
        *,
        events: Sequence[str] = (),
        connections: Sequence[str] | None = None,
        tags: Sequence[str] = (),
    ) -> tuple[WebhookRow, str]:
        """Make an endpoint, and return it with its secret, which cannot be shown again.

        No events are all of them. `connections` and `tags` limit it to these and those; neither is all connections.
        Raises ArgumentInvalid for a URL that cannot be sent to and an event that there is not, HostNotAllowed for an
        address that may not be sent to, NameUnknown for a connection, and PackageMissing.
        """
        require_signing()
        for event in events:
            if event not in EVENTS:
                near = nearest(event, EVENTS)
                guess = f"Did you mean {near}?" if near else f"Events: {', '.join(EVENTS)}."
                raise ArgumentInvalid(f"There is no event {event!r}.", guess)
        if connections is not None and not connections and not tags:
            raise ArgumentInvalid("A webhook that is limited to no connection is sent nothing.", "Name one.")
        try:
            await addresses_of(url, Allowed.of(self.settings))
        except OSError:
            raise ArgumentInvalid("The webhook's host has no address.", "Check the URL, and the DNS here.") from None
        names = None if connections is None else list(dict.fromkeys(connections))
        ordered = [event for event in EVENTS if event in events]
        return await self.store.webhooks.add(url, events=ordered, connections=names, tags=checked_tags(tags))

    async def remove(self, webhook: str) -> None:
        """Delete an endpoint, and what is still to be delivered to it; raises NameUnknown."""
        await self.store.webhooks.remove(webhook)

    async def enable(self, webhook: str) -> WebhookRow:
        """Send to an endpoint that was switched off again, what is pending at once; raises NameUnknown."""
        return await self.store.webhooks.switch_on(webhook)

    async def rotate(self, webhook: str, *, overlap: timedelta = timedelta(days=1)) -> RotatedSecret:
        """Make a new secret and return it; the one before signs as well for the overlap. Raises NameUnknown.

        Where the one before cannot be decrypted, it signs nothing more, and `warning` says so.
        """
        return await self.store.webhooks.rotate(webhook, overlap=overlap)

    async def test(self, webhook: str) -> Attempt:
        """Send one message of the type `webhook.test` now, and return what became of it; raises NameUnknown."""
        row, now = await self.get(webhook), await self.store.webhooks.now()
        transport = HttpxTransport()
        try:
            return await send(
                transport,
                row.url,
                message=new_message_id(),
                body=body_of(TEST_EVENT, now, {"webhook": row.id}),
                secrets=self.store.webhooks.secrets(row, now),
                allowed=Allowed.of(self.settings),
            )
        finally:
            await transport.aclose()

    async def deliveries(
        self,
        webhook: str | Collection[str] | None = None,
        *,
        connections: Collection[str] | None = None,
        limit: int = 50,
    ) -> Sequence[Delivery]:
        """Return deliveries to one or some endpoints or to all, of some connections or of all; raises NameUnknown.

        They are those of the last 30 days, the latest first.
        """
        return await self.store.webhooks.deliveries(webhook, connections=connections, limit=limit)

    async def delivery(self, delivery: int) -> Delivery:
        """Return one delivery; raises NameUnknown."""
        return await self.store.webhooks.delivery(delivery)

    async def redeliver(self, delivery: int) -> Delivery:
        """Let a message be delivered once more; raises NameUnknown, and ArgumentInvalid where its endpoint is off."""
        return await self.store.webhooks.redeliver(delivery)


def overlap_of(text: str) -> timedelta:
    """Read how long the old secret is good beside the new one: `0`, `12h`, `7d`; raises ArgumentInvalid."""
    overlap = timedelta() if text.strip() == "0" else lifetime(text, of="--overlap")
    if overlap > _LONGEST_OVERLAP:
        raise ArgumentInvalid("Two secrets overlap for at most 30 days.", "Give a shorter time: 7d.")
    return overlap


def webhook_view(row: WebhookRow) -> WebhookView:
    """Return an endpoint as JSON."""
    return {
        "id": row.id,
        "url": row.url,
        "events": list(row.events),
        "connections": None if row.connections is None else list(row.connections),
        "tags": list(row.tags),
        "off": row.off_reason,
        "created_at": instant(row.created_at),
    }


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Return a delivery as JSON."""
    return {
        "id": delivery.id,
        "message": delivery.message,
        "webhook": delivery.webhook,
        "connection": delivery.connection,
        "type": delivery.type,
        "state": delivery.state,
        "created_at": instant(delivery.created_at),
        "attempts": delivery.attempts,
        "tried_at": instant(delivery.tried_at),
        "next_at": instant(delivery.next_at) if delivery.state == "pending" else None,
        "status": delivery.status,
        "problem": delivery.problem,
    }
