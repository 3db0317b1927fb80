"""What the tables of health hold, as values; they come without the classes of `model`."""

import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from .owed import owed_in
from .statuses import Owed

__all__ = ["AlertRow", "ConnectionHealth", "Instant", "SchemaRow", "StandingRow", "owed_rows", "packed", "schema_row"]

Instant: TypeAlias = Callable[[Any], datetime | None]
"""Reads an instant as the database keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingRow:
    """How a sync or an action stands on a connection; see `health_model.Standing`."""

    kind: str
    sync: str
    connection: str
    done: int
    failed: int
    stopped: int
    added: int
    updated: int
    deleted: int
    unchanged: int
    api_calls: int
    failures: int
    status: str
    started_at: datetime
    ended_at: datetime
    error_code: str | None
    failure_error: str | None
    failure_error_code: str | None
    success_started_at: datetime | None
    success_ended_at: datetime | None
    watermark: datetime | None
    api_used: int | None
    api_limit: int | None
    api_seen_at: datetime | None

    @property
    def read_up_to(self) -> datetime | None:
        """Up to when the copy is complete: the watermark, or the last success where there is none."""
        return self.watermark or self.success_ended_at


@dataclass(frozen=True, slots=True)
class ConnectionHealth:
    """Whether a connection is ready, and why it is not."""

    name: str
    status: str
    status_reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert that was told and is not cleared; `subject` is the sync or the object that it is about, or ""."""

    kind: str
    connection: str
    subject: str
    message: str
    raised_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it this alert and no other."""
        return self.kind, self.connection, self.subject

    def concerns(self, sync: str, connection: str) -> bool:
        """Return whether it is about a sync on a connection, or about the connection."""
        return self.connection == connection and (self.subject in ("", sync) or self.kind == "schema_changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaRow:
    """The fields of an object as a connection's user saw them last: types by name; see `health_model.OrgSchema`."""

    connection: str
    object: str
    fields: Mapping[str, str] = field(repr=False)
    last_modified: str | None
    readers: Mapping[str, Sequence[str]]
    changes: Sequence[Mapping[str, Any]]
    checked_at: datetime
    changed_at: datetime | None


def packed(fields: Mapping[str, str]) -> bytes:
    """Return fields in stored form: an object may have eight hundred, on each of a thousand connections."""
    return zlib.compress(json.dumps(fields, separators=(",", ":"), sort_keys=True).encode())


def schema_row(row: Sequence[Any], instant: Instant) -> SchemaRow:
    """Return a schema from its columns, in the order of `health_sql.SCHEMA_COLUMNS`."""
    connection, name, fields, last_modified, readers, changes, checked_at, changed_at = row
    checked = instant(checked_at)
    assert checked is not None  # noqa: S101 # the column takes no NULL
    return SchemaRow(
        connection=connection,
        object=name,
        fields=json.loads(zlib.decompress(bytes(fields))),
        last_modified=last_modified,
        readers=_from_json(readers),
        changes=_from_json(changes),
        checked_at=checked,
        changed_at=instant(changed_at),
    )


def owed_rows(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, str], Owed]:
    """Return what is owed of each sync on each connection, from the rows of `health_sql.OWED`."""
    found = dict[tuple[str, str], Owed]()
    for sync, connection, stream, position in rows:
        owed = owed_in(stream, _from_json(position))
        if owed and found.get((sync, connection)) != "full":
            found[sync, connection] = owed
    return found


def _from_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
