"""Messages for webhooks, written in the transaction of what they tell: both are committed, or neither."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from orgsync.records import to_stored
from orgsync.webhook_events import EVENTS

from .backend import Transaction
from .model import Connection, Run
from .webhook_table import NewMessage, WebhookRow

__all__ = ["body_of", "new_message_id", "tell", "tell_changes", "tell_connection", "tell_run"]

_COUNTS = ("added", "updated", "deleted", "unchanged", "api_calls")


async def tell(
    on: Transaction, event: str, connection: str, data: Mapping[str, Any], *, tags: Sequence[str] | None = None
) -> None:
    """Write a message for each endpoint that wants this event of this connection; "" is no connection's.

    Where there is no endpoint, this is one look at an empty table. `tags` are the connection's, read if they are needed
    and not given. Raises KeyError for an event that `webhook_events.EVENTS` does not name.
    """
    EVENTS[event]
    wanting = [each for each in await on.webhooks.list() if each.off_reason is None and _wants(each, event)]
    if tags is None and any(each.tags for each in wanting):
        found = await on.connections.get(connection)
        tags = [] if found is None else found.tags
    chosen = [each.id for each in wanting if _covers(each, connection, tags or ())]
    if not chosen:
        return
    at = await on.now()
    message = NewMessage(new_message_id(), connection, event, body_of(event, at, data))
    await on.webhooks.write(message, chosen, at=at)


async def tell_connection(on: Transaction, event: str, connection: Connection, **more: Any) -> None:
    """Tell an event of a connection."""
    data = {"connection": connection.name, "org_id": connection.org_id, "environment": connection.environment, **more}
    await tell(on, event, connection.name, data, tags=connection.tags)


async def tell_run(on: Transaction, run: Run) -> None:
    """Tell that a run has ended, after what it has changed. Without an endpoint, this is one look at an empty table."""
    if not await on.webhooks.list():
        return
    await tell_changes(on, run)
    data: dict[str, Any] = {
        "run": run.id,
        "kind": run.kind,
        "name": run.sync,
        "connection": run.connection,
        "status": run.status,
        "started_at": to_stored(run.started_at),
        "finished_at": run.finished_at and to_stored(run.finished_at),
        **{name: getattr(run, name) for name in _COUNTS},
        "error": run.error,
        "error_code": run.error_code,
    }
    await tell(on, "run.finished", run.connection, data)


async def tell_changes(on: Transaction, run: Run) -> None:
    """Tell what a run has changed since that was last told: a message for each table."""
    if run.kind != "sync":
        return
    for table, first, last in await on.webhooks.take_changes(run.id):
        data = {
            "connection": run.connection,
            "table": table,
            "first": first,
            "last": last,
            "run": run.id,
            "sync": run.sync,
        }
        await tell(on, "records.changed", run.connection, data)


def new_message_id() -> str:
    """Return an id for a message, by which receivers know it when it comes again."""
    return f"msg_{secrets.token_hex(16)}"


def body_of(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    """Return a message as it is sent."""
    whole = {"type": event, "timestamp": to_stored(at), "data": dict(data)}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def _wants(webhook: WebhookRow, event: str) -> bool:
    return not webhook.events or event in webhook.events


def _covers(webhook: WebhookRow, connection: str, tags: Sequence[str]) -> bool:
    if webhook.connections is None:
        return True
    return connection in webhook.connections or any(tag in webhook.tags for tag in tags)
