"""Give the columns of a new row's bookkeeping their values as defaults on PostgreSQL, where COPY leaves them out."""

import sqlalchemy as sa
from alembic import op

from orgsync.store.migrations.texts import is_sqlite

revision = "0020"
down_revision = "0019"

_TABLES = (
    "SELECT quote_ident(c.relname) FROM pg_catalog.pg_class AS c "
    "JOIN pg_catalog.pg_index AS x ON x.indrelid = c.oid "
    "JOIN pg_catalog.pg_description AS d ON d.objoid = x.indexrelid "
    "WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relkind IN ('r', 'p') "
    "AND d.description = 'orgsync' AND d.classoid = 'pg_catalog.pg_class'::regclass AND d.objsubid = 0"
)
_AT = "now()::timestamptz(3)"


def upgrade() -> None:
    """Set the defaults of every record table; SQLite is given each value."""
    if is_sqlite():
        return
    for (table,) in op.get_bind().execute(sa.text(_TABLES)).all():
        op.execute(
            f"ALTER TABLE {table} ALTER sync_changed_at SET DEFAULT {_AT}, "
            f"ALTER sync_first_seen_at SET DEFAULT {_AT}, ALTER sync_change SET DEFAULT 'added'"
        )
