"""What holds the change feeds back: the oldest transaction of anybody's, on the whole server, that has written."""

from collections.abc import Sequence
from typing import Any

__all__ = ["OLDEST", "sentence"]

_SECONDS = 60
"""Of younger ones nothing is said: every batch is one."""

OLDEST = (
    "SELECT format('the transaction of process %%s (%%s, database %%s, %%s, %%s)', pid, usename, datname, "
    "coalesce(nullif(application_name, ''), 'no name'), state), "
    "extract(epoch FROM clock_timestamp() - xact_start), pid "
    "FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() "
    "UNION ALL SELECT format('the prepared transaction %%s (%%s, database %%s)', gid, owner, database), "
    "extract(epoch FROM clock_timestamp() - prepared), NULL FROM pg_catalog.pg_prepared_xacts ORDER BY 2 DESC LIMIT 1"
)
"""The query for who that is, how many seconds it has been open, and its process where it has one."""


def sentence(found: Sequence[Sequence[Any]]) -> str:
    """Say of what `OLDEST` finds what to do about it; empty where nothing has been open for longer than a minute."""
    if not found or found[0][1] is None or found[0][1] < _SECONDS:
        return ""
    who, seconds, pid = found[0]
    end = f"SELECT pg_terminate_backend({pid})" if pid else "ROLLBACK PREPARED there"
    return f"For {int(seconds)} s {who} has held back the change feeds: end it, or run {end}."
