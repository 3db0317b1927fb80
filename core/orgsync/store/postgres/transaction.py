"""A connection to PostgreSQL in use: the control tables, and the tables of records."""

from datetime import UTC, datetime

from .. import (
    connect_session_table,
    control_tables,
    health_table,
    record_tables,
    server_tables,
    webhook_table,
    write_table,
)
from . import control_sql
from .api_tokens import ApiTokenTable
from .change_numbers import ChangeNumbers
from .connect_sessions import ConnectSessionTable
from .connections import ConnectionTable, SignInTable
from .driver import Statements
from .health import HealthTable
from .idempotency import IdempotencyTable
from .object_columns import ObjectColumnTable
from .org_writes import WriteTable
from .row_writes import FirstPasses
from .rows import RecordRows
from .runs import CheckpointTable, LeaseTable, OwnerTable, RunTable
from .schedules import ScheduleTable
from .seen_ids import SeenIdTable
from .tables import RecordTables
from .webhooks import WebhookTable

__all__ = ["PostgresTransaction"]


class PostgresTransaction:
    """Reads and writes through one connection: for one transaction, or statement by statement."""

    def __init__(self, on: Statements, database: str, first_passes: FirstPasses, *, writes: bool) -> None:
        self.statements = on
        self.database = database
        numbers = ChangeNumbers(on)
        self.connections: control_tables.ConnectionTable = ConnectionTable(on, writes=writes)
        self.sign_ins: control_tables.SignInTable = SignInTable(on)
        self.leases: control_tables.LeaseTable = LeaseTable(on, numbers, writes=writes)
        self.runs: control_tables.RunTable = RunTable(on, numbers)
        self.schedules: control_tables.ScheduleTable = ScheduleTable(on)
        self.api_tokens: server_tables.ApiTokenTable = ApiTokenTable(on)
        self.idempotency: server_tables.IdempotencyTable = IdempotencyTable(on)
        self.webhooks: webhook_table.WebhookTable = WebhookTable(on)
        self.health: health_table.HealthTable = HealthTable(on, writes=writes)
        self.connect_sessions: connect_session_table.ConnectSessionTable = ConnectSessionTable(on, writes=writes)
        self.checkpoints: control_tables.CheckpointTable = CheckpointTable(on)
        self.owners: control_tables.OwnerTable = OwnerTable(on)
        self.seen_ids: control_tables.SeenIdTable = SeenIdTable(on)
        self.org_writes: write_table.WriteTable = WriteTable(on)
        self.object_columns: control_tables.ObjectColumnTable = ObjectColumnTable(on, writes=writes)
        self.tables: record_tables.RecordTables = RecordTables(on, numbers, first_passes, writes=writes)
        self.rows: record_tables.RecordRows = RecordRows(on, numbers, first_passes, on.stages)

    async def now(self) -> datetime:
        """Return the time of the server."""
        [(now,)] = await self.statements.fetch(f"SELECT {control_sql.NOW}")  # constants alone
        found: datetime = now
        return found.astimezone(UTC)
