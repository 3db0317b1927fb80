"""The tables of health."""

import json
from collections.abc import Sequence
from datetime import datetime

from .. import health_sql as sql
from ..health_rows import AlertRow, ConnectionHealth, SchemaRow, StandingRow, packed
from ..health_sql import named
from . import control_sql
from .driver import Statements
from .health_view import alert_row, schema_of, standing_row
from .stored import instants_in_utc

__all__ = ["HealthTable"]


class HealthTable:
    """How syncs stand, the alerts that are active, and the schemas of orgs."""

    def __init__(self, on: Statements, *, writes: bool) -> None:
        self._on = on
        self._writes = writes

    async def note_end(self, run_id: int, *, used: int | None, limit: int | None) -> int:
        found = await self._on.fetch(named(sql.NOTE_END), (used, limit, run_id))
        return int(found[0][0]) if found else 0

    async def standings(self) -> Sequence[StandingRow]:
        return [standing_row(row) for row in await self._on.fetch(sql.STANDINGS)]

    async def standing_pairs(self) -> Sequence[tuple[str, str]]:
        return [(sync, connection) for sync, connection in await self._on.fetch(sql.STANDING_PAIRS)]

    async def remove_standings(self, sync: str, connection: str | None) -> None:
        await self._on.fetch(named(sql.REMOVE_STANDINGS), (sync, connection))

    async def connections(self) -> Sequence[ConnectionHealth]:
        return [ConnectionHealth(*instants_in_utc(row)) for row in await self._on.fetch(sql.CONNECTIONS)]

    async def objects(self) -> Sequence[str]:
        return [name for (name,) in await self._on.fetch(sql.OBJECTS)]

    async def alerts(self, connection: str | None = None) -> Sequence[AlertRow]:
        if connection is None:
            return [alert_row(row) for row in await self._on.fetch(sql.ALERTS)]
        return [alert_row(row) for row in await self._on.fetch(named(sql.ALERTS_OF), (connection,))]

    async def raise_alert(self, alert: AlertRow) -> bool:
        return bool(await self._on.fetch(named(sql.RAISE_ALERT), (*alert.key, alert.message, alert.raised_at)))

    async def clear_alert(self, kind: str, connection: str, subject: str) -> AlertRow | None:
        cleared = await self._on.fetch(named(sql.CLEAR_ALERT), (kind, connection, subject))
        return alert_row(cleared[0]) if cleared else None

    async def schema(self, connection: str, name: str) -> SchemaRow | None:
        # What is saved goes by what is read here: nobody else finds the same changes meanwhile.
        if self._writes:
            await self._on.fetch(control_sql.TURN, (f"schema {connection} {name}",))
        found = await self._on.fetch(named(sql.SCHEMA), (connection, name))
        return schema_of(found[0]) if found else None

    async def schemas(self, connection: str | None) -> Sequence[SchemaRow]:
        return [schema_of(row) for row in await self._on.fetch(named(sql.SCHEMAS), (connection,))]

    async def changed_schemas(self, since: datetime) -> Sequence[SchemaRow]:
        return [schema_of(row) for row in await self._on.fetch(named(sql.CHANGED_SCHEMAS), (since,))]

    async def save_schema(self, row: SchemaRow) -> None:
        kept = (json.dumps(dict(row.readers)), json.dumps([*row.changes]), row.checked_at, row.changed_at)
        values = (row.connection, row.object, packed(row.fields), row.last_modified, *kept)
        await self._on.fetch(named(sql.SAVE_SCHEMA), values)

    async def remove_schema(self, connection: str, name: str) -> None:
        await self._on.fetch(named(sql.REMOVE_SCHEMA), (connection, name))
