"""The statements by which a view reads the control tables; they come without the classes of `model`."""
# they are made of constants alone

from . import feed_sql

TABLE_EXISTS = (
    "SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' "
    "AND relname = %s"
)
VERSION = "SELECT version_num FROM orgsync_version"
FROM_RUNS = (
    "FROM orgsync_run WHERE sync = coalesce(%s, sync) AND connection = coalesce(%s, connection) "
    "ORDER BY id DESC LIMIT %s"
)
RUN_PAIRS = "SELECT DISTINCT sync, connection FROM orgsync_run"
SYNC_NAMES = (
    "SELECT sync FROM orgsync_checkpoint UNION SELECT sync FROM orgsync_table_owner UNION SELECT sync FROM orgsync_run"
)
HELD_LEASE = (
    "SELECT holder FROM orgsync_lease WHERE sync = %s AND connection = %s AND holder <> '' "
    "AND expires_at > clock_timestamp()"
)
TABLE_OWNERS = "SELECT name, sync FROM orgsync_table_owner ORDER BY lower(name)"
CLEARED_TABLES = "SELECT DISTINCT record_table FROM orgsync_cleared"
LAST_CHANGE = f"SELECT {feed_sql.HORIZON} - 1"
