"""Make the table of schedules that a connection has of its own."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime
from orgsync.store.migrations.texts import text

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "orgsync_schedule",
        sa.Column("sync", text(), primary_key=True),
        sa.Column("connection", text(), primary_key=True),
        sa.Column("every", text(), nullable=True),
        sa.Column("off", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
