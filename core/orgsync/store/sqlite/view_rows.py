"""Rows of the control tables as a view returns them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orgsync.field_mapping import mapping_as_text, mapping_from_json

from .. import health_sql
from ..health_rows import AlertRow, StandingRow
from ..view import ConnectionRow, RunRow
from . import control_sql

__all__ = ["alert_row", "connection_row", "instant", "run_row", "standing_row"]


def instant(stored: str | None) -> datetime | None:
    """Return an instant as the database keeps it."""
    return None if stored is None else datetime.fromisoformat(stored)


def standing_row(row: Sequence[Any]) -> StandingRow:
    """Return how a sync stands."""
    values: dict[str, Any] = dict(zip(health_sql.STANDING_COLUMNS, row, strict=True))
    for name in ("watermark", *(each for each in values if each.endswith("_at"))):
        values[name] = instant(values[name])
    return StandingRow(**values)


def alert_row(row: Sequence[Any]) -> AlertRow:
    """Return an alert."""
    kind, connection, subject, message, raised_at = row
    at = datetime.fromisoformat(raised_at)
    return AlertRow(kind=kind, connection=connection, subject=subject, message=message, raised_at=at)


def run_row(row: Sequence[Any]) -> RunRow:
    """Return a run."""
    values = dict(zip(control_sql.RUN_COLUMNS, row, strict=True))
    for name in ("started_at", "finished_at", "watermark"):
        values[name] = instant(values[name])
    return RunRow(**values)


def connection_row(values: dict[str, Any]) -> ConnectionRow:
    """Return a connection, from its columns by name, which are changed."""
    values["metadata"], values["tags"] = json.loads(values["metadata"]), json.loads(values["tags"])
    values["mapping"] = mapping_as_text(mapping_from_json(json.loads(values["mapping"])))
    for name in ("created_at", "updated_at"):
        values[name] = datetime.fromisoformat(values[name])
    return ConnectionRow(**values)
