"""What is said of a database that holds tables of something else, when orgsync makes its own in it.

It is said, not refused: to share a database, or a schema, is legitimate, and the one who named it may mean it.
"""

from collections.abc import Sequence

__all__ = ["note_other_tables"]

_NAMED = 3


def note_other_tables(names: Sequence[str], database: str, **changed: str) -> None:
    """Log that orgsync's tables were made beside others, if there are any; `changed` is what else was changed."""
    if not names:
        return
    from orgsync.logs import BESIDE_OTHER_TABLES, get_logger  # here: once in the life of a database

    more = len(names) - _NAMED
    tables = ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    get_logger().warning(BESIDE_OTHER_TABLES, database=database, tables=tables, **changed)
