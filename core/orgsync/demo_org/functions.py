"""SOQL's functions of one value: of dates, and of what a user reads (the user's locale is en_US, the zone UTC)."""

from collections.abc import Callable
from datetime import date, datetime

from .fields import Derived, Field
from .grammar import malformed
from .syntax import Call

Apply = Callable[[Derived], Derived]
_DATE_PARTS: dict[str, Callable[[date], int]] = {
    "calendar_year": lambda day: day.year,
    "calendar_quarter": lambda day: (day.month + 2) // 3,
    "calendar_month": lambda day: day.month,
    "fiscal_year": lambda day: day.year,
    "fiscal_quarter": lambda day: (day.month + 2) // 3,
    "fiscal_month": lambda day: day.month,
    "day_in_month": lambda day: day.day,
    "day_in_week": lambda day: day.isoweekday() % 7 + 1,
    "day_in_year": lambda day: day.timetuple().tm_yday,
    "week_in_month": lambda day: (day.day + 6) // 7,
    "week_in_year": lambda day: (day.timetuple().tm_yday + 6) // 7,
}
"""Weeks start on Sunday, the first day; week 1 is the first seven days of the month or the year."""
_OF_INSTANTS = {"hour_in_day", "day_only", "converttimezone"}
_LABELLED = {"picklist", "multipicklist", "combobox"}
DATE_FUNCTIONS = frozenset({*_DATE_PARTS, "hour_in_day", "day_only"})
FOR_READING = frozenset({"format", "convertcurrency"})
"""The functions that only the select list takes."""


def function_of(text: str, call: Call, field: Field) -> tuple[str, Apply]:
    """Return the type of what a function makes of a field's values, and the function.

    Raises:
        Refusal: MALFORMED_QUERY where it does not take the field.
    """
    name = call.function
    if isinstance(call.operand, Call) and not _nests(name, call.operand.function):
        raise malformed(text, call.at, f"unexpected token: '{call.operand.function}'")
    if name == "format" and field.type in {"int", "double", "currency", "percent", "date", "datetime"}:
        return "string", lambda value: _formatted(value, field)
    if name == "tolabel" and field.type in _LABELLED:
        return field.type, lambda value: value  # the labels of this org's picklists are their values
    if name == "convertcurrency" and field.type == "currency":
        return field.type, lambda value: value  # one currency
    if name in _OF_INSTANTS and field.type == "datetime":
        return _of_instant(name)
    if name in _DATE_PARTS and field.type in {"date", "datetime"}:
        part = _DATE_PARTS[name]
        return "int", lambda value: part(value) if isinstance(value, date) else None
    raise malformed(text, call.at, f"field {field.name} does not support the function {name.upper()}()")


def _nests(outer: str, inner: str) -> bool:
    return (outer == "format" and inner == "convertcurrency") or (
        outer in DATE_FUNCTIONS and inner == "converttimezone"
    )


def _of_instant(name: str) -> tuple[str, Apply]:
    if name == "hour_in_day":
        return "int", lambda value: value.hour if isinstance(value, datetime) else None
    if name == "day_only":
        return "date", lambda value: value.date() if isinstance(value, datetime) else None
    return "datetime", lambda value: value


def _formatted(value: Derived, field: Field) -> Derived:
    if isinstance(value, datetime):
        return f"{value.month}/{value.day}/{value.year}, {value.hour % 12 or 12}:{value:%M %p}"
    if isinstance(value, date):
        return f"{value.month}/{value.day}/{value.year}"
    if not isinstance(value, int | float):
        return None
    digits = f"{abs(value):,.{0 if field.type == 'int' else field.scale}f}"
    sign = "-" if value < 0 else ""
    return f"{sign}${digits}" if field.type == "currency" else f"{sign}{digits}{'%' * (field.type == 'percent')}"
