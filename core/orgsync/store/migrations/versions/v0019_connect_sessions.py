"""Make the table of connect sessions."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime
from orgsync.store.migrations.texts import text

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "orgsync_connect_session",
        sa.Column("id", text(), primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("connection", text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        *(sa.Column(name, text(), nullable=True) for name in ("code", "cause", "remedy")),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
    )
    op.create_index("orgsync_connect_session_expiry", "orgsync_connect_session", ["expires_at"])
