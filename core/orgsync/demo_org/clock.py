"""The org's clock: ticking with real time, or frozen and moved by hand."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime


class Clock:
    """Tells the org's time in UTC; `now=` freezes it, `advance` moves it either way."""

    def __init__(self, now: datetime | None = None) -> None:
        self._frozen = now.astimezone(UTC) if now else None
        self._offset = timedelta()

    @property
    def now(self) -> datetime:
        """The present instant, with its fraction of a second."""
        return (self._frozen or datetime.now(UTC)) + self._offset

    @property
    def stamp(self) -> datetime:
        """The present second, which is what rows are stamped with."""
        return self.now.replace(microsecond=0)

    def advance(self, by: timedelta) -> None:
        """Move the clock."""
        self._offset += by


def to_minute(instant: datetime) -> datetime:
    """Cut the seconds off, as the replication resources do."""
    return instant.replace(second=0, microsecond=0)


def rest_datetime(instant: datetime) -> str:
    """Return an instant as REST bodies do: `2026-01-31T10:15:00.000+0000`."""
    return f"{instant.isoformat()[:19]}.000+0000"


def bulk_datetime(instant: datetime) -> str:
    """Return an instant as Bulk's CSV does: `2026-01-31T10:15:00.000Z`."""
    return f"{instant.isoformat()[:19]}.000Z"


def identity_datetime(instant: datetime) -> str:
    """Return an instant as the identity service does: `2026-01-31T10:15:00Z`."""
    return f"{instant.isoformat()[:19]}Z"


def http_date(instant: datetime) -> str:
    """Return an instant as HTTP headers do."""
    return format_datetime(instant, usegmt=True)
