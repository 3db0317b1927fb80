"""Make the table of calls that are made once."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime
from orgsync.store.migrations.texts import text

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "orgsync_idempotency_key",
        sa.Column("token", text(), primary_key=True),
        sa.Column("key", text(), primary_key=True),
        sa.Column("fingerprint", text(), nullable=False),
        sa.Column("job", text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
    )
