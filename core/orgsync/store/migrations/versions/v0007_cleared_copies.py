"""Make the table of copies that were discarded, which the change feeds show."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the table; what was discarded before is not known."""
    op.create_table(
        "orgsync_cleared",
        sa.Column("record_table", sa.String(collation="NOCASE"), primary_key=True),
        sa.Column("connection", sa.String(), primary_key=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", UtcDateTime(), nullable=False),
    )
    op.create_index("orgsync_cleared_number", "orgsync_cleared", ["record_table", "number"])
