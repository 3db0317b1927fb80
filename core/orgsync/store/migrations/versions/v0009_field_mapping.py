"""Keep with each connection which fields fill columns there, in place of those that the classes name."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add the column; no connection has a mapping yet."""
    op.add_column("orgsync_connection", sa.Column("mapping", sa.JSON(), nullable=False, server_default="[]"))
