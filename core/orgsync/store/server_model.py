"""The control tables of what is served over HTTP: API tokens, and the calls that were made once."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from orgsync.records import UtcDateTime

from .model import Control, stored_now

__all__ = ["ApiToken", "ApiTokenConnection", "IdempotencyKey"]


class ApiToken(Control, table=True):
    """A token of the HTTP API, of which the SHA-256 is kept; `scopes` are separated by blanks.

    One that `is_limited` may work on the connections of `ApiTokenConnection` alone, which may be none any more.
    """

    __tablename__ = "orgsync_api_token"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    name: str = Field(primary_key=True)
    id: str = Field(unique=True)
    digest: bytes = Field(repr=False, exclude=True)
    scopes: str
    is_limited: bool
    created_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ApiTokenConnection(Control, table=True):
    """A connection that a limited token may work on; it is renamed and removed with the connection."""

    __tablename__ = "orgsync_api_token_connection"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    token: str = Field(primary_key=True, sa_type=sa.String)
    connection: str = Field(primary_key=True)


class IdempotencyKey(Control, table=True):
    """A call that is made once however often it is sent: `fingerprint` is that of its body, `job` what it started."""

    __tablename__ = "orgsync_idempotency_key"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    token: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    job: str
    run_id: int | None = Field(default=None, sa_type=sa.BigInteger)
    made_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
