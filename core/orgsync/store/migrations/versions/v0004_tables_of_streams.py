"""Keep with each checkpoint the table that its rows are written to."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; until now every class's rows were in its own table."""
    op.add_column("orgsync_checkpoint", sa.Column("kept_in", sa.String(), nullable=True))
    op.execute("UPDATE orgsync_checkpoint SET kept_in = stream WHERE stream <> ''")
