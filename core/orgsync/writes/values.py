"""Values of rows on their way: from Python to what is stored, and from there to CSV and to JSON."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import cast

from orgsync.salesforce.http.http import JSON

from .spool import ABSENT, Absent, Value

__all__ = [
    "FRACTION_TYPES",
    "NULL",
    "NUMBER_TYPES",
    "ValueInvalid",
    "csv_text",
    "flat",
    "rest_record",
    "rest_value",
    "value_of",
]

NULL = "#N/A"
"""What empties a field in a CSV of Salesforce's; an empty cell leaves it as it is."""

FRACTION_TYPES = frozenset({"double", "currency", "percent"})
NUMBER_TYPES = FRACTION_TYPES | {"int"}

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_BOOLEANS = {"true": True, "false": False}


class ValueInvalid(ValueError):
    """A value that no field of Salesforce's can hold; the text says what it is, without the value."""


def value_of(given: object) -> Value:
    """Return a value as it is stored; the empty text is null, as it is to Salesforce. Raises ValueInvalid."""
    if given is None or given == "":
        return None
    if isinstance(given, Absent):
        return given
    if isinstance(given, str):
        return _encodable(given)
    if isinstance(given, bool | int):
        return given
    if isinstance(given, float | Decimal):
        if not math.isfinite(given):
            raise ValueInvalid("a number that is not finite")
        return given if isinstance(given, float) else _number(given)
    if isinstance(given, datetime):
        if given.tzinfo is None:
            raise ValueInvalid("a datetime without a time zone")
        return f"{given.astimezone(UTC).isoformat(timespec='milliseconds')[:-6]}Z"
    if isinstance(given, date):
        return given.isoformat()
    if isinstance(given, time):
        return f"{given.isoformat(timespec='milliseconds')[:12]}Z"
    raise ValueInvalid(f"a value of type {type(given).__name__}")


def csv_text(value: Value) -> str:
    """Return a value as a cell of a CSV."""
    if value is None:
        return NULL
    if value is ABSENT:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def rest_value(value: str | float | bool | None, field_type: str) -> JSON:
    """Return a value for JSON; a text, as files have it, becomes the number or the boolean that the field takes.

    What is neither stays text, so that Salesforce refuses it by the row.
    """
    if not isinstance(value, str):
        return value
    if field_type == "boolean":
        return _BOOLEANS.get(value.strip().lower(), value)
    if field_type == "int" and _INTEGER.fullmatch(value.strip()):
        return int(value)
    if field_type in FRACTION_TYPES and _NUMBER.fullmatch(value.strip()):
        return _number(Decimal(value.strip()))
    return value


def rest_record(cells: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return a record of a collection: `Account.Key__c` nested, and `Lead:Who.Email` with its type."""
    record: dict[str, JSON] = {}
    for column, value in cells.items():
        relation, dot, name = column.rpartition(".")
        if not dot:
            record[name] = value
            continue
        kind, _, relationship = relation.rpartition(":")
        if value is None:
            record[relationship] = None
            continue
        record[relationship] = {"attributes": {"type": kind}, name: value} if kind else {name: value}
    return record


def flat(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row with parents' values by their paths: `{"Account": {"Key__c": 1}}` is `Account.Key__c`."""
    cells: dict[str, object] = {}
    for name, value in row.items():
        if name == "attributes":
            continue
        if not isinstance(value, Mapping):
            cells[name] = value
            continue
        parent = cast("Mapping[str, object]", value)
        attributes = parent.get("attributes")
        kind = cast("Mapping[str, object]", attributes).get("type") if isinstance(attributes, Mapping) else None
        prefix = f"{kind}:{name}" if kind else name
        cells |= {f"{prefix}.{key}": each for key, each in parent.items() if key != "attributes"}
    return cells


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueInvalid("a text with half of a surrogate pair") from None
    return text


def _number(value: Decimal) -> int | float | str:
    """Return a number that JSON can hold, as text where no double is the same number."""
    try:
        if value == value.to_integral_value() and abs(value) < 10**18:
            return int(value)
    except InvalidOperation:  # more digits than the context has
        return format(value, "f")
    return float(value) if Decimal(repr(float(value))) == value else format(value, "f")
