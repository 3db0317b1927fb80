"""Make the tables of workers and their jobs."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime
from orgsync.store.migrations.texts import text

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Make the two tables."""
    op.create_table(
        "orgsync_worker",
        sa.Column("name", text(), primary_key=True),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("plans", sa.Boolean(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "orgsync_job",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("job", text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("worker", text(), nullable=True),
        sa.Column("waits", sa.Boolean(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("end", text(), nullable=True),
        sa.Column("cause", text(), nullable=True),
        sa.Column("remedy", text(), nullable=True),
        sa.Column("error_code", text(), nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("orgsync_job_state", "orgsync_job", ["state"])
