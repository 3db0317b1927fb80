"""The control table of connect sessions: links by which customers connect their own orgs in a browser."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from orgsync.records import UtcDateTime

from .model import Control, stored_now

__all__ = ["ConnectSession"]


class ConnectSession(Control, table=True):
    """A link that a customer connects an org with; of the secret in it the SHA-256 is kept.

    `state` is waiting, connected, failed or cancelled; `code`, `cause` and `remedy` are those of the last attempt that
    failed. `options` is what was asked for, as JSON. The session follows its connection when that is renamed.
    """

    __tablename__ = "orgsync_connect_session"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__ = (sa.Index("orgsync_connect_session_expiry", "expires_at"),)

    id: str = Field(primary_key=True)
    digest: bytes = Field(unique=True, repr=False, exclude=True)
    connection: str
    options: dict[str, Any] = Field(default_factory=dict, sa_type=sa.JSON)
    state: str
    attempts: int = 0
    code: str | None = None
    cause: str | None = None
    remedy: str | None = None
    created_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    expires_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
