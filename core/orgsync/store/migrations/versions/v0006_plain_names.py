"""Name tables and columns as the code does: sign-ins, seen Ids, a lease's time to live."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Rename them; what is in them stays."""
    op.rename_table("orgsync_pending_sign_in", "orgsync_sign_in")
    op.rename_table("orgsync_met", "orgsync_seen_id")
    op.alter_column("orgsync_lease", "lasts", new_column_name="ttl")
