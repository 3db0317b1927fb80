"""Schedules that a connection has of its own, where they differ from what a script says."""

from collections.abc import Iterable
from dataclasses import dataclass

from orgsync.store.view import ScheduleRow

from .schedule import Every, parse_every

__all__ = ["OwnSchedule", "own_schedules"]


@dataclass(frozen=True, slots=True)
class OwnSchedule:
    """When a sync is due on one connection, None as its script says; `off` means never."""

    every: Every | None = None
    off: bool = False

    def applied(self, default: Every | None) -> Every | None:
        """Return when the sync is due, from what its script says; None for never."""
        return None if self.off else self.every or default


def own_schedules(rows: Iterable[ScheduleRow]) -> dict[tuple[str, str], OwnSchedule]:
    """Return what the database has set, by sync and connection."""
    return {
        (row.sync, row.connection): OwnSchedule(None if row.every is None else parse_every(row.every), row.off)
        for row in rows
    }
