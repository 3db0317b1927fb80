"""Rows of the control tables as a view returns them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orgsync.field_mapping import mapping_as_text, mapping_from_json

from ..view import ConnectionRow, RunRow
from . import control_sql

__all__ = ["connection_row", "run_row"]


def run_row(row: Sequence[Any]) -> RunRow:
    """Return a run."""
    values = dict(zip(control_sql.RUN_COLUMNS, row, strict=True))
    for name in ("started_at", "finished_at", "watermark"):
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    return RunRow(**values)


def connection_row(values: dict[str, Any]) -> ConnectionRow:
    """Return a connection, from its columns by name, which are changed."""
    values["metadata"], values["tags"] = json.loads(values["metadata"]), json.loads(values["tags"])
    values["mapping"] = mapping_as_text(mapping_from_json(json.loads(values["mapping"])))
    for name in ("created_at", "updated_at"):
        values[name] = datetime.fromisoformat(values[name])
    return ConnectionRow(**values)
