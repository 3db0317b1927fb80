"""The control tables of webhooks: endpoints, what is to be delivered to them, and what runs have changed so far."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field

from orgsync.records import UtcDateTime

from .model import Control, stored_now

__all__ = ["Webhook", "WebhookChange", "WebhookConnection", "WebhookDelivery"]


class Webhook(Control, table=True):
    """An endpoint. `events` and `tags` are separated by blanks; no events are all of them.

    One that `is_limited` gets what happens on the connections of `WebhookConnection`, which may be none any more, and
    on those that have one of its tags. `off_reason` is why nothing is sent to it, None while something is. Where it
    does not answer, nothing is tried before `resume_at`. `secrets` are encrypted.
    """

    __tablename__ = "orgsync_webhook"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    id: str = Field(primary_key=True)
    url: str
    events: str
    is_limited: bool
    tags: str
    secrets: bytes = Field(repr=False, exclude=True)
    off_reason: str | None = None
    created_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    resume_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class WebhookConnection(Control, table=True):
    """A connection that an endpoint is limited to; it is renamed and removed with the connection."""

    __tablename__ = "orgsync_webhook_connection"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    webhook: str = Field(primary_key=True, sa_type=sa.String)
    connection: str = Field(primary_key=True)


class WebhookDelivery(Control, table=True):
    """A message for one endpoint, in the order in which they are delivered for each connection.

    `message` is the id that receivers see, `state` pending or delivered. A message that failed is tried again at
    `next_at`; `status` and `problem` are what became of the last attempt.
    """

    __tablename__ = "orgsync_webhook_delivery"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method
    __table_args__ = (
        sa.Index("orgsync_webhook_delivery_order", "webhook", "state", "id"),
        sa.Index("orgsync_webhook_delivery_waiting", "state", "webhook", "next_at"),
        sa.Index("orgsync_webhook_delivery_age", "created_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    message: str
    webhook: str
    connection: str
    type: str
    body: str
    state: str
    created_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    next_at: datetime = Field(default_factory=stored_now, sa_type=UtcDateTime)
    attempts: int = 0
    first_tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    tried_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: int | None = None
    problem: str | None = None


class WebhookChange(Control, table=True):
    """The numbers of the first and the last change that a run has made in a table, until its message is written."""

    __tablename__ = "orgsync_webhook_change"  # pyright: ignore[reportAssignmentType] # SQLModel declares a method

    run_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    record_table: str = Field(primary_key=True)
    first: int = Field(sa_type=sa.BigInteger)
    last: int = Field(sa_type=sa.BigInteger)
