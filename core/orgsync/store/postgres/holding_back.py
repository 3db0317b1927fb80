"""What holds the change feeds back: the oldest transaction of anybody's, on the whole server, that has written."""

from collections.abc import Iterable, Sequence
from typing import Any

from .feed_sql import HORIZON
from .table_sql import quoted

__all__ = ["OLDEST", "is_hidden", "sentence", "waiting"]

_SECONDS = 60
"""Of younger ones nothing is said: every batch is one."""

OLDEST = (
    "SELECT who, seconds, pid FROM ("
    "SELECT format('the transaction of process %%s (%%s, database %%s, %%s, %%s)', pid, usename, datname, "
    "coalesce(nullif(application_name, ''), 'no name'), coalesce(state, 'in a state unknown to this role')) AS who, "
    "extract(epoch FROM clock_timestamp() - xact_start) AS seconds, pid, age(backend_xid) AS age "
    "FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() "
    "UNION ALL SELECT format('the prepared transaction %%s (%%s, database %%s)', gid, owner, database), "
    "extract(epoch FROM clock_timestamp() - prepared), NULL, age(transaction) FROM pg_catalog.pg_prepared_xacts"
    ") AS open ORDER BY age DESC LIMIT 1"
)
"""The query for who that is, how many seconds it has been open, and its process where it has one.

Of other roles' the seconds are NULL, unless this role is a member of pg_read_all_stats.
"""


def is_hidden(found: Sequence[Sequence[Any]]) -> bool:
    """Return whether the server does not say to this role how long what `OLDEST` finds has been open."""
    return bool(found) and found[0][1] is None


def waiting(tables: Iterable[str]) -> str:
    """Return the query for how many seconds the oldest change waits that no feed shows yet."""
    each = [
        f"SELECT min(sync_changed_at) AS at FROM {quoted(table)} WHERE sync_number >= {HORIZON}"  # noqa: S608 # quoted
        for table in tables
    ]
    every = " UNION ALL ".join([*each, "SELECT NULL::timestamptz AS at"])
    return f"SELECT extract(epoch FROM clock_timestamp() - min(at)) FROM ({every}) AS waiting"  # noqa: S608 # as above


def sentence(found: Sequence[Sequence[Any]]) -> str:
    """Say of what `OLDEST` finds what to do about it; empty where nothing has been open for longer than a minute."""
    if not found or found[0][1] is None or found[0][1] < _SECONDS:
        return ""
    who, seconds, pid = found[0]
    end = f"SELECT pg_terminate_backend({pid})" if pid else "ROLLBACK PREPARED there"
    return f"For {int(seconds)} s {who} has held back the change feeds: end it, or run {end}."
