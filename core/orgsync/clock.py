"""The clock: where a time is not given, it is this machine's, in UTC."""

from datetime import UTC, datetime

__all__ = ["utc_now"]


def utc_now() -> datetime:
    """Return this machine's time, aware, in UTC."""
    return datetime.now(UTC)
