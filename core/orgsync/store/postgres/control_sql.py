"""The statements on the control tables, in PostgreSQL's words. Columns come from the classes of `model`.

What decides by what it has read locks that first, for here writers do not wait for one another: a connection's row and
name, and the leases of a sync. Time is the server's, in milliseconds, and advances within a
transaction, except that all changes of rows carry the time at which it began.
"""
# ruff: noqa: S608 # they are made of constants alone

from ..model import Connection, OrgWrite, Run
from .table_sql import CHANGED_AT
from .view_sql import CLEARED_TABLES, RUN_PAIRS, SCHEDULES, SCHEMA, SYNC_NAMES, TABLE_EXISTS, TABLE_OWNERS, VERSION

__all__ = [
    "CLEARED_TABLES",
    "OTHER_TABLES",
    "RUN_PAIRS",
    "SCHEDULES",
    "SCHEMA",
    "SYNC_NAMES",
    "TABLE_EXISTS",
    "TABLE_OWNERS",
    "VERSION",
]

OTHER_TABLES = (  # what an extension has made is nobody's data
    "SELECT relname FROM pg_catalog.pg_class AS c WHERE relnamespace = quote_ident(current_schema())::regnamespace "
    "AND relkind IN ('r', 'p', 'f') AND left(relname, 8) <> 'orgsync_' AND NOT EXISTS (SELECT 1 FROM "
    "pg_catalog.pg_depend WHERE objid = c.oid AND classid = 'pg_catalog.pg_class'::regclass AND deptype = 'e') "
    'ORDER BY relname COLLATE "C"'
)

NOW = "date_trunc('milliseconds', clock_timestamp())"

WRITE_NOTHING = "UPDATE orgsync_sequence SET value = value WHERE false"
TURN = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || %s, 0))"
"""Wait until no other transaction has this turn, and have it until this one ends."""


def _columns(model: type[Connection | Run | OrgWrite]) -> tuple[str, ...]:
    return tuple(column.name for column in model.__table__.columns)  # type: ignore[union-attr]  # pyright: ignore


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)


CONNECTION_COLUMNS = _columns(Connection)
_GIVEN_COLUMNS = tuple(name for name in CONNECTION_COLUMNS if name not in ("created_at", "updated_at"))
_REPLACED = ", ".join(f'"{name}" = excluded."{name}"' for name in (*_GIVEN_COLUMNS[1:], "updated_at"))
CONNECTION = f"SELECT {_quoted(CONNECTION_COLUMNS)} FROM orgsync_connection WHERE name = %s"
CONNECTIONS = f"SELECT {_quoted(CONNECTION_COLUMNS)} FROM orgsync_connection ORDER BY name"
GIVEN_CONNECTION = _GIVEN_COLUMNS
SAVE_CONNECTION = (
    f"INSERT INTO orgsync_connection ({_quoted(_GIVEN_COLUMNS)}, created_at, updated_at) "
    f"VALUES ({', '.join(['%s'] * len(_GIVEN_COLUMNS))}, {NOW}, {NOW}) "
    f"ON CONFLICT (name) DO UPDATE SET {_REPLACED} RETURNING {_quoted(CONNECTION_COLUMNS)}"
)
RENAME_CONNECTION = f"UPDATE orgsync_connection SET name = %s, updated_at = {NOW} WHERE name = %s"
LOCK_LEASES = "SELECT 1 FROM orgsync_lease WHERE connection = %s ORDER BY sync FOR UPDATE"
_NAMED = (
    *("orgsync_checkpoint", "orgsync_run", "orgsync_schedule", "orgsync_seen_id", "orgsync_write"),
    *("orgsync_api_token_connection", "orgsync_webhook_connection", "orgsync_webhook_delivery"),
    *("orgsync_standing", "orgsync_alert", "orgsync_org_schema"),
    "orgsync_connect_session",
)
RENAME_IN_CONTROL_TABLES = tuple(f"UPDATE {table} SET connection = %s WHERE connection = %s" for table in _NAMED)
REMOVE_CONNECTION = (
    "DELETE FROM orgsync_connection WHERE name = %s",
    "DELETE FROM orgsync_checkpoint WHERE connection = %s",
    "DELETE FROM orgsync_schedule WHERE connection = %s",
    "DELETE FROM orgsync_seen_id WHERE connection = %s",
    "DELETE FROM orgsync_write_part WHERE write_id IN (SELECT id FROM orgsync_write WHERE connection = %s)",
    "DELETE FROM orgsync_write WHERE connection = %s",
    "DELETE FROM orgsync_api_token_connection WHERE connection = %s",
    "DELETE FROM orgsync_webhook_connection WHERE connection = %s",
    "DELETE FROM orgsync_standing WHERE connection = %s",
    "DELETE FROM orgsync_alert WHERE connection = %s",
    "DELETE FROM orgsync_org_schema WHERE connection = %s",
    "UPDATE orgsync_connect_session SET state = 'cancelled' WHERE connection = %s AND state IN ('waiting', 'failed')",
)
REMOVE_RUNS_OF_CONNECTION = "DELETE FROM orgsync_run WHERE connection = %s"

KEEP_SECRETS = "LOCK TABLE orgsync_connection, orgsync_sign_in IN EXCLUSIVE MODE"
"""Wait for every transaction that has read a connection in order to write it, and let none begin; readers go on."""
REPLACE_SECRETS = "UPDATE orgsync_connection SET secrets = %s WHERE name = %s"
REPLACE_SECRETS_OF_SIGN_IN = "UPDATE orgsync_sign_in SET secrets = %s WHERE key = %s"
SIGN_INS = "SELECT key, secrets FROM orgsync_sign_in ORDER BY key"
SAVE_SIGN_IN = f"INSERT INTO orgsync_sign_in (key, secrets, begun_at) VALUES (%s, %s, {NOW})"
TAKE_SIGN_IN = f"DELETE FROM orgsync_sign_in WHERE key = %s AND begun_at >= {NOW} - %s RETURNING secrets"
REMOVE_EXPIRED_SIGN_INS = f"DELETE FROM orgsync_sign_in WHERE begun_at < {NOW} - %s"

CHANGES = (
    "pg_catalog.pg_current_xact_id()::text::bigint, (SELECT value FROM orgsync_sequence WHERE name = 'change'), "
    f"{CHANGED_AT}"
)
"""What a transaction's changes are numbered from: its id, what is added to that; and their time."""

_UNTIL = "make_interval(secs => {})"
HOLDS = (
    "SELECT 1 FROM (SELECT %s::text AS holder) AS given WHERE holder IN (SELECT holder FROM orgsync_lease) "
    "OR holder IN (SELECT holder FROM orgsync_run WHERE kind = 'action' AND status = 'running')"
)
ACQUIRE_LEASE = (
    "INSERT INTO orgsync_lease AS held (sync, connection, epoch, holder, taken_at, ttl, expires_at) "
    f"SELECT %s, %s, 1, %s, t, ttl, t + {_UNTIL.format('ttl')} FROM (SELECT {NOW} AS t, %s::float8 AS ttl) AS given "
    "ON CONFLICT (sync, connection) DO UPDATE SET epoch = held.epoch + 1, holder = excluded.holder, "
    "taken_at = excluded.taken_at, ttl = excluded.ttl, expires_at = excluded.expires_at RETURNING epoch"
)
RENEW_LEASE = (
    f"UPDATE orgsync_lease SET expires_at = {NOW} + {_UNTIL.format('ttl')} "
    f"WHERE sync = %s AND connection = %s AND epoch = %s AND holder <> '' RETURNING {CHANGES}"
)
RELEASE_LEASE = (
    f"UPDATE orgsync_lease SET holder = '', expires_at = {NOW} WHERE sync = %s AND connection = %s AND epoch = %s"
)
REVOKE_LEASES = (
    f"UPDATE orgsync_lease SET holder = '', expires_at = {NOW} "
    "WHERE sync = coalesce(%s, sync) AND connection = coalesce(%s, connection)"
)
FREE_LEASES = "UPDATE orgsync_lease SET holder = ''"
LEASES = (
    "SELECT connection, holder, taken_at, expires_at FROM orgsync_lease "
    "WHERE sync = %s AND connection = coalesce(%s, connection) AND holder <> ''"
)

RUN_COLUMNS = _columns(Run)
_RUN = f"SELECT {_quoted(RUN_COLUMNS)} FROM orgsync_run "
RUN = f"{_RUN}WHERE id = %s"
RUNS = (
    f"{_RUN}WHERE sync = coalesce(%s, sync) AND kind = coalesce(%s, kind) AND connection = coalesce(%s, connection) "
    "ORDER BY id DESC LIMIT %s"
)
LAST_RUNS = f"{_RUN}WHERE id IN (SELECT max(id) FROM orgsync_run WHERE kind = 'sync' GROUP BY sync, connection)"
RUNS_AFTER = f"{_RUN}WHERE id > %s AND kind = 'sync' ORDER BY id"
FAIL_RUNS = (
    f"UPDATE orgsync_run SET status = 'failed', error = %s, error_code = %s, finished_at = {NOW} "
    "WHERE sync = %s AND connection = coalesce(%s, connection) AND kind = 'sync' AND status = 'running' "
    f"RETURNING {_quoted(RUN_COLUMNS)}"
)
START_RUN = (
    "INSERT INTO orgsync_run "
    "(sync, connection, epoch, status, started_at, added, updated, deleted, unchanged, api_calls) "
    f"VALUES (%s, %s, %s, 'running', {NOW}, 0, 0, 0, 0, 0) RETURNING {_quoted(RUN_COLUMNS)}"
)
START_ACTION = (
    "INSERT INTO orgsync_run "
    "(sync, connection, epoch, status, started_at, added, updated, deleted, unchanged, api_calls, kind, holder) "
    f"VALUES (%s, %s, 0, 'running', {NOW}, 0, 0, 0, 0, 0, 'action', %s) RETURNING {_quoted(RUN_COLUMNS)}"
)
RUNNING_ACTIONS = (
    "SELECT id, holder FROM orgsync_run "
    "WHERE sync = %s AND connection = %s AND kind = 'action' AND status = 'running' ORDER BY id"
)
FAIL_ACTION = (
    f"UPDATE orgsync_run SET status = 'failed', error = %s, error_code = %s, finished_at = {NOW} "
    "WHERE id = %s AND status = 'running' "
    f"RETURNING {_quoted(RUN_COLUMNS)}"
)
REMOVE_RUNS = (  # the last run of each sync and connection stays: it says when the next is due
    "DELETE FROM orgsync_run WHERE id IN (SELECT id FROM orgsync_run AS old WHERE finished_at < %s AND EXISTS "
    "(SELECT 1 FROM orgsync_run AS newer WHERE newer.sync = old.sync AND newer.connection = old.connection "
    "AND newer.kind = old.kind AND newer.id > old.id) LIMIT %s) RETURNING 1"
)
FINISH_RUN = (
    f"UPDATE orgsync_run SET status = %s, error = %s, error_code = %s, finished_at = {NOW}, api_calls = %s, "
    f"watermark = %s WHERE id = %s AND status = 'running' RETURNING {_quoted(RUN_COLUMNS)}"
)
NOTE_RUN = "UPDATE orgsync_run SET error = %s WHERE id = %s AND status = 'running'"
COUNT = (  # and, where there is any webhook, keep the numbers of what has changed
    "WITH noted AS (INSERT INTO orgsync_webhook_change (run_id, record_table, first, last) "
    "SELECT %s, changed, %s, %s FROM unnest(%s::text[]) AS changed WHERE EXISTS (SELECT 1 FROM orgsync_webhook) "
    "ON CONFLICT (run_id, record_table) DO UPDATE SET last = excluded.last) "
    "UPDATE orgsync_run SET added = added + %s, updated = updated + %s, deleted = deleted + %s, "
    "unchanged = unchanged + %s, api_calls = %s "
    "WHERE id = %s AND connection = %s AND status = 'running' RETURNING id"
)

CHECKPOINTS = (
    "SELECT stream, watermark, position, updated_at, kept_in FROM orgsync_checkpoint "
    "WHERE sync = %s AND connection = %s"
)
SAVE_CHECKPOINT = (
    "INSERT INTO orgsync_checkpoint AS old (sync, connection, stream, watermark, position, updated_at, kept_in) "
    f"VALUES (%s, %s, %s, %s, %s, {NOW}, %s) ON CONFLICT (sync, connection, stream) DO UPDATE SET "
    "watermark = excluded.watermark, position = excluded.position, updated_at = excluded.updated_at, "
    "kept_in = coalesce(excluded.kept_in, old.kept_in)"
)
STREAMS = "SELECT DISTINCT stream FROM orgsync_checkpoint WHERE sync = %s AND connection = coalesce(%s, connection)"
REMOVE_CHECKPOINTS = "DELETE FROM orgsync_checkpoint WHERE sync = %s AND connection = coalesce(%s, connection)"

SAVE_SCHEDULE = (
    f'INSERT INTO orgsync_schedule (sync, connection, every, "off", updated_at) VALUES (%s, %s, %s, %s, {NOW}) '
    "ON CONFLICT (sync, connection) DO UPDATE SET "
    'every = excluded.every, "off" = excluded."off", updated_at = excluded.updated_at'
)
REMOVE_SCHEDULE = "DELETE FROM orgsync_schedule WHERE sync = %s AND connection = %s"

OBJECT_COLUMNS = (
    'SELECT "column", field, kind FROM orgsync_object_column WHERE lower(record_table) = lower(%s) ORDER BY "column"'
)
ADD_OBJECT_COLUMNS = (
    'INSERT INTO orgsync_object_column (record_table, "column", field, kind) '
    "SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[])"
)
REMOVE_OBJECT_COLUMNS = "DELETE FROM orgsync_object_column WHERE lower(record_table) = lower(%s)"

CLAIM_TABLE = "INSERT INTO orgsync_table_owner (name, sync) VALUES (%s, %s) ON CONFLICT (lower(name)) DO NOTHING"
TABLE_OWNER = "SELECT sync FROM orgsync_table_owner WHERE lower(name) = lower(%s)"
DISOWN_TABLE = "DELETE FROM orgsync_table_owner WHERE lower(name) = lower(%s)"

NOTE_CLEARED = (
    f"INSERT INTO orgsync_cleared (record_table, connection, number, cleared_at) VALUES (%s, %s, %s, {NOW}) "
    "ON CONFLICT (record_table, connection) DO UPDATE SET number = excluded.number, cleared_at = excluded.cleared_at"
)

ADD_SEEN_IDS = (
    "INSERT INTO orgsync_seen_id (connection, owner, id) SELECT %s, %s, unnest(%s::text[]) ON CONFLICT DO NOTHING"
)
SEEN_IDS = "SELECT id FROM orgsync_seen_id WHERE connection = %s AND owner = %s AND id > %s ORDER BY id LIMIT %s"
REMOVE_SEEN_IDS = "DELETE FROM orgsync_seen_id WHERE owner = %s AND connection = coalesce(%s, connection)"
CLEAR_SEEN_IDS = (
    "DELETE FROM orgsync_seen_id WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM orgsync_seen_id WHERE connection = %s AND owner = %s LIMIT %s))"
)

WRITE_COLUMNS = _columns(OrgWrite)
LAST_WRITE = (
    f"SELECT {_quoted(WRITE_COLUMNS)} FROM orgsync_write WHERE connection = %s AND key = %s ORDER BY id DESC LIMIT 1"
)
START_WRITE = (
    f"INSERT INTO orgsync_write (connection, key, label, started_at) VALUES (%s, %s, %s, {NOW}) "
    f"RETURNING {_quoted(WRITE_COLUMNS)}"
)
FINISH_WRITE = f"UPDATE orgsync_write SET finished_at = {NOW} WHERE id = %s"
REMOVE_WRITES = (
    "DELETE FROM orgsync_write_part WHERE write_id IN (SELECT id FROM orgsync_write WHERE finished_at < %s)",
    "DELETE FROM orgsync_write WHERE finished_at < %s",
)
WRITE_PARTS = "SELECT number, entry::text FROM orgsync_write_part WHERE write_id = %s ORDER BY number"
WRITE_OUTCOMES = "SELECT outcomes FROM orgsync_write_part WHERE write_id = %s AND number = %s"
SAVE_WRITE_PART = (
    "INSERT INTO orgsync_write_part (write_id, number, entry, outcomes) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (write_id, number) DO UPDATE SET entry = excluded.entry, outcomes = excluded.outcomes"
)
