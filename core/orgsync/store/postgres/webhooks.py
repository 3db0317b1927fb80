"""The tables of webhooks."""
# ruff: noqa: S608 # constants alone

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from ..webhook_table import Delivery, NewMessage, WebhookRow
from .control_sql import NOW
from .driver import Statements
from .stored import instants_in_utc

__all__ = ["WebhookTable"]

_ENDPOINT = "id, url, events, is_limited, tags, off_reason, created_at, resume_at, secrets"
_LIST = f"SELECT {_ENDPOINT} FROM orgsync_webhook ORDER BY created_at, id"
_ADD = f"INSERT INTO orgsync_webhook ({_ENDPOINT}) VALUES (%s, %s, %s, %s, %s, NULL, {NOW}, NULL, %s)"
_LIMITS = "SELECT webhook, connection FROM orgsync_webhook_connection ORDER BY connection"
_ADD_LIMIT = "INSERT INTO orgsync_webhook_connection (webhook, connection) VALUES (%s, %s)"
_REMOVE = (
    "DELETE FROM orgsync_webhook_connection WHERE webhook = %s",
    "DELETE FROM orgsync_webhook_delivery WHERE webhook = %s",
)
_REMOVE_ENDPOINT = "DELETE FROM orgsync_webhook WHERE id = %s RETURNING 1"
_SECRETS = "UPDATE orgsync_webhook SET secrets = %s WHERE id = %s"
_OFF = "UPDATE orgsync_webhook SET off_reason = %s WHERE id = %s AND off_reason IS NULL RETURNING 1"
_ON = "UPDATE orgsync_webhook SET off_reason = NULL, resume_at = NULL WHERE id = %s"
_FRESH = "state = 'pending', attempts = 0, first_tried_at = NULL, next_at = {}"
_DUE_AGAIN = f"UPDATE orgsync_webhook_delivery SET {_FRESH.format(NOW)} WHERE webhook = %s AND state = 'pending'"
_PAUSE = "UPDATE orgsync_webhook SET resume_at = %s WHERE id = %s"
_WRITE = (
    "INSERT INTO orgsync_webhook_delivery "
    "(message, webhook, connection, type, body, state, created_at, next_at, attempts) "
    "VALUES (%s, %s, %s, %s, %s, 'pending', %s, %s, 0)"
)
_DUE = (
    "SELECT id FROM orgsync_webhook WHERE off_reason IS NULL AND (resume_at IS NULL OR resume_at <= %s) AND EXISTS "
    "(SELECT 1 FROM orgsync_webhook_delivery AS d WHERE d.state = 'pending' AND d.webhook = orgsync_webhook.id "
    "AND d.next_at <= %s) ORDER BY id"
)
_DELIVERY = (
    "id, message, webhook, connection, type, body, state, attempts, status, problem, "
    "created_at, next_at, first_tried_at, tried_at"
)
_PENDING = (
    f"SELECT {_DELIVERY} FROM orgsync_webhook_delivery WHERE webhook = %s AND state = 'pending' AND id > %s "
    "AND connection NOT IN (SELECT connection FROM orgsync_webhook_delivery "
    "WHERE state = 'pending' AND webhook = %s AND next_at > %s) "
    "AND connection NOT IN (SELECT connection FROM orgsync_webhook_delivery "
    "WHERE state = 'pending' AND webhook = %s AND id <= %s) ORDER BY id LIMIT %s"
)
_GET = f"SELECT {_DELIVERY} FROM orgsync_webhook_delivery WHERE id = %s"
_DELIVERIES = (
    f"SELECT {_DELIVERY} FROM orgsync_webhook_delivery WHERE webhook = ANY(coalesce(%s::text[], ARRAY[webhook])) "
    "AND connection = ANY(coalesce(%s::text[], ARRAY[connection])) ORDER BY id DESC LIMIT %s"
)
_TRIED = "attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, %s), tried_at = %s"
_DELIVERED = (
    f"UPDATE orgsync_webhook_delivery SET {_TRIED}, state = 'delivered', status = %s, problem = NULL WHERE id = %s"
)
_FAILED = f"UPDATE orgsync_webhook_delivery SET {_TRIED}, status = %s, problem = %s, next_at = %s WHERE id = %s"
_AGAIN = f"UPDATE orgsync_webhook_delivery SET {_FRESH.format('%s')} WHERE id = %s"
_REMOVE_BEFORE = (
    "DELETE FROM orgsync_webhook_delivery WHERE id IN "
    "(SELECT id FROM orgsync_webhook_delivery WHERE created_at < %s LIMIT %s) RETURNING 1"
)
_CHANGED = "SELECT DISTINCT run_id FROM orgsync_webhook_change ORDER BY run_id"
_TAKE = "DELETE FROM orgsync_webhook_change WHERE run_id = %s RETURNING record_table, first, last"


class WebhookTable:
    """The endpoints, their deliveries, and what runs under way have changed."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def list(self) -> Sequence[WebhookRow]:
        found = await self._on.fetch(_LIST)
        limits = _by_webhook(await self._on.fetch(_LIMITS) if any(row[3] for row in found) else [])
        return [_endpoint(row, limits) for row in found]

    async def add(self, row: WebhookRow) -> None:
        limited = row.connections is not None or bool(row.tags)
        values = (row.id, row.url, " ".join(row.events), limited, " ".join(row.tags))
        await self._on.fetch(_ADD, (*values, row.secrets))
        for name in row.connections or ():
            await self._on.fetch(_ADD_LIMIT, (row.id, name))

    async def remove(self, webhook: str) -> bool:
        for statement in _REMOVE:
            await self._on.fetch(statement, (webhook,))
        return bool(await self._on.fetch(_REMOVE_ENDPOINT, (webhook,)))

    async def set_secrets(self, webhook: str, secrets: bytes) -> None:
        await self._on.fetch(_SECRETS, (secrets, webhook))

    async def switch_off(self, webhook: str, reason: str) -> bool:
        return bool(await self._on.fetch(_OFF, (reason, webhook)))

    async def switch_on(self, webhook: str) -> None:
        await self._on.fetch(_ON, (webhook,))
        await self._on.fetch(_DUE_AGAIN, (webhook,))

    async def pause(self, webhook: str, until: datetime | None) -> None:
        await self._on.fetch(_PAUSE, (until, webhook))

    async def write(self, message: NewMessage, webhooks: Sequence[str], *, at: datetime) -> None:
        when = at
        for webhook in webhooks:
            values = (message.id, webhook, message.connection, message.type, message.body, when, when)
            await self._on.fetch(_WRITE, values)

    async def due(self, now: datetime) -> Sequence[str]:
        return [webhook for (webhook,) in await self._on.fetch(_DUE, (now, now))]

    async def pending(self, webhook: str, now: datetime, *, after: int, limit: int) -> Sequence[Delivery]:
        values = (webhook, after, webhook, now, webhook, after, limit)
        return [_delivery(row) for row in await self._on.fetch(_PENDING, values)]

    async def get(self, delivery: int) -> Delivery | None:
        found = await self._on.fetch(_GET, (delivery,))
        return _delivery(found[0]) if found else None

    async def deliveries(
        self, webhooks: Collection[str] | None, *, connections: Collection[str] | None, limit: int
    ) -> Sequence[Delivery]:
        ids, names = (None if each is None else [*each] for each in (webhooks, connections))
        return [_delivery(row) for row in await self._on.fetch(_DELIVERIES, (ids, names, limit))]

    async def delivered(self, delivery: int, status: int, *, at: datetime) -> None:
        await self._on.fetch(_DELIVERED, (at, at, status, delivery))

    async def failed(self, delivery: int, *, status: int | None, problem: str, at: datetime, next_at: datetime) -> None:
        await self._on.fetch(_FAILED, (at, at, status, problem, next_at, delivery))

    async def again(self, delivery: int, *, at: datetime) -> None:
        await self._on.fetch(_AGAIN, (at, delivery))

    async def remove_before(self, instant: datetime, *, limit: int) -> int:
        return len(await self._on.fetch(_REMOVE_BEFORE, (instant, limit)))

    async def changed_runs(self) -> Sequence[int]:
        return [int(run_id) for (run_id,) in await self._on.fetch(_CHANGED)]

    async def take_changes(self, run_id: int) -> Sequence[tuple[str, int, int]]:
        return sorted(
            (str(table), int(first), int(last)) for table, first, last in await self._on.fetch(_TAKE, (run_id,))
        )


def _endpoint(row: Sequence[Any], limits: Mapping[str, Sequence[str]]) -> WebhookRow:
    webhook, url, events, is_limited, tags, off_reason, created, resume, secrets = instants_in_utc(row)
    return WebhookRow(
        id=webhook,
        url=url,
        events=events.split(),
        connections=limits.get(webhook, []) if is_limited else None,
        tags=tags.split(),
        off_reason=off_reason,
        created_at=created,
        resume_at=resume,
        secrets=bytes(secrets),
    )


def _by_webhook(found: Sequence[Sequence[Any]]) -> Mapping[str, Sequence[str]]:
    limits: defaultdict[str, list[str]] = defaultdict(list)
    for webhook, connection in found:
        limits[webhook].append(connection)
    return limits


_FIELDS = tuple(_DELIVERY.split(", "))


def _delivery(row: Sequence[Any]) -> Delivery:
    return Delivery(**dict(zip(_FIELDS, instants_in_utc(row), strict=True)))
