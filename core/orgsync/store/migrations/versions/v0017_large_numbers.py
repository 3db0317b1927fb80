"""Number runs and writes in 64 bits on PostgreSQL: at 50 runs a second 32 bits are used up within two years."""

from alembic import op

from orgsync.store.migrations.texts import is_sqlite

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Widen the columns and the sequences behind them; SQLite's integers have 64 bits already."""
    if is_sqlite():
        return
    for table in ("orgsync_run", "orgsync_write"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN id TYPE bigint")
        op.execute(f"ALTER SEQUENCE {table}_id_seq AS bigint")
    op.execute("ALTER TABLE orgsync_write_part ALTER COLUMN write_id TYPE bigint")
