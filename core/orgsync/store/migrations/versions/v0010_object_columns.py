"""Make the table of the columns of objects that no record class describes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "orgsync_object_column",
        sa.Column("record_table", sa.String(collation="NOCASE"), primary_key=True),
        sa.Column("column", sa.String(), primary_key=True),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
    )
