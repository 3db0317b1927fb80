"""The statements by which a view reads the control tables; they come without the classes of `model`."""
# they are made of constants alone

from . import feed_sql

SCHEMA = (
    "SELECT current_schema()::text, setting, source, current_user::text "
    "FROM pg_catalog.pg_settings WHERE name = 'search_path'"
)
"""The schema that the server works in, None for none; the search_path and where it comes from; the role."""
TABLE_EXISTS = (
    "SELECT 1 FROM pg_catalog.pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace "
    "AND relkind = 'r' AND relname = %s"
)
VERSION = "SELECT version_num FROM orgsync_version"
FROM_RUN = "FROM orgsync_run WHERE id = %s::bigint"
FROM_RUNS = (
    "FROM orgsync_run WHERE sync = coalesce(%s, sync) AND kind = coalesce(%s, kind) "
    "AND connection = coalesce(%s, connection) ORDER BY id DESC LIMIT %s"
)
RUN_PAIRS = "SELECT DISTINCT sync, connection FROM orgsync_run WHERE kind = 'sync'"
SYNC_NAMES = (
    "SELECT sync FROM orgsync_checkpoint UNION SELECT sync FROM orgsync_table_owner UNION "
    "SELECT sync FROM orgsync_run WHERE kind = 'sync'"
)
HELD_LEASE = (
    "SELECT holder FROM orgsync_lease WHERE sync = %s AND connection = %s AND holder <> '' "
    "AND expires_at > clock_timestamp()"
)
WEBHOOKS_OFF = "SELECT id, off_reason FROM orgsync_webhook WHERE off_reason IS NOT NULL ORDER BY created_at, id"
SCHEDULES = 'SELECT sync, connection, every, "off" FROM orgsync_schedule ORDER BY sync, connection'
OBJECTS = (
    "SELECT DISTINCT sync FROM orgsync_table_owner AS owner "
    "WHERE EXISTS (SELECT 1 FROM orgsync_object_column WHERE lower(record_table) = lower(owner.name))"
)
POSITIONS = (  # that of the latest run comes last
    "SELECT position FROM orgsync_checkpoint WHERE lower(coalesce(kept_in, stream)) = lower(%s) ORDER BY updated_at"
)
"""Where the streams stand whose rows are kept in a table; each has the columns that it has read."""
TABLE_OWNERS = "SELECT name, sync FROM orgsync_table_owner ORDER BY lower(name)"
WORKERS = (
    "SELECT name, concurrency, plans, started_at FROM orgsync_worker "
    "WHERE seen_at > clock_timestamp() - make_interval(secs => %s) ORDER BY plans DESC, started_at, name"
)
WORKER_JOBS = "SELECT state, count(*) FROM orgsync_job GROUP BY state"
CLEARED_TABLES = "SELECT DISTINCT record_table FROM orgsync_cleared"
LAST_CHANGE = f"SELECT {feed_sql.HORIZON} - 1"
