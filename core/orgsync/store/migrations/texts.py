"""Columns of text in migrations: compared by their bytes on every database."""

import sqlalchemy as sa
from alembic import op

__all__ = ["is_sqlite", "text"]


def is_sqlite() -> bool:
    """Return whether an SQLite database is upgraded."""
    return op.get_bind().dialect.name == "sqlite"


def text(*, any_case: bool = False) -> sa.String:
    """Return the type of a column; in one of `any_case` SQLite ignores case, PostgreSQL needs an index of its own."""
    if is_sqlite():
        return sa.String(collation="NOCASE") if any_case else sa.String()
    return sa.String(collation="C")
