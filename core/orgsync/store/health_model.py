"""The control tables of health: how each sync stands on each connection, the alerts that are active, and schemas."""

from datetime import datetime
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlmodel import Field

from orgsync.records import UtcDateTime

from .model import Control, RunKind

__all__ = ["ActiveAlert", "OrgSchema", "Standing"]


class Standing(Control, table=True):
    """How a sync or an action stands on a connection, kept up to date by the end of each of its runs.

    `done`, `failed` and `stopped` count its runs, the counts of rows and `api_calls` are those of all of them: they
    only grow, also where old runs are deleted. `failures` is how many have failed since the last one that was done,
    and those with `failure_` are of the last of these, also where a run was stopped since. `status`, `started_at`,
    `ended_at` and `error_code` are the last run's, those with `success_` and the `watermark` the last one's that was
    done. `api_used` of `api_limit` daily requests were used when the org last said so.
    """

    __tablename__ = "orgsync_standing"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    kind: RunKind = Field(primary_key=True, sa_type=sa.String)
    sync: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    done: int = Field(sa_type=sa.BigInteger)
    failed: int = Field(sa_type=sa.BigInteger)
    stopped: int = Field(sa_type=sa.BigInteger)
    added: int = Field(sa_type=sa.BigInteger)
    updated: int = Field(sa_type=sa.BigInteger)
    deleted: int = Field(sa_type=sa.BigInteger)
    unchanged: int = Field(sa_type=sa.BigInteger)
    api_calls: int = Field(sa_type=sa.BigInteger)
    failures: int = Field(sa_type=sa.BigInteger)
    status: str
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime = Field(sa_type=UtcDateTime)
    error_code: str | None = None
    failure_error: str | None = None
    failure_error_code: str | None = None
    success_started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    success_ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    watermark: datetime | None = Field(default=None, sa_type=UtcDateTime)
    api_used: int | None = Field(default=None, sa_type=sa.BigInteger)
    api_limit: int | None = Field(default=None, sa_type=sa.BigInteger)
    api_seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ActiveAlert(Control, table=True):
    """An alert that was told and is not cleared; `subject` is the sync or the object that it is about, or ""."""

    __tablename__ = "orgsync_alert"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    kind: str = Field(primary_key=True)
    connection: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    message: str
    raised_at: datetime = Field(sa_type=UtcDateTime)


class OrgSchema(Control, table=True):
    """The fields of an object as a connection's user saw them last, and what had changed then.

    `fields` is a JSON object of types by name, compressed. `readers` are the syncs that read the object, each with the
    fields that it reads; `changes` those of the last day, `changed_at` when the last of them was found.
    """

    __tablename__ = "orgsync_org_schema"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__: ClassVar[Any] = (sa.Index("orgsync_org_schema_changed", "changed_at"),)

    connection: str = Field(primary_key=True)
    object: str = Field(primary_key=True)
    fields_: bytes = Field(repr=False, sa_column=sa.Column("fields", sa.LargeBinary, nullable=False))
    last_modified: str | None = None
    readers: dict[str, list[str]] = Field(default_factory=dict, sa_type=sa.JSON)
    changes: list[dict[str, Any]] = Field(default_factory=list, sa_type=sa.JSON)
    checked_at: datetime = Field(sa_type=UtcDateTime)
    changed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
