"""Keep with how a sync stands the error of its last failure, which a run that was stopped since does not replace."""

import sqlalchemy as sa
from alembic import op

from orgsync.store.migrations.texts import text

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the columns, and fill them from the runs that are kept."""
    for name in ("failure_error", "failure_error_code"):
        op.add_column("orgsync_standing", sa.Column(name, text(), nullable=True))
    for name, source in (("failure_error", "error"), ("failure_error_code", "error_code")):
        op.execute(_FILL.format(name=name, source=source))


_FILL = """
UPDATE orgsync_standing SET {name} = (
    SELECT run.{source} FROM orgsync_run AS run
    WHERE run.kind = orgsync_standing.kind AND run.sync = orgsync_standing.sync
    AND run.connection = orgsync_standing.connection AND run.status = 'failed' AND run.finished_at IS NOT NULL
    ORDER BY run.id DESC LIMIT 1
)
WHERE failures > 0
"""
