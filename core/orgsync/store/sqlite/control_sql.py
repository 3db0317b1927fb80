"""The statements on the control tables, in SQLite's words."""
# ruff: noqa: S608 # they are made of constants alone

__all__ = [
    "ACQUIRE_LEASE",
    "ADD_OBJECT_COLUMN",
    "ADD_SEEN_IDS",
    "CHECKPOINTS",
    "CLAIM_TABLE",
    "CLEARED_TABLES",
    "CLEAR_SEEN_IDS",
    "COLUMN_TYPES",
    "CONNECTION",
    "CONNECTIONS",
    "CONNECTION_COLUMNS",
    "COUNT",
    "DISOWN_TABLE",
    "FAIL_ACTION",
    "FAIL_RUNS",
    "FINISH_RUN",
    "FINISH_WRITE",
    "FREE_LEASES",
    "HOLDS",
    "LAST_NUMBER",
    "LAST_RUNS",
    "LAST_WRITE",
    "LEASES",
    "NEXT_NUMBERS",
    "NOTE_CLEARED",
    "NOTE_RUN",
    "OBJECTS",
    "OBJECT_COLUMNS",
    "OTHER_TABLES",
    "RELEASE_LEASE",
    "REMOVE_CHECKPOINTS",
    "REMOVE_CONNECTION",
    "REMOVE_EXPIRED_SIGN_INS",
    "REMOVE_OBJECT_COLUMNS",
    "REMOVE_RUNS",
    "REMOVE_RUNS_OF_CONNECTION",
    "REMOVE_SCHEDULE",
    "REMOVE_SEEN_IDS",
    "REMOVE_WRITES",
    "RENAME_CONNECTION",
    "RENAME_IN_CONTROL_TABLES",
    "RENEW_LEASE",
    "REPLACE_SECRETS",
    "REPLACE_SECRETS_OF_SIGN_IN",
    "REVOKE_LEASES",
    "RUN",
    "RUNNING_ACTIONS",
    "RUNS",
    "RUNS_AFTER",
    "RUN_COLUMNS",
    "RUN_PAIRS",
    "SAVE_CHECKPOINT",
    "SAVE_CONNECTION",
    "SAVE_SCHEDULE",
    "SAVE_SIGN_IN",
    "SAVE_WRITE_PART",
    "SCHEDULES",
    "SEEN_IDS",
    "SIGN_INS",
    "START_ACTION",
    "START_RUN",
    "START_WRITE",
    "STREAMS",
    "SYNC_NAMES",
    "TABLE_EXISTS",
    "TABLE_OWNERS",
    "TAKE_SIGN_IN",
    "VERSION",
    "WEBHOOKS_OFF",
    "WRITE_COLUMNS",
    "WRITE_NOTHING",
    "WRITE_OUTCOMES",
    "WRITE_PARTS",
]

OTHER_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'orgsync\\_%' ESCAPE '\\' "
    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
)
TABLE_EXISTS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
VERSION = "SELECT version_num FROM orgsync_version"

WRITE_NOTHING = "UPDATE orgsync_sequence SET value = value"  # a transaction alone is allowed where writing is not

CONNECTION_COLUMNS = (
    *("name", "environment", "login_url", "instance_url", "org_id", "user_id", "username", "grant", "client_id"),
    *("scope", "api_version", "status", "status_reason", "metadata", "tags", "mapping", "secrets"),
    *("created_at", "updated_at"),
)
_QUOTED_COLUMNS = ", ".join(f'"{name}"' for name in CONNECTION_COLUMNS)
_REPLACED = ", ".join(
    f'"{name}" = excluded."{name}"' for name in CONNECTION_COLUMNS if name not in ("name", "created_at")
)
CONNECTION = f"SELECT {_QUOTED_COLUMNS} FROM orgsync_connection WHERE name = ?"
CONNECTIONS = f"SELECT {_QUOTED_COLUMNS} FROM orgsync_connection ORDER BY name"
SAVE_CONNECTION = (
    f"INSERT INTO orgsync_connection ({_QUOTED_COLUMNS}) VALUES ({', '.join('?' * len(CONNECTION_COLUMNS))}) "
    f"ON CONFLICT (name) DO UPDATE SET {_REPLACED} RETURNING {_QUOTED_COLUMNS}"
)
RENAME_CONNECTION = "UPDATE orgsync_connection SET name = ?, updated_at = ? WHERE name = ?"
RENAME_IN_CONTROL_TABLES = tuple(
    f"UPDATE {table} SET connection = ? WHERE connection = ?"
    for table in (
        *("orgsync_checkpoint", "orgsync_run", "orgsync_schedule", "orgsync_seen_id", "orgsync_write"),
        *("orgsync_api_token_connection", "orgsync_webhook_connection", "orgsync_webhook_delivery"),
        *("orgsync_standing", "orgsync_alert", "orgsync_org_schema"),
        "orgsync_connect_session",
    )
)
REMOVE_CONNECTION = (
    "DELETE FROM orgsync_connection WHERE name = ?",
    "DELETE FROM orgsync_checkpoint WHERE connection = ?",
    "DELETE FROM orgsync_schedule WHERE connection = ?",
    "DELETE FROM orgsync_seen_id WHERE connection = ?",
    "DELETE FROM orgsync_write_part WHERE write_id IN (SELECT id FROM orgsync_write WHERE connection = ?)",
    "DELETE FROM orgsync_write WHERE connection = ?",
    "DELETE FROM orgsync_api_token_connection WHERE connection = ?",
    "DELETE FROM orgsync_webhook_connection WHERE connection = ?",
    "DELETE FROM orgsync_standing WHERE connection = ?",
    "DELETE FROM orgsync_alert WHERE connection = ?",
    "DELETE FROM orgsync_org_schema WHERE connection = ?",
    "UPDATE orgsync_connect_session SET state = 'cancelled' WHERE connection = ? AND state IN ('waiting', 'failed')",
)
REMOVE_RUNS_OF_CONNECTION = "DELETE FROM orgsync_run WHERE connection = ?"

REPLACE_SECRETS = "UPDATE orgsync_connection SET secrets = ? WHERE name = ?"
REPLACE_SECRETS_OF_SIGN_IN = "UPDATE orgsync_sign_in SET secrets = ? WHERE key = ?"
SIGN_INS = "SELECT key, secrets FROM orgsync_sign_in ORDER BY key"
SAVE_SIGN_IN = "INSERT INTO orgsync_sign_in (key, secrets, begun_at) VALUES (?, ?, ?)"
TAKE_SIGN_IN = "DELETE FROM orgsync_sign_in WHERE key = ? AND begun_at >= ? RETURNING secrets"
REMOVE_EXPIRED_SIGN_INS = "DELETE FROM orgsync_sign_in WHERE begun_at < ?"

HOLDS = (
    "WITH given (holder) AS (SELECT ?) SELECT 1 FROM given WHERE holder IN (SELECT holder FROM orgsync_lease) "
    "OR holder IN (SELECT holder FROM orgsync_run WHERE kind = 'action' AND status = 'running')"
)
ACQUIRE_LEASE = (
    "INSERT INTO orgsync_lease (sync, connection, epoch, holder, taken_at, ttl, expires_at) "
    "VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT (sync, connection) DO UPDATE SET epoch = epoch + 1, "
    "holder = excluded.holder, taken_at = excluded.taken_at, ttl = excluded.ttl, expires_at = excluded.expires_at "
    "RETURNING epoch"
)
RENEW_LEASE = (
    "UPDATE orgsync_lease SET expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', ?, format('%f seconds', ttl)) "
    "WHERE sync = ? AND connection = ? AND epoch = ? AND holder <> '' RETURNING 1"
)
RELEASE_LEASE = "UPDATE orgsync_lease SET holder = '', expires_at = ? WHERE sync = ? AND connection = ? AND epoch = ?"
REVOKE_LEASES = (
    "UPDATE orgsync_lease SET holder = '', expires_at = ? "
    "WHERE sync = coalesce(?, sync) AND connection = coalesce(?, connection)"
)
FREE_LEASES = "UPDATE orgsync_lease SET holder = ''"
LEASES = (
    "SELECT connection, holder, taken_at, expires_at FROM orgsync_lease "
    "WHERE sync = ? AND connection = coalesce(?, connection) AND holder <> ''"
)

RUN_COLUMNS = (
    *("id", "sync", "connection", "epoch", "status", "started_at", "finished_at"),
    *("added", "updated", "deleted", "unchanged", "api_calls", "watermark", "error", "error_code"),
    *("kind", "holder"),
)
RUN = f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run WHERE id = ?"
RUNS = (
    f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run "
    "WHERE sync = coalesce(?, sync) AND kind = coalesce(?, kind) AND connection = coalesce(?, connection) "
    "ORDER BY id DESC LIMIT ?"
)
LAST_RUNS = (
    f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run "
    "WHERE id IN (SELECT max(id) FROM orgsync_run WHERE kind = 'sync' GROUP BY sync, connection)"
)
RUN_PAIRS = "SELECT DISTINCT sync, connection FROM orgsync_run WHERE kind = 'sync'"
RUNS_AFTER = f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run WHERE id > ? AND kind = 'sync' ORDER BY id"
FAIL_RUNS = (
    "UPDATE orgsync_run SET status = 'failed', error = ?, error_code = ?, finished_at = ? "
    "WHERE sync = ? AND connection = coalesce(?, connection) AND kind = 'sync' AND status = 'running' "
    f"RETURNING {', '.join(RUN_COLUMNS)}"
)
START_RUN = (
    "INSERT INTO orgsync_run "
    "(sync, connection, epoch, status, started_at, added, updated, deleted, unchanged, api_calls) "
    "VALUES (?, ?, ?, 'running', ?, 0, 0, 0, 0, 0) RETURNING id"
)
START_ACTION = (
    "INSERT INTO orgsync_run "
    "(sync, connection, epoch, status, started_at, added, updated, deleted, unchanged, api_calls, kind, holder) "
    "VALUES (?, ?, 0, 'running', ?, 0, 0, 0, 0, 0, 'action', ?) RETURNING id"
)
RUNNING_ACTIONS = (
    "SELECT id, holder FROM orgsync_run WHERE sync = ? AND connection = ? AND kind = 'action' AND status = 'running'"
)
FAIL_ACTION = (
    "UPDATE orgsync_run SET status = 'failed', error = ?, error_code = ?, finished_at = ? "
    "WHERE id = ? AND status = 'running' "
    f"RETURNING {', '.join(RUN_COLUMNS)}"
)
REMOVE_RUNS = (  # the last run of each sync and connection stays: it says when the next is due
    "DELETE FROM orgsync_run WHERE id IN (SELECT id FROM orgsync_run AS old WHERE finished_at < ? AND EXISTS "
    "(SELECT 1 FROM orgsync_run AS newer WHERE newer.sync = old.sync AND newer.connection = old.connection "
    "AND newer.kind = old.kind AND newer.id > old.id) LIMIT ?) RETURNING 1"
)
FINISH_RUN = (
    "UPDATE orgsync_run SET status = ?, error = ?, error_code = ?, finished_at = ?, api_calls = ?, watermark = ? "
    f"WHERE id = ? AND status = 'running' RETURNING {', '.join(RUN_COLUMNS)}"
)
NOTE_RUN = "UPDATE orgsync_run SET error = ? WHERE id = ? AND status = 'running' RETURNING id"
COUNT = (
    "UPDATE orgsync_run SET added = added + ?, updated = updated + ?, deleted = deleted + ?, "
    "unchanged = unchanged + ?, api_calls = ? WHERE id = ? AND connection = ? AND status = 'running' RETURNING id"
)

CHECKPOINTS = (
    "SELECT stream, watermark, position, updated_at, kept_in FROM orgsync_checkpoint WHERE sync = ? AND connection = ?"
)
SAVE_CHECKPOINT = (
    "INSERT INTO orgsync_checkpoint (sync, connection, stream, watermark, position, updated_at, kept_in) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sync, connection, stream) DO UPDATE SET "
    "watermark = excluded.watermark, position = excluded.position, updated_at = excluded.updated_at, "
    "kept_in = coalesce(excluded.kept_in, kept_in)"
)

COLUMN_TYPES = (  # those of the latest run come last
    "SELECT each.key, json_extract(each.value, '$[1]') FROM orgsync_checkpoint AS saved, "
    "json_each(saved.position, '$.columns') AS each WHERE coalesce(saved.kept_in, saved.stream) = ? COLLATE NOCASE "
    "ORDER BY saved.updated_at"
)
"""The columns of a table's record class and the names of their Python types, as a checkpoint of a stream has them."""
OBJECT_COLUMNS = 'SELECT "column", field, kind FROM orgsync_object_column WHERE record_table = ? ORDER BY "column"'
OBJECTS = (
    "SELECT DISTINCT sync FROM orgsync_table_owner AS owner "
    "WHERE EXISTS (SELECT 1 FROM orgsync_object_column WHERE record_table = owner.name)"
)
ADD_OBJECT_COLUMN = 'INSERT INTO orgsync_object_column (record_table, "column", field, kind) VALUES (?, ?, ?, ?)'
REMOVE_OBJECT_COLUMNS = "DELETE FROM orgsync_object_column WHERE record_table = ?"

STREAMS = "SELECT DISTINCT stream FROM orgsync_checkpoint WHERE sync = ? AND connection = coalesce(?, connection)"
REMOVE_CHECKPOINTS = "DELETE FROM orgsync_checkpoint WHERE sync = ? AND connection = coalesce(?, connection)"

WEBHOOKS_OFF = "SELECT id, off_reason FROM orgsync_webhook WHERE off_reason IS NOT NULL ORDER BY created_at, id"
SCHEDULES = "SELECT sync, connection, every, off FROM orgsync_schedule ORDER BY sync, connection"
SAVE_SCHEDULE = (
    "INSERT INTO orgsync_schedule (sync, connection, every, off, updated_at) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT (sync, connection) DO UPDATE SET "
    "every = excluded.every, off = excluded.off, updated_at = excluded.updated_at"
)
REMOVE_SCHEDULE = "DELETE FROM orgsync_schedule WHERE sync = ? AND connection = ?"

TABLE_OWNERS = "SELECT name, sync FROM orgsync_table_owner ORDER BY name"
CLAIM_TABLE = (
    "INSERT INTO orgsync_table_owner (name, sync) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET sync = sync RETURNING sync"
)
DISOWN_TABLE = "DELETE FROM orgsync_table_owner WHERE name = ?"
SYNC_NAMES = (
    "SELECT sync FROM orgsync_checkpoint UNION SELECT sync FROM orgsync_table_owner UNION "
    "SELECT sync FROM orgsync_run WHERE kind = 'sync'"
)

CLEARED_TABLES = "SELECT DISTINCT record_table FROM orgsync_cleared"
NOTE_CLEARED = (
    "INSERT INTO orgsync_cleared (record_table, connection, number, cleared_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (record_table, connection) DO UPDATE SET number = excluded.number, cleared_at = excluded.cleared_at"
)

LAST_NUMBER = "SELECT value FROM orgsync_sequence WHERE name = 'change'"
ADD_SEEN_IDS = "INSERT OR IGNORE INTO orgsync_seen_id (connection, owner, id) SELECT ?, ?, value FROM json_each(?)"

SEEN_IDS = "SELECT id FROM orgsync_seen_id WHERE connection = ? AND owner = ? AND id > ? ORDER BY id LIMIT ?"
REMOVE_SEEN_IDS = "DELETE FROM orgsync_seen_id WHERE owner = ? AND connection = coalesce(?, connection)"
CLEAR_SEEN_IDS = (
    "DELETE FROM orgsync_seen_id WHERE connection = ? AND owner = ? AND id IN "
    "(SELECT id FROM orgsync_seen_id WHERE connection = ? AND owner = ? ORDER BY id LIMIT ?)"
)
NEXT_NUMBERS = "UPDATE orgsync_sequence SET value = value + ? WHERE name = 'change' RETURNING value"

WRITE_COLUMNS = ("id", "connection", "key", "label", "started_at", "finished_at")
LAST_WRITE = (
    f"SELECT {', '.join(WRITE_COLUMNS)} FROM orgsync_write WHERE connection = ? AND key = ? ORDER BY id DESC LIMIT 1"
)
START_WRITE = (
    "INSERT INTO orgsync_write (connection, key, label, started_at) VALUES (?, ?, ?, ?) "
    f"RETURNING {', '.join(WRITE_COLUMNS)}"
)
FINISH_WRITE = "UPDATE orgsync_write SET finished_at = ? WHERE id = ?"
REMOVE_WRITES = (
    "DELETE FROM orgsync_write_part WHERE write_id IN (SELECT id FROM orgsync_write WHERE finished_at < ?)",
    "DELETE FROM orgsync_write WHERE finished_at < ?",
)
WRITE_PARTS = "SELECT number, entry FROM orgsync_write_part WHERE write_id = ? ORDER BY number"
WRITE_OUTCOMES = "SELECT outcomes FROM orgsync_write_part WHERE write_id = ? AND number = ?"
SAVE_WRITE_PART = (
    "INSERT INTO orgsync_write_part (write_id, number, entry, outcomes) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (write_id, number) DO UPDATE SET entry = excluded.entry, outcomes = excluded.outcomes"
)
