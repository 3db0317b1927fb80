"""Make the control tables: connections, checkpoints, runs, and the change feed's counter."""

import sqlalchemy as sa
from alembic import op

from orgsync.records import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the five tables, and start the change feed's counter."""
    _make_connections()
    _make_pending_sign_ins()
    _make_checkpoints()
    _make_runs()
    sequence = op.create_table(
        "orgsync_sequence",
        sa.Column("name", sa.String(), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.bulk_insert(sequence, [{"name": "change", "value": 0}])


def _make_connections() -> None:
    texts = ("environment", "login_url", "instance_url", "org_id", "user_id", "username", "grant", "client_id")
    more_texts = ("scope", "api_version", "status", "status_reason")
    op.create_table(
        "orgsync_connection",
        sa.Column("name", sa.String(), primary_key=True),
        *(sa.Column(name, sa.String(), nullable=False) for name in (*texts, *more_texts)),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )


def _make_pending_sign_ins() -> None:
    op.create_table(
        "orgsync_pending_sign_in",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
    )


def _make_checkpoints() -> None:
    op.create_table(
        "orgsync_checkpoint",
        sa.Column("sync", sa.String(), primary_key=True),
        sa.Column("connection", sa.String(), primary_key=True),
        sa.Column("stream", sa.String(), primary_key=True),
        sa.Column("watermark", UtcDateTime(), nullable=True),
        sa.Column("position", sa.JSON(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
    )


def _make_runs() -> None:
    counts = ("added", "updated", "deleted", "unchanged", "api_calls")
    op.create_table(
        "orgsync_run",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sync", sa.String(), nullable=False),
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("watermark", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sqlite_autoincrement=True,
    )
    op.create_index("orgsync_run_sync_connection", "orgsync_run", ["sync", "connection"])
