"""The tables of health."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orgsync.records import parse_instant, to_stored

from .. import health_sql as sql
from ..health_rows import AlertRow, ConnectionHealth, SchemaRow, StandingRow, packed, schema_row
from .driver import Statements
from .view_rows import alert_row, instant, standing_row

__all__ = ["HealthTable"]


class HealthTable:
    """How syncs stand, the alerts that are active, and the schemas of orgs."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def note_end(self, run_id: int, *, used: int | None, limit: int | None) -> int:
        found = await self._on.fetch(sql.NOTE_END, (used, limit, run_id))
        return int(found[0][0]) if found else 0

    async def standings(self) -> Sequence[StandingRow]:
        return [standing_row(row) for row in await self._on.fetch(sql.STANDINGS)]

    async def standing_pairs(self) -> Sequence[tuple[str, str]]:
        return [(sync, connection) for sync, connection in await self._on.fetch(sql.STANDING_PAIRS)]

    async def remove_standings(self, sync: str, connection: str | None) -> None:
        await self._on.fetch(sql.REMOVE_STANDINGS, (sync, connection))

    async def connections(self) -> Sequence[ConnectionHealth]:
        found = await self._on.fetch(sql.CONNECTIONS)
        return [ConnectionHealth(name, status, why, parse_instant(made)) for name, status, why, made in found]

    async def objects(self) -> Sequence[str]:
        return [name for (name,) in await self._on.fetch(sql.OBJECTS)]

    async def alerts(self, connection: str | None = None) -> Sequence[AlertRow]:
        if connection is None:
            return [alert_row(row) for row in await self._on.fetch(sql.ALERTS)]
        return [alert_row(row) for row in await self._on.fetch(sql.ALERTS_OF, (connection,))]

    async def raise_alert(self, alert: AlertRow) -> bool:
        return bool(await self._on.fetch(sql.RAISE_ALERT, (*alert.key, alert.message, to_stored(alert.raised_at))))

    async def clear_alert(self, kind: str, connection: str, subject: str) -> AlertRow | None:
        cleared = await self._on.fetch(sql.CLEAR_ALERT, (kind, connection, subject))
        return alert_row(cleared[0]) if cleared else None

    async def schema(self, connection: str, name: str) -> SchemaRow | None:
        found = await self._on.fetch(sql.SCHEMA, (connection, name))
        return _schema(found[0]) if found else None

    async def schemas(self, connection: str | None) -> Sequence[SchemaRow]:
        return [_schema(row) for row in await self._on.fetch(sql.SCHEMAS, (connection,))]

    async def changed_schemas(self, since: datetime) -> Sequence[SchemaRow]:
        return [_schema(row) for row in await self._on.fetch(sql.CHANGED_SCHEMAS, (to_stored(since),))]

    async def save_schema(self, row: SchemaRow) -> None:
        changed_at = None if row.changed_at is None else to_stored(row.changed_at)
        kept = (json.dumps(dict(row.readers)), json.dumps([*row.changes]), to_stored(row.checked_at), changed_at)
        values = (row.connection, row.object, packed(row.fields), row.last_modified, *kept)
        await self._on.fetch(sql.SAVE_SCHEMA, values)

    async def remove_schema(self, connection: str, name: str) -> None:
        await self._on.fetch(sql.REMOVE_SCHEMA, (connection, name))


def _schema(row: Sequence[Any]) -> SchemaRow:
    return schema_row(row, instant)
