"""Make the table of owners: which sync a record table belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ONLY_READER = (
    "INSERT INTO orgsync_table_owner (name, sync) SELECT stream, min(sync) FROM orgsync_checkpoint "
    "WHERE stream <> '' GROUP BY lower(stream) HAVING count(DISTINCT sync) = 1"
)


def upgrade() -> None:
    """Make the table. What one sync alone has read into is its own; any other table is the next one's to write."""
    op.create_table(
        "orgsync_table_owner",
        sa.Column("name", sa.String(collation="NOCASE"), primary_key=True),
        sa.Column("sync", sa.String(), nullable=False),
    )
    op.execute(_ONLY_READER)
