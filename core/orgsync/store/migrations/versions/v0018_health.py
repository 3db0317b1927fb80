"""Make the tables of health: how each sync stands, by the runs that are kept; alerts; and schemas of orgs."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime
from orgsync.store.migrations.texts import text

revision = "0018"
down_revision = "0017"

_COUNTS = ("done", "failed", "stopped", "added", "updated", "deleted", "unchanged", "api_calls", "failures")


def upgrade() -> None:
    """Make the tables, and fill the first one."""
    op.create_table(
        "orgsync_standing",
        *(sa.Column(name, text(), primary_key=True) for name in ("kind", "sync", "connection")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _COUNTS),
        sa.Column("status", text(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.Column("error_code", text(), nullable=True),
        sa.Column("success_started_at", UtcDateTime(), nullable=True),
        sa.Column("success_ended_at", UtcDateTime(), nullable=True),
        sa.Column("watermark", UtcDateTime(), nullable=True),
        sa.Column("api_used", sa.BigInteger(), nullable=True),
        sa.Column("api_limit", sa.BigInteger(), nullable=True),
        sa.Column("api_seen_at", UtcDateTime(), nullable=True),
    )
    op.create_table(
        "orgsync_alert",
        *(sa.Column(name, text(), primary_key=True) for name in ("kind", "connection", "subject")),
        sa.Column("message", text(), nullable=False),
        sa.Column("raised_at", UtcDateTime(), nullable=False),
    )
    op.create_table(
        "orgsync_org_schema",
        *(sa.Column(name, text(), primary_key=True) for name in ("connection", "object")),
        sa.Column("fields", sa.LargeBinary(), nullable=False),
        sa.Column("last_modified", text(), nullable=True),
        sa.Column("readers", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=True),
    )
    op.create_index("orgsync_org_schema_changed", "orgsync_org_schema", ["changed_at"])
    op.execute(_FILL)


_FILL = """
INSERT INTO orgsync_standing (
    kind, sync, connection, done, failed, stopped, added, updated, deleted, unchanged, api_calls, failures,
    status, started_at, ended_at, error_code, success_started_at, success_ended_at, watermark
)
WITH together AS (
    SELECT kind, sync, connection,
        sum(CASE WHEN status = 'done' THEN 1 ELSE 0 END) AS done,
        sum(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed,
        sum(CASE WHEN status = 'stopped' THEN 1 ELSE 0 END) AS stopped,
        sum(added) AS added, sum(updated) AS updated, sum(deleted) AS deleted, sum(unchanged) AS unchanged,
        sum(api_calls) AS api_calls, max(id) AS last_id, max(CASE WHEN status = 'done' THEN id END) AS done_id
    FROM orgsync_run
    WHERE finished_at IS NOT NULL AND status <> 'running' AND connection IN (SELECT name FROM orgsync_connection)
    GROUP BY kind, sync, connection
)
SELECT together.kind, together.sync, together.connection, together.done, together.failed, together.stopped,
    together.added, together.updated, together.deleted, together.unchanged, together.api_calls,
    (
        SELECT count(*) FROM orgsync_run AS each
        WHERE each.kind = together.kind AND each.sync = together.sync AND each.connection = together.connection
        AND each.status = 'failed' AND each.id > coalesce(together.done_id, 0)
    ),
    ended.status, ended.started_at, ended.finished_at, ended.error_code,
    success.started_at, success.finished_at, success.watermark
FROM together
JOIN orgsync_run AS ended ON ended.id = together.last_id
LEFT JOIN orgsync_run AS success ON success.id = together.done_id
"""
