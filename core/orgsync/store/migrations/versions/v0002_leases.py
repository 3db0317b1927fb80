"""Make the tables of leases and of seen Ids; a run keeps the epoch of its lease."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the two tables; the runs of before had no lease, and no lease has the epoch 0."""
    op.create_table(
        "orgsync_lease",
        sa.Column("sync", sa.String(), primary_key=True),
        sa.Column("connection", sa.String(), primary_key=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("lasts", sa.Float(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "orgsync_met",
        *(sa.Column(name, sa.String(), primary_key=True) for name in ("connection", "owner", "id")),
        sqlite_with_rowid=False,
    )
    op.add_column("orgsync_run", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))
