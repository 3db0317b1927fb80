"""Values in a reader's words: how long ago, how long, how many."""

from datetime import UTC, datetime, timedelta

__all__ = ["ago", "exact", "in_words", "instant", "number", "span"]

_UNITS = ((timedelta(days=2), timedelta(days=1), "d"), (timedelta(hours=2), timedelta(hours=1), "h"))
"""From which length on it is said in a unit, and that unit; before, in minutes: what refreshes itself is to be calm."""

_MINUTE = timedelta(minutes=1)


def exact(at: datetime) -> str:
    """Return an instant for a tooltip: `2026-01-31 10:15:00 UTC`."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def instant(at: datetime) -> str:
    """Return an instant for a machine: `2026-01-31T10:15:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ago(at: datetime, now: datetime) -> str:
    """Return when something was, or will be: `just now`, `5 min ago`, `in 2 h`."""
    passed = now - at
    if abs(passed) < _MINUTE:
        return "just now" if passed >= timedelta() else "in < 1 min"
    return f"{in_words(passed)} ago" if passed > timedelta() else f"in {in_words(-passed)}"


def in_words(length: timedelta) -> str:
    """Return a length: `< 1 min`, `5 min`, `2 h`, `3 d`."""
    if length < _MINUTE:
        return "< 1 min"
    for least, size, unit in _UNITS:
        if length >= least:
            return f"{length // size} {unit}"
    return f"{length // _MINUTE} min"


def span(seconds: float) -> str:
    """Return how long a run took: `< 0.1 s`, `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 0.1:
        return "< 0.1 s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number(value: int) -> str:
    """Return a number with its thousands apart."""
    return f"{value:,}"
