"""Make the table of schedules that a connection has of its own."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "orgsync_schedule",
        sa.Column("sync", sa.String(), primary_key=True),
        sa.Column("connection", sa.String(), primary_key=True),
        sa.Column("every", sa.String(), nullable=True),
        sa.Column("off", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )
