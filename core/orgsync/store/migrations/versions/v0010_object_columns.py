"""Make the table of the columns of objects that no record class describes."""

import sqlalchemy as sa
from alembic import op

from orgsync.store.migrations.texts import is_sqlite, text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "orgsync_object_column",
        sa.Column("record_table", text(any_case=True), primary_key=True),
        sa.Column("column", text(), primary_key=True),
        sa.Column("field", text(), nullable=False),
        sa.Column("kind", text(), nullable=False),
    )
    if not is_sqlite():
        op.execute(
            "CREATE UNIQUE INDEX orgsync_object_column_any_case ON orgsync_object_column "
            '(lower(record_table), "column")'
        )
