"""SOQL's date literals, such as TODAY or LAST_N_DAYS:7, as spans of days (the user's time zone is UTC)."""

from collections.abc import Callable
from datetime import MAXYEAR, MINYEAR, date, timedelta

Span = tuple[date, date]
"""First day, and the day after the last."""


def _shifted(day: date, days: int) -> date:
    """Return the day so many days later; no further than the calendar reaches."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def _weeks(today: date, first: int, count: int = 1) -> Span:
    sunday = today - timedelta(days=(today.weekday() + 1) % 7)
    return _shifted(sunday, 7 * first), _shifted(sunday, 7 * (first + count))


def _months(today: date, first: int, count: int = 1) -> Span:
    return _month(today.year * 12 + today.month - 1 + first), _month(today.year * 12 + today.month - 1 + first + count)


def _month(number: int) -> date:
    """Return the first day of a month, counted from the year 0; no further than the calendar reaches."""
    year, month = divmod(number, 12)
    if year < MINYEAR:
        return date.min
    return date.max if year > MAXYEAR else date(year, month + 1, 1)


def _quarters(today: date, first: int, count: int = 1) -> Span:
    start = today.year * 12 + (today.month - 1) // 3 * 3
    return _month(start + 3 * first), _month(start + 3 * (first + count))


def _years(today: date, first: int, count: int = 1) -> Span:
    return _month(12 * (today.year + first)), _month(12 * (today.year + first + count))


def _days(today: date, first: int, count: int = 1) -> Span:
    return _shifted(today, first), _shifted(today, first + count)


_NAMED: dict[str, Callable[[date], Span]] = {
    "YESTERDAY": lambda today: _days(today, -1),
    "TODAY": lambda today: _days(today, 0),
    "TOMORROW": lambda today: _days(today, 1),
    "LAST_90_DAYS": lambda today: _days(today, -90, 91),
    "NEXT_90_DAYS": lambda today: _days(today, 1, 90),
}
_COUNTED: dict[str, Callable[[date, int], Span]] = {
    "LAST_N_DAYS": lambda today, n: _days(today, -n, n + 1),
    "NEXT_N_DAYS": lambda today, n: _days(today, 1, n),
    "N_DAYS_AGO": lambda today, n: _days(today, -n),
}
_UNITS: dict[str, Callable[[date, int, int], Span]] = {
    "WEEK": _weeks,
    "MONTH": _months,
    "QUARTER": _quarters,
    "YEAR": _years,
}


def span(name: str, count: int, today: date) -> Span | None:
    """Return the days that a literal stands for, or None where SOQL knows no such literal."""
    if name in _NAMED:
        return _NAMED[name](today)
    if name in _COUNTED:
        return _COUNTED[name](today, count)
    for unit, days in _UNITS.items():
        spans = {
            f"LAST_{unit}": (-1, 1),
            f"THIS_{unit}": (0, 1),
            f"NEXT_{unit}": (1, 1),
            f"LAST_N_{unit}S": (-count, count),
            f"NEXT_N_{unit}S": (1, count),
            f"N_{unit}S_AGO": (-count, 1),
        }
        if name in spans:
            return days(today, *spans[name])
    return None
