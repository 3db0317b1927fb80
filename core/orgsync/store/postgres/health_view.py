"""Rows of the tables of health as values."""

from collections.abc import Sequence
from typing import Any

from ..health_rows import AlertRow, SchemaRow, StandingRow, schema_row
from ..health_sql import STANDING_COLUMNS
from .stored import instants_in_utc

__all__ = ["alert_row", "schema_of", "standing_row"]


def standing_row(row: Sequence[Any]) -> StandingRow:
    """Return how a sync stands."""
    return StandingRow(**dict(zip(STANDING_COLUMNS, instants_in_utc(row), strict=True)))


def alert_row(row: Sequence[Any]) -> AlertRow:
    """Return an alert."""
    kind, connection, subject, message, raised_at = instants_in_utc(row)
    return AlertRow(kind=kind, connection=connection, subject=subject, message=message, raised_at=raised_at)


def schema_of(row: Sequence[Any]) -> SchemaRow:
    """Return a schema."""
    return schema_row(instants_in_utc(row), _same)


def _same(instant: Any) -> Any:
    return instant
