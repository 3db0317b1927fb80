"""Keep with each run the code of the error that ended it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column; runs that ended before have no code."""
    op.add_column("orgsync_run", sa.Column("error_code", sa.String(), nullable=True))
