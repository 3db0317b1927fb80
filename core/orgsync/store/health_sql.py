"""The statements on the tables of health, in words that both databases know; a parameter is `?`."""
# ruff: noqa: S608 # they are made of constants alone

__all__ = [
    "ALERTS",
    "ALERTS_OF",
    "CHANGED_SCHEMAS",
    "CLEAR_ALERT",
    "CONNECTIONS",
    "NOTE_END",
    "OBJECTS",
    "OWED",
    "OWED_TEXTS",
    "PENDING_MESSAGES",
    "RAISE_ALERT",
    "REMOVE_SCHEMA",
    "REMOVE_STANDINGS",
    "SAVE_SCHEMA",
    "SCHEMA",
    "SCHEMAS",
    "SCHEMA_COLUMNS",
    "STANDINGS",
    "STANDING_COLUMNS",
    "STANDING_PAIRS",
    "named",
]

_KEY = ("kind", "sync", "connection")
_SUMS = ("done", "failed", "stopped", "added", "updated", "deleted", "unchanged", "api_calls")
_LAST = ("status", "started_at", "ended_at", "error_code")
_FAILURE = ("failure_error", "failure_error_code")
_SUCCESS = ("success_started_at", "success_ended_at", "watermark")
_API = ("api_used", "api_limit", "api_seen_at")
STANDING_COLUMNS = (*_KEY, *_SUMS, "failures", *_LAST, *_FAILURE, *_SUCCESS, *_API)
STANDINGS = f"SELECT {', '.join(STANDING_COLUMNS)} FROM orgsync_standing ORDER BY kind, sync, connection"
STANDING_PAIRS = "SELECT sync, connection FROM orgsync_standing WHERE kind = 'sync'"
REMOVE_STANDINGS = (
    "DELETE FROM orgsync_standing WHERE kind = 'sync' AND sync = ? AND connection = coalesce(?, connection)"
)

_IS = "CASE WHEN run.status = '{}' THEN {} END"
_NUMBER = "CASE WHEN run.status = '{}' THEN 1 ELSE 0 END"
NOTE_END = (
    f"INSERT INTO orgsync_standing AS standing ({', '.join(STANDING_COLUMNS)}) "
    "SELECT run.kind, run.sync, run.connection, "
    f"{_NUMBER.format('done')}, {_NUMBER.format('failed')}, {_NUMBER.format('stopped')}, "
    "run.added, run.updated, run.deleted, run.unchanged, run.api_calls, "
    f"{_NUMBER.format('failed')}, run.status, run.started_at, run.finished_at, run.error_code, "
    f"{_IS.format('failed', 'run.error')}, {_IS.format('failed', 'run.error_code')}, "
    f"{_IS.format('done', 'run.started_at')}, {_IS.format('done', 'run.finished_at')}, "
    f"{_IS.format('done', 'run.watermark')}, used.number, used.most, "
    "CASE WHEN used.number IS NOT NULL THEN run.finished_at END "
    "FROM orgsync_run AS run, (SELECT CAST(? AS bigint) AS number, CAST(? AS bigint) AS most) AS used "
    "WHERE run.id = ? AND EXISTS (SELECT 1 FROM orgsync_connection WHERE name = run.connection) "
    f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = standing.{name} + excluded.{name}" for name in _SUMS)
    + ", failures = CASE WHEN excluded.status = 'done' THEN 0 ELSE standing.failures + excluded.failures END, "
    + ", ".join(f"{name} = excluded.{name}" for name in _LAST)
    + ", "
    + ", ".join(
        f"{name} = CASE WHEN excluded.status = 'stopped' THEN standing.{name} ELSE excluded.{name} END"
        for name in _FAILURE
    )
    + ", "
    + ", ".join(
        f"{name} = CASE WHEN excluded.status = 'done' THEN excluded.{name} ELSE standing.{name} END"
        for name in _SUCCESS
    )
    + ", "
    + ", ".join(f"{name} = coalesce(excluded.{name}, standing.{name})" for name in _API)
    + " RETURNING failures"
)
"""Add a run that has ended to how its sync stands; nothing for one whose connection was removed."""

CONNECTIONS = "SELECT name, status, status_reason, created_at FROM orgsync_connection ORDER BY name"
OBJECTS = (
    "SELECT DISTINCT sync FROM orgsync_table_owner AS owner WHERE EXISTS "
    "(SELECT 1 FROM orgsync_object_column WHERE lower(record_table) = lower(owner.name)) ORDER BY sync"
)

_ALERT = "kind, connection, subject, message, raised_at"
ALERTS = f"SELECT {_ALERT} FROM orgsync_alert ORDER BY connection, kind, subject"
ALERTS_OF = f"SELECT {_ALERT} FROM orgsync_alert WHERE connection = ? ORDER BY kind, subject"
RAISE_ALERT = f"INSERT INTO orgsync_alert ({_ALERT}) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING kind"
CLEAR_ALERT = f"DELETE FROM orgsync_alert WHERE kind = ? AND connection = ? AND subject = ? RETURNING {_ALERT}"

SCHEMA_COLUMNS = (
    *("connection", "object", "fields", "last_modified", "readers", "changes", "checked_at", "changed_at"),
)
_SCHEMA = f"SELECT {', '.join(SCHEMA_COLUMNS)} FROM orgsync_org_schema"
SCHEMA = f"{_SCHEMA} WHERE connection = ? AND object = ?"
SCHEMAS = f"{_SCHEMA} WHERE connection = coalesce(?, connection) ORDER BY connection, object"
CHANGED_SCHEMAS = f"{_SCHEMA} WHERE changed_at > ? ORDER BY connection, object"
SAVE_SCHEMA = (
    f"INSERT INTO orgsync_org_schema ({', '.join(SCHEMA_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (connection, object) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in SCHEMA_COLUMNS[2:])
)
REMOVE_SCHEMA = "DELETE FROM orgsync_org_schema WHERE connection = ? AND object = ?"

_POSITION = "CAST(position AS text) LIKE ?"
OWED = f"SELECT sync, connection, stream, position FROM orgsync_checkpoint WHERE {_POSITION} OR {_POSITION}"
OWED_TEXTS = ('%owed": "full"%', '%owed": "reconcile"%')
"""The parameters of `OWED`, which reads the checkpoints in which something may be owed; see `owed`."""

PENDING_MESSAGES = "SELECT count(*), min(created_at) FROM orgsync_webhook_delivery WHERE state = 'pending'"


def named(sql: str) -> str:
    """Return a statement with its parameters as psycopg has them."""
    return sql.replace("?", "%s")
