"""Tell the runs of actions from those of syncs."""

import sqlalchemy as sa
from alembic import op

from orgsync.store.migrations.texts import text

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the columns; every run so far is a sync's."""
    op.add_column("orgsync_run", sa.Column("kind", text(), nullable=False, server_default="sync"))
    op.add_column("orgsync_run", sa.Column("holder", text(), nullable=True))
    op.drop_index("orgsync_run_sync_connection", "orgsync_run")
    op.create_index("orgsync_run_sync_connection", "orgsync_run", ["sync", "connection", "kind"])
