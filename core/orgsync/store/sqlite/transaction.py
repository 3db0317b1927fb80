"""A connection to SQLite in use: the control tables, and the tables of records."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import anyio
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .. import (
    connect_session_table,
    control_tables,
    health_table,
    record_tables,
    server_tables,
    webhook_table,
    write_table,
)
from ..model import stored_now
from .api_tokens import ApiTokenTable
from .connect_sessions import ConnectSessionTable
from .connections import ConnectionTable, SignInTable
from .driver import NOT_DURABLE, Statements
from .health import HealthTable
from .idempotency import IdempotencyTable
from .object_columns import ObjectColumnTable
from .org_writes import WriteTable
from .rows import RecordRows
from .runs import CheckpointTable, LeaseTable, OwnerTable, RunTable
from .schedules import ScheduleTable
from .seen_ids import SeenIdTable
from .tables import RecordTables
from .webhooks import WebhookTable

__all__ = ["PinnedConnection", "SqliteTransaction"]

T = TypeVar("T")


class SqliteTransaction:
    """Reads and writes through one connection, for as long as the connection is open."""

    def __init__(self, on: Statements, database: str) -> None:
        self.statements = on
        self.database = database
        # One machine uses the file, so its clock is the clock of all who share the database.
        self.connections: control_tables.ConnectionTable = ConnectionTable(on, stored_now)
        self.sign_ins: control_tables.SignInTable = SignInTable(on, stored_now)
        self.leases: control_tables.LeaseTable = LeaseTable(on, stored_now)
        self.runs: control_tables.RunTable = RunTable(on, stored_now)
        self.schedules: control_tables.ScheduleTable = ScheduleTable(on, stored_now)
        self.api_tokens: server_tables.ApiTokenTable = ApiTokenTable(on, stored_now)
        self.idempotency: server_tables.IdempotencyTable = IdempotencyTable(on, stored_now)
        self.connect_sessions: connect_session_table.ConnectSessionTable = ConnectSessionTable(on, stored_now)
        self.webhooks: webhook_table.WebhookTable = WebhookTable(on, stored_now)
        self.health: health_table.HealthTable = HealthTable(on)
        self.checkpoints: control_tables.CheckpointTable = CheckpointTable(on, stored_now)
        self.owners: control_tables.OwnerTable = OwnerTable(on)
        self.seen_ids: control_tables.SeenIdTable = SeenIdTable(on)
        self.org_writes: write_table.WriteTable = WriteTable(on, stored_now)
        self.object_columns: control_tables.ObjectColumnTable = ObjectColumnTable(on)
        self.tables: record_tables.RecordTables = RecordTables(on, stored_now)
        self.rows: record_tables.RecordRows = RecordRows(on, stored_now)

    async def now(self) -> datetime:
        """Return the time of this machine."""
        return stored_now()


@dataclass(frozen=True, slots=True)
class PinnedConnection:
    """A connection that stays out of its pool for many transactions."""

    connection: AsyncConnection
    transaction: SqliteTransaction
    immediate: SqliteTransaction

    @classmethod
    async def of(cls, engine: AsyncEngine, database: str) -> "PinnedConnection":
        """Take a connection out of an engine's pool, whatever it was used for before."""
        with anyio.CancelScope(shield=True):  # cancelled in between, it would be in nobody's hands
            connection = await engine.connect()
            statements = await Statements.on(connection)
            await statements.fetch(NOT_DURABLE)
            immediate = SqliteTransaction(statements.immediate, database)
            return cls(connection, SqliteTransaction(statements, database), immediate)
        raise AssertionError("a shielded scope swallows nothing")  # pragma: no cover

    async def in_one_go(self, work: Callable[[SqliteTransaction], Coroutine[Any, Any, T]]) -> T:
        """Run work in SQLite's thread that awaits nothing but what it is given."""
        return await self.transaction.statements.in_one_go(lambda: work(self.immediate))

    async def close(self) -> None:
        """Return it to the pool, even while being cancelled; an open transaction is rolled back."""
        with anyio.CancelScope(shield=True):
            await self.connection.close()
