"""The statements on the control tables, in SQLite's words."""
# ruff: noqa: S608 # they are made of constants alone

__all__ = [
    "ADVANCE",
    "CHECKPOINTS",
    "CHECKPOINT_OWNERS",
    "CLAIM_TABLE",
    "CONNECTION",
    "CONNECTION_COLUMNS",
    "CONNECTION_NAMES",
    "COUNT",
    "DELETE_CHECKPOINTS",
    "DELETE_MET",
    "DISOWN_TABLE",
    "FAIL_RUNS",
    "FAIL_RUNS_OF",
    "FENCE_LEASES",
    "FINISH_RUN",
    "FORGET_MET",
    "FORGET_RUNS",
    "FREE_LEASES",
    "HOLDS",
    "LAST_NUMBER",
    "LAST_RUNS",
    "LEASE",
    "LEASES_OF",
    "MEET",
    "MET_AFTER",
    "NOTE_RUN",
    "RELEASE_LEASE",
    "RENEW_LEASE",
    "REVOKE_LEASES",
    "RUN",
    "RUNS",
    "RUNS_AFTER",
    "RUN_COLUMNS",
    "START_RUN",
    "STREAMS_OF",
    "SYNC_NAMES",
    "TABLE_EXISTS",
    "TABLE_OWNERS",
    "TAKE_LEASE",
    "VERSION",
    "VERSION_TABLE",
    "WRITE_NOTHING",
]

VERSION_TABLE = "orgsync_version"
TABLE_EXISTS = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
VERSION = f"SELECT version_num FROM {VERSION_TABLE}"

WRITE_NOTHING = "UPDATE orgsync_sequence SET value = value"  # a transaction alone is allowed where writing is not

CONNECTION_COLUMNS = (
    *("name", "environment", "login_url", "instance_url", "org_id", "user_id", "username", "grant", "client_id"),
    *("scope", "api_version", "status", "status_reason", "metadata", "tags", "secrets", "created_at", "updated_at"),
)
_QUOTED_COLUMNS = ", ".join(f'"{name}"' for name in CONNECTION_COLUMNS)
CONNECTION = f"SELECT {_QUOTED_COLUMNS} FROM orgsync_connection WHERE name = ?"
CONNECTION_NAMES = "SELECT name FROM orgsync_connection ORDER BY name"

LEASE = "SELECT holder, taken_at, expires_at FROM orgsync_lease WHERE sync = ? AND connection = ? AND holder <> ''"
HOLDS = "SELECT 1 FROM orgsync_lease WHERE holder = ? LIMIT 1"
TAKE_LEASE = (
    "INSERT INTO orgsync_lease (sync, connection, epoch, holder, taken_at, lasts, expires_at) "
    "VALUES (?, ?, 1, ?, ?, ?, ?) ON CONFLICT (sync, connection) DO UPDATE SET epoch = epoch + 1, "
    "holder = excluded.holder, taken_at = excluded.taken_at, lasts = excluded.lasts, expires_at = excluded.expires_at "
    "RETURNING epoch"
)
RENEW_LEASE = (
    "UPDATE orgsync_lease SET expires_at = strftime('%Y-%m-%dT%H:%M:%fZ', ?, format('%f seconds', lasts)) "
    "WHERE sync = ? AND connection = ? AND epoch = ? AND holder <> '' RETURNING 1"
)
RELEASE_LEASE = "UPDATE orgsync_lease SET holder = '', expires_at = ? WHERE sync = ? AND connection = ? AND epoch = ?"
REVOKE_LEASES = "UPDATE orgsync_lease SET holder = '', expires_at = ? WHERE connection = ?"
FREE_LEASES = "UPDATE orgsync_lease SET holder = ''"
LEASES_OF = (
    "SELECT connection, holder, taken_at, expires_at FROM orgsync_lease "
    "WHERE sync = ? AND connection = coalesce(?, connection) AND holder <> ''"
)
FENCE_LEASES = (
    "UPDATE orgsync_lease SET holder = '', expires_at = ? WHERE sync = ? AND connection = coalesce(?, connection)"
)

RUN_COLUMNS = (
    *("id", "sync", "connection", "epoch", "status", "started_at", "finished_at"),
    *("added", "updated", "deleted", "unchanged", "api_calls", "watermark", "error"),
)
RUN = f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run WHERE id = ?"
RUNS = (
    f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run "
    "WHERE sync = coalesce(?, sync) AND connection = coalesce(?, connection) ORDER BY id DESC LIMIT ?"
)
LAST_RUNS = (
    f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run "
    "WHERE id IN (SELECT max(id) FROM orgsync_run GROUP BY sync, connection)"
)
RUNS_AFTER = f"SELECT {', '.join(RUN_COLUMNS)} FROM orgsync_run WHERE id > ? ORDER BY id"
FAIL_RUNS = (
    "UPDATE orgsync_run SET status = 'failed', error = ?, finished_at = ? "
    "WHERE sync = ? AND connection = ? AND status = 'running'"
)
FAIL_RUNS_OF = (
    "UPDATE orgsync_run SET status = 'failed', error = ?, finished_at = ? "
    "WHERE sync = ? AND connection = coalesce(?, connection) AND status = 'running'"
)
START_RUN = (
    "INSERT INTO orgsync_run "
    "(sync, connection, epoch, status, started_at, added, updated, deleted, unchanged, api_calls) "
    "VALUES (?, ?, ?, 'running', ?, 0, 0, 0, 0, 0) RETURNING id"
)
FORGET_RUNS = (  # the last run of each sync and connection stays: it tells when the next is due
    "DELETE FROM orgsync_run WHERE id IN (SELECT id FROM orgsync_run AS old WHERE finished_at < ? AND EXISTS "
    "(SELECT 1 FROM orgsync_run AS newer WHERE newer.sync = old.sync AND newer.connection = old.connection "
    "AND newer.id > old.id) LIMIT ?) RETURNING 1"
)
FINISH_RUN = (
    "UPDATE orgsync_run SET status = ?, error = ?, finished_at = ?, api_calls = ?, watermark = ? "
    f"WHERE id = ? AND status = 'running' RETURNING {', '.join(RUN_COLUMNS)}"
)
NOTE_RUN = "UPDATE orgsync_run SET error = ? WHERE id = ? AND status = 'running' RETURNING id"
COUNT = (
    "UPDATE orgsync_run SET added = added + ?, updated = updated + ?, deleted = deleted + ?, "
    "unchanged = unchanged + ?, api_calls = ? "
    "WHERE id = ? AND connection = ? AND status = 'running' RETURNING id"
)

CHECKPOINT_OWNERS = "SELECT DISTINCT sync, connection FROM orgsync_checkpoint"
CHECKPOINTS = (
    "SELECT stream, watermark, position, updated_at, kept_in FROM orgsync_checkpoint WHERE sync = ? AND connection = ?"
)
ADVANCE = (
    "INSERT INTO orgsync_checkpoint (sync, connection, stream, watermark, position, updated_at, kept_in) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sync, connection, stream) DO UPDATE SET "
    "watermark = excluded.watermark, position = excluded.position, updated_at = excluded.updated_at, "
    "kept_in = coalesce(excluded.kept_in, kept_in)"
)

STREAMS_OF = "SELECT DISTINCT stream FROM orgsync_checkpoint WHERE sync = ? AND connection = coalesce(?, connection)"
DELETE_CHECKPOINTS = "DELETE FROM orgsync_checkpoint WHERE sync = ? AND connection = coalesce(?, connection)"

TABLE_OWNERS = "SELECT name, sync FROM orgsync_table_owner ORDER BY name"
CLAIM_TABLE = (
    "INSERT INTO orgsync_table_owner (name, sync) VALUES (?, ?) "
    "ON CONFLICT (name) DO UPDATE SET sync = sync RETURNING sync"
)
DISOWN_TABLE = "DELETE FROM orgsync_table_owner WHERE name = ?"
SYNC_NAMES = (
    "SELECT sync FROM orgsync_checkpoint UNION SELECT sync FROM orgsync_table_owner UNION SELECT sync FROM orgsync_run"
)

LAST_NUMBER = "SELECT value FROM orgsync_sequence WHERE name = 'change'"
MEET = "INSERT OR IGNORE INTO orgsync_met (connection, owner, id) SELECT ?, ?, value FROM json_each(?)"

MET_AFTER = "SELECT id FROM orgsync_met WHERE connection = ? AND owner = ? AND id > ? ORDER BY id LIMIT ?"
DELETE_MET = "DELETE FROM orgsync_met WHERE owner = ? AND connection = coalesce(?, connection)"
FORGET_MET = (
    "DELETE FROM orgsync_met WHERE connection = ? AND owner = ? AND id IN "
    "(SELECT id FROM orgsync_met WHERE connection = ? AND owner = ? ORDER BY id LIMIT ?)"
)
