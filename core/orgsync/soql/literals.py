"""Python values as SOQL literals, escaped so that no value can become syntax."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

from orgsync.errors import QueryRefused

__all__ = ["literal"]

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"})


def literal(value: object) -> str:
    """Write a value as SOQL: text quoted, datetimes in UTC, collections in parentheses.

    Raises QueryRefused for a naive datetime, an empty collection, or a type that SOQL has no literal for.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value.translate(_ESCAPES)}'"
    if isinstance(value, int | float | Decimal):
        return format(Decimal(str(value)), "f")
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return _collection(cast("Iterable[object]", value))
    raise QueryRefused(
        f"SOQL has no literal for a value of type {type(value).__name__}.", "Bind text, numbers, dates or lists."
    )


def _instant(value: datetime) -> str:
    """Write milliseconds only where there are any: the documented literal has none."""
    if value.tzinfo is None:
        raise QueryRefused("A datetime without a time zone was bound.", "Bind an aware one: datetime.now(UTC).")
    text = value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text.replace(".000Z", "Z")


def _collection(values: Iterable[object]) -> str:
    literals = [literal(value) for value in values]
    if not literals:
        raise QueryRefused("An empty list was bound, which SOQL does not allow.", "Skip the query when it is empty.")
    return f"({', '.join(literals)})"
