"""Make the tables of writes to orgs and of their parts."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "orgsync_write",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("orgsync_write_connection_key", "orgsync_write", ["connection", "key"])
    op.create_table(
        "orgsync_write_part",
        sa.Column("write_id", sa.Integer(), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("entry", sa.JSON(), nullable=False),
        sa.Column("outcomes", sa.LargeBinary(), nullable=False),
    )
