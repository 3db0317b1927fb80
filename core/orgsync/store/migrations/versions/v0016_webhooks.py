"""Make the tables of webhooks."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime
from orgsync.store.migrations.texts import text

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "orgsync_webhook",
        sa.Column("id", text(), primary_key=True),
        sa.Column("url", text(), nullable=False),
        sa.Column("events", text(), nullable=False),
        sa.Column("is_limited", sa.Boolean(), nullable=False),
        sa.Column("tags", text(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("off_reason", text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("resume_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "orgsync_webhook_connection",
        sa.Column("webhook", text(), primary_key=True),
        sa.Column("connection", text(), primary_key=True),
    )
    op.create_table(
        "orgsync_webhook_delivery",
        sa.Column("id", sa.Integer(), primary_key=True),
        *(
            sa.Column(name, text(), nullable=False)
            for name in ("message", "webhook", "connection", "type", "body", "state")
        ),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", UtcDateTime(), nullable=True),
        sa.Column("tried_at", UtcDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", text(), nullable=True),
    )
    op.create_index("orgsync_webhook_delivery_order", "orgsync_webhook_delivery", ["webhook", "state", "id"])
    op.create_index("orgsync_webhook_delivery_waiting", "orgsync_webhook_delivery", ["state", "webhook", "next_at"])
    op.create_index("orgsync_webhook_delivery_age", "orgsync_webhook_delivery", ["created_at"])
    op.create_table(
        "orgsync_webhook_change",
        sa.Column("run_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("record_table", text(), primary_key=True),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
    )
