"""The control tables: connections, schedules, checkpoints, leases, runs, owners, seen Ids, writes, workers' jobs.

They live beside the user's own tables, so each name starts with `orgsync_`, and have their own metadata.
"""

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from orgsync.clock import utc_now
from orgsync.records import UtcDateTime

from .statuses import ConnectionStatus, Environment, RunKind, RunStatus

__all__ = [
    "BIG_NUMBER",
    "METADATA",
    "Checkpoint",
    "ClearedCopy",
    "Connection",
    "Control",
    "Environment",
    "HeldLease",
    "OrgWrite",
    "OrgWritePart",
    "Run",
    "RunKind",
    "RunStatus",
    "SeenId",
    "Sequence",
    "SignIn",
    "SyncSchedule",
    "TableOwner",
    "stored_now",
]


def stored_now() -> datetime:
    """Return the time in UTC, in the milliseconds that the database keeps."""
    now = utc_now()
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Control(SQLModel, registry=registry()):
    """A table of orgsync's own."""


METADATA = Control.metadata

BIG_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A number that the database gives: SQLite counts up in an INTEGER alone, which has 64 bits there."""


class Connection(Control, table=True):
    """A named authorization to one org as one user.

    `metadata_` is free JSON that the connection's owner keeps with it; SQLModel has `metadata` for itself. `mapping`
    is its field mapping in the form of `orgsync.field_mapping`. `secrets` are encrypted and are read with
    `Store.connections.secrets`.
    """

    __tablename__ = "orgsync_connection"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    name: str = Field(primary_key=True)
    environment: Environment = Field(default="production", sa_type=sa.String)
    login_url: str = ""
    instance_url: str = ""
    org_id: str = ""
    user_id: str = ""
    username: str = ""
    grant: str = ""
    client_id: str = ""
    scope: str = ""
    api_version: str = ""
    status: ConnectionStatus = Field(default="ready", sa_type=sa.String)
    status_reason: str = ""
    metadata_: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column("metadata", sa.JSON, nullable=False))
    tags: list[str] = Field(default_factory=list, sa_column=sa.Column(sa.JSON, nullable=False))
    mapping: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=sa.Column(sa.JSON, nullable=False, server_default="[]")
    )
    secrets: bytes = Field(default=b"", repr=False, exclude=True)
    created_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)


class Checkpoint(Control, table=True):
    """What is kept for (sync, connection, stream): the watermark and the position inside an unfinished pass.

    `stream` is the table of the record class that is read, or "" for an author's own checkpoint; `kept_in` the table
    that the rows are written to, another where a script makes them another class's. None: none were written yet.
    """

    __tablename__ = "orgsync_checkpoint"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    sync: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    stream: str = Field(primary_key=True)
    watermark: datetime | None = Field(default=None, sa_type=UtcDateTime)
    position: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    updated_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    kept_in: str | None = None


class Run(Control, table=True):
    """One execution of one sync or action on one connection, with what it has changed so far.

    `sync` is the name of either, as `kind` says. `status` is running, done, failed or stopped. Counts are rows of the
    copy, `api_calls` requests to the org; instants are aware, in UTC. Up to the `watermark` the copy is complete.
    `error` holds cause and remedy, `error_code` the error's code, both None unless it failed or was stopped. `epoch` is
    its lease's, `holder` who carries out an action. What an action was given is not kept.
    """

    __tablename__ = "orgsync_run"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__: ClassVar[Any] = (
        sa.Index("orgsync_run_sync_connection", "sync", "connection", "kind"),
        {"sqlite_autoincrement": True},
    )

    id: int = Field(default=None, primary_key=True, sa_type=BIG_NUMBER)
    sync: str
    connection: str
    epoch: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    status: RunStatus = Field(default="running", sa_type=sa.String)
    started_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    api_calls: int = 0
    watermark: datetime | None = Field(default=None, sa_type=UtcDateTime)
    error: str | None = None
    error_code: str | None = None
    kind: RunKind = Field(default="sync", sa_type=sa.String, sa_column_kwargs={"server_default": "sync"})
    holder: str | None = None


class SyncSchedule(Control, table=True):
    """When a sync is due on one connection, where that differs from its script; `off` means never.

    `every` is written as in the script, None for the script's own.
    """

    __tablename__ = "orgsync_schedule"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    sync: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    every: str | None = None
    off: bool = False
    updated_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)


class HeldLease(Control, table=True):
    """Who writes for (sync, connection), and until when; `epoch` only grows, and `holder` is empty once released."""

    __tablename__ = "orgsync_lease"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    sync: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    epoch: int
    holder: str
    taken_at: datetime = Field(sa_type=UtcDateTime)
    ttl: float
    expires_at: datetime = Field(sa_type=UtcDateTime)


class TableOwner(Control, table=True):
    """The sync that a record table belongs to, on all connections; table names are compared without case."""

    __tablename__ = "orgsync_table_owner"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    name: str = Field(primary_key=True, sa_type=sa.String(collation="NOCASE"))
    sync: str


class SeenId(Control, table=True):
    """An Id that a pass has seen in the connection's org; `owner` names the pass."""

    __tablename__ = "orgsync_seen_id"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__: ClassVar[Any] = {"sqlite_with_rowid": False}

    connection: str = Field(primary_key=True)
    owner: str = Field(primary_key=True)
    id: str = Field(primary_key=True)


class ClearedCopy(Control, table=True):
    """That a connection's rows in a record table were discarded, with the number that the change feed gave to this."""

    __tablename__ = "orgsync_cleared"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__: ClassVar[Any] = (sa.Index("orgsync_cleared_number", "record_table", "number"),)

    record_table: str = Field(primary_key=True, sa_type=sa.String(collation="NOCASE"))
    connection: str = Field(primary_key=True)
    number: int = Field(sa_type=sa.BigInteger)
    cleared_at: datetime = Field(sa_type=UtcDateTime)


class OrgWrite(Control, table=True):
    """Rows that were written to a connection's org, or are being written; `key` is a fingerprint of all of them.

    `label` is what a person calls them. One that is not finished is resumed.
    """

    __tablename__ = "orgsync_write"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__: ClassVar[Any] = (
        sa.Index("orgsync_write_connection_key", "connection", "key"),
        {"sqlite_autoincrement": True},
    )

    id: int = Field(default=None, primary_key=True, sa_type=BIG_NUMBER)
    connection: str
    key: str
    label: str = ""
    started_at: datetime = Field(default_factory=utc_now, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OrgWritePart(Control, table=True):
    """Rows of a write that are sent together: how far they have come, as JSON, and what became of them, packed."""

    __tablename__ = "orgsync_write_part"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    write_id: int = Field(primary_key=True, sa_type=BIG_NUMBER)
    number: int = Field(primary_key=True)
    entry: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    outcomes: bytes = Field(default=b"", repr=False)


class ObjectColumn(Control, table=True):
    """The field of an object that fills a column of a table without a record class, and the name of its Python type."""

    __tablename__ = "orgsync_object_column"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    record_table: str = Field(primary_key=True, sa_type=sa.String(collation="NOCASE"))
    column: str = Field(primary_key=True)
    field: str
    kind: str


class SignIn(Control, table=True):
    """A sign-in that has begun in a browser; `key` is derived from its state, `secrets` hold what ends it."""

    __tablename__ = "orgsync_sign_in"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    key: str = Field(primary_key=True)
    secrets: bytes = Field(repr=False, exclude=True)
    begun_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)


class Sequence(Control, table=True):
    """A counter that grows in commit order: `change` numbers the change feed's rows, `planner` the planners."""

    __tablename__ = "orgsync_sequence"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    name: str = Field(primary_key=True)
    value: int = Field(default=0, sa_type=sa.BigInteger)
