"""Webhooks as the store keeps them: endpoints with encrypted secrets, and the outbox of what is to be delivered."""

import base64
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from orgsync.clock import utc_now
from orgsync.errors import ArgumentInvalid, KeyUnusable
from orgsync.records import parse_instant, to_stored

from .backend import Backend
from .connections import require_connection
from .keys import require_key
from .leases import Leases
from .messages import tell, tell_changes
from .unknown_names import no_delivery, no_webhook, row_id
from .vault import Vault
from .webhook_table import Delivery, WebhookRow

__all__ = ["RotatedSecret", "Webhooks"]

_REMOVED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class RotatedSecret:
    """A webhook's new secret; `warning` says so where the ones before cannot be decrypted, and so sign nothing more."""

    secret: str
    warning: str = ""


class Webhooks:
    """The endpoints of one open store, and their deliveries."""

    def __init__(self, backend: Backend, vault: Vault, leases: Leases) -> None:
        self._backend = backend
        self._vault = vault
        self._leases = leases

    async def list(self) -> Sequence[WebhookRow]:
        """Read all endpoints, the oldest first."""
        async with self._backend.reading() as on:
            return await on.webhooks.list()

    async def get(self, webhook: str) -> WebhookRow:
        """Read one endpoint; raises NameUnknown, with the nearest id, where there is none."""
        return _known(await self.list(), webhook)

    async def add(
        self, url: str, *, events: Sequence[str], connections: Sequence[str] | None, tags: Sequence[str]
    ) -> tuple[WebhookRow, str]:
        """Make an endpoint and return it with its secret, which cannot be read again.

        Raises NameUnknown for a connection that there is not.
        """
        await require_key(self._backend, self._vault)
        webhook, secret = f"we_{secrets.token_hex(8)}", _new_secret()
        async with self._backend.writing(durable=True) as on:
            for name in connections or ():
                await require_connection(on, name)
            row = WebhookRow(
                id=webhook,
                url=url,
                events=events,
                connections=connections,
                tags=tags,
                created_at=utc_now(),
                secrets=self._encrypted(webhook, [{"secret": secret, "until": None}]),
            )
            await on.webhooks.add(row)
            return _known(await on.webhooks.list(), webhook), secret

    async def remove(self, webhook: str) -> None:
        """Delete an endpoint and its deliveries; raises NameUnknown where there is none."""
        async with self._backend.writing(durable=True) as on:
            _known(await on.webhooks.list(), webhook)
            await on.webhooks.remove(webhook)

    async def rotate(self, webhook: str, *, overlap: timedelta) -> RotatedSecret:
        """Make a new secret and return it; those before are good for the overlap, unless they cannot be decrypted.

        Raises NameUnknown, and KeyUnusable where nothing can be encrypted.
        """
        _known(await self.list(), webhook)  # before a key is made
        await require_key(self._backend, self._vault)
        rotated = RotatedSecret(_new_secret())
        made: list[Mapping[str, Any]] = [{"secret": rotated.secret, "until": None}]
        async with self._backend.writing(durable=True) as on:
            row, now = _known(await on.webhooks.list(), webhook), await on.now()
            ends = now + overlap
            try:
                kept = self._kept(row, now)
            except KeyUnusable as problem:
                rotated = replace(rotated, warning=f"{problem.cause} From now on the new secret alone signs.")
                kept = list[dict[str, Any]]()
            if overlap:
                made += [
                    {"secret": each["secret"], "until": to_stored(min(ends, _until(each) or ends))} for each in kept
                ]
            await on.webhooks.set_secrets(webhook, self._encrypted(webhook, made))
        return rotated

    def secrets(self, row: WebhookRow, now: datetime) -> Sequence[str]:
        """Decrypt the secrets of an endpoint that are good now, the newest first; raises KeyUnusable."""
        return [str(each["secret"]) for each in self._kept(row, now)]

    def _kept(self, row: WebhookRow, now: datetime) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = self._vault.decrypt(row.id, row.secrets, kind="webhook")["secrets"]
        return [each for each in found if (until := _until(each)) is None or until > now]

    def _encrypted(self, webhook: str, secrets: Sequence[Mapping[str, Any]]) -> bytes:
        return self._vault.encrypt(webhook, {"secrets": secrets}, kind="webhook")

    async def switch_off(self, webhook: str, reason: str) -> bool:
        """Send nothing to an endpoint any more; return False where it is off already."""
        async with self._backend.writing(durable=True) as on:
            return await on.webhooks.switch_off(webhook, reason)

    async def switch_on(self, webhook: str) -> WebhookRow:
        """Send to an endpoint again, what is pending at once; raises NameUnknown where there is none."""
        async with self._backend.writing(durable=True) as on:
            _known(await on.webhooks.list(), webhook)
            await on.webhooks.switch_on(webhook)
            return _known(await on.webhooks.list(), webhook)

    async def tell(self, event: str, connection: str, data: Mapping[str, Any]) -> None:
        """Write a message in a transaction of its own; see `messages.tell`, for one in the event's own."""
        async with self._backend.writing() as on:
            await tell(on, event, connection, data)

    async def tell_left(self) -> None:
        """Tell what runs have changed that will not end by themselves, for their processes have died."""
        async with self._backend.reading() as on:
            runs = await on.webhooks.changed_runs()
        for run_id in runs:
            async with self._backend.writing() as on:
                run = await on.runs.get(run_id)
                if run is None:
                    await on.webhooks.take_changes(run_id)
                elif run.status != "running" or not await self._leases.is_held(on, run.sync, run.connection):
                    await tell_changes(on, run)

    # Delivery

    def lock(self, webhook: str) -> AbstractAsyncContextManager[None]:
        """Hold the right to deliver to an endpoint, which ends with its holder; raises AlreadyRunning at once."""
        return self._backend.lock(f"webhook {webhook}", timeout=0)

    async def now(self) -> datetime:
        """Return the database's time."""
        async with self._backend.reading() as on:
            return await on.now()

    async def due(self) -> Sequence[str]:
        """List the endpoints that have something to deliver now."""
        async with self._backend.reading() as on:
            return await on.webhooks.due(await on.now())

    async def pending(self, webhook: str, *, after: int = 0, limit: int) -> Sequence[Delivery]:
        """Read what is to be delivered now, in order; see `WebhookTable.pending`."""
        async with self._backend.reading() as on:
            return await on.webhooks.pending(webhook, await on.now(), after=after, limit=limit)

    async def delivered(self, delivery: Delivery, status: int) -> None:
        """Note that a message was accepted."""
        async with self._backend.writing() as on:
            await on.webhooks.delivered(delivery.id, status, at=await on.now())
            await on.webhooks.pause(delivery.webhook, None)

    async def failed(
        self,
        delivery: Delivery,
        *,
        status: int | None,
        problem: str,
        at: datetime,
        next_at: datetime,
        pause_all: bool,
    ) -> None:
        """Note an attempt that failed and when the next is due; with `pause_all` nothing else is sent there before."""
        async with self._backend.writing() as on:
            await on.webhooks.failed(delivery.id, status=status, problem=problem, at=at, next_at=next_at)
            if pause_all:
                await on.webhooks.pause(delivery.webhook, next_at)

    async def deliveries(
        self,
        webhook: str | Collection[str] | None = None,
        *,
        connections: Collection[str] | None = None,
        limit: int = 50,
    ) -> Sequence[Delivery]:
        """Read deliveries to one or some endpoints or all, of some connections or all, latest first.

        Raises NameUnknown for an endpoint that there is not.
        """
        chosen = [webhook] if isinstance(webhook, str) else webhook
        async with self._backend.reading() as on:
            if chosen:
                there = await on.webhooks.list()
                for each in chosen:
                    _known(there, each)
            return await on.webhooks.deliveries(chosen, connections=connections, limit=limit)

    async def delivery(self, delivery: int) -> Delivery:
        """Read one delivery; raises NameUnknown for a number that none has."""
        async with self._backend.reading() as on:
            found = await on.webhooks.get(row_id(delivery))
        if found is None:
            raise no_delivery(delivery)
        return found

    async def redeliver(self, delivery: int) -> Delivery:
        """Let a message be delivered once more, with its id; raises ArgumentInvalid where its endpoint is off."""
        found = await self.delivery(delivery)
        async with self._backend.writing(durable=True) as on:
            endpoint = _known(await on.webhooks.list(), found.webhook)
            if endpoint.off_reason is not None:
                raise ArgumentInvalid(
                    f"The webhook {endpoint.id} is off: {endpoint.off_reason}",
                    f"Switch it on, which delivers what is pending: orgsync webhooks enable {endpoint.id}.",
                )
            at = await on.now()
            await on.webhooks.again(delivery, at=at)
        return replace(found, state="pending", attempts=0, first_tried_at=None, next_at=at)

    async def remove_before(self, instant: datetime) -> int:
        """Delete deliveries that were written before an instant; count them."""
        deleted, some = 0, _REMOVED_AT_ONCE
        while some == _REMOVED_AT_ONCE:
            async with self._backend.writing() as on:
                some = await on.webhooks.remove_before(instant, limit=_REMOVED_AT_ONCE)
            deleted += some
        return deleted


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def _until(kept: Mapping[str, Any]) -> datetime | None:
    return None if kept["until"] is None else parse_instant(kept["until"])


def _known(there: Sequence[WebhookRow], webhook: str) -> WebhookRow:
    known = {each.id: each for each in there}
    if webhook not in known:
        raise no_webhook(webhook, known)
    return known[webhook]
