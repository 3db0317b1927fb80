"""What holds the change feeds back: the oldest transaction of anybody's, on the whole server, that has written."""

from .driver import Statements

__all__ = ["held_back"]

_SECONDS = 60
"""Of younger ones nothing is said: every batch is one."""

_OLDEST = (
    "SELECT format('the transaction of process %%s (%%s, database %%s, %%s, %%s)', pid, usename, datname, "
    "coalesce(nullif(application_name, ''), 'no name'), state), "
    "extract(epoch FROM clock_timestamp() - xact_start), pid "
    "FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_catalog.pg_backend_pid() "
    "UNION ALL SELECT format('the prepared transaction %%s (%%s, database %%s)', gid, owner, database), "
    "extract(epoch FROM clock_timestamp() - prepared), NULL FROM pg_catalog.pg_prepared_xacts ORDER BY 2 DESC LIMIT 1"
)


async def held_back(on: Statements) -> str:
    """Return a sentence that names it and says what to do; empty where nothing does for longer than a minute."""
    found = await on.fetch(_OLDEST, prepare=False)
    if not found or found[0][1] is None or found[0][1] < _SECONDS:
        return ""
    who, seconds, pid = found[0]
    end = f"SELECT pg_terminate_backend({pid})" if pid else "ROLLBACK PREPARED there"
    return f"For {int(seconds)} s {who} has held back the change feeds: end it, or run {end}."
