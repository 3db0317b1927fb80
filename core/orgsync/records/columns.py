"""Conversion of a column's values to stored form, by the type that the record class declares."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeAlias, cast

from .scalars import NumberOutOfRange, all_finite, decimal_of, stored_instant, stored_instants, stored_number
from .schema import StoredValue

__all__ = [
    "FROM_CSV",
    "FROM_JSON",
    "ToStored",
    "Values",
    "any_from_text",
    "bare",
    "floats",
    "numbers",
    "texts",
    "texts_and_instants",
]

Values: TypeAlias = Sequence[Any]
ToStored: TypeAlias = Callable[[Values], Sequence[StoredValue]]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d{1,2})?", re.ASCII)
_WIDEST = 2**63  # an integer column has 64 bits
_BOOLEANS = {"true": True, "false": False}
_TEXTS = {str, type(None)}


def _unchanged(values: Values) -> Sequence[StoredValue]:
    return values


def texts(values: Values) -> Sequence[StoredValue]:
    """Convert values of any type, as JSON has them, to text; an empty text is NULL."""
    if set(map(type, values)) <= _TEXTS:
        return [v or None for v in values] if "" in values else values
    return [(v or None) if v is None or type(v) is str else _text(v) for v in values]


def _text(value: Any) -> str:
    return stored_number(value) if type(value) in (int, float, Decimal) else _json(value)


def texts_and_instants(values: Values) -> list[StoredValue]:
    """Convert values to text, and datetimes among them to UTC in milliseconds."""
    return [_in_utc(v) if isinstance(v, str) else v for v in texts(values)]


def any_from_text(values: Values) -> list[StoredValue]:
    """Convert values of any type, which Bulk writes as text, so that a number is recognised by its form alone."""
    found = texts_and_instants(values)
    return [stored_number(v) if isinstance(v, str) and _NUMBER.fullmatch(v) else v for v in found]


def _in_utc(text: str) -> str:
    """Write a datetime in REST's notation as Bulk and the store do; leave any other text unchanged."""
    return stored_instant(text) if _INSTANT.fullmatch(text) else text


def numbers(values: Values) -> list[StoredValue]:
    """Convert numbers to text without exponent, so that equal numbers have equal text."""
    return [None if v is None else stored_number(v) for v in values]


def _integers(values: Values) -> list[StoredValue]:
    return [v if v is None or (type(v) is int and -_WIDEST <= v < _WIDEST) else _integer(v) for v in values]


def _integer(value: Any) -> int:
    """Accept 3.0 and "3": describe calls fields int whose values have a decimal point."""
    number = decimal_of(value)
    if not -_WIDEST <= number < _WIDEST:
        raise OverflowError("more than 64 bits")
    whole = int(number)
    if whole != number:
        raise ValueError("not a whole number")
    return whole


def floats(values: Values) -> Sequence[StoredValue]:
    """Convert numbers to doubles; raise NumberOutOfRange for one that none can hold."""
    try:
        found = [v if v is None or type(v) is float else float(v) for v in values]
    except OverflowError:
        raise NumberOutOfRange from None
    if not all_finite(found):
        raise NumberOutOfRange
    return found


def _booleans(values: Values) -> Sequence[StoredValue]:
    kinds = set(map(type, values))
    if kinds == {bool}:
        return values
    if kinds == {str} and set(values) <= _BOOLEANS.keys():
        return [*map(_BOOLEANS.__getitem__, values)]
    return [v if v is None or type(v) is bool else _BOOLEANS[v] if v in _BOOLEANS else _boolean(v) for v in values]


def _boolean(value: Any) -> bool:
    try:
        return _BOOLEANS[str(value).lower()]
    except KeyError:
        raise ValueError("not a boolean") from None


def _instants(values: Values) -> Sequence[StoredValue]:
    if None not in values:
        return stored_instants(values)
    return [None if v is None else stored_instant(v) for v in values]


def _dates(values: Values) -> list[StoredValue]:
    return [None if v is None else date.fromisoformat(v).isoformat() for v in values]


def _times(values: Values) -> list[StoredValue]:
    return [None if v is None else _time(v) for v in values]


def _time(value: str) -> str:
    return time.fromisoformat(value.removesuffix("Z")).isoformat(timespec="milliseconds")


def _jsons(values: Values) -> list[StoredValue]:
    return [None if v is None else _json(v) for v in values]


def _json(value: Any) -> str:
    try:
        return json.dumps(bare(value), ensure_ascii=False, sort_keys=True, allow_nan=False)
    except ValueError:
        raise NumberOutOfRange from None


def bare(value: Any) -> Any:
    """Drop the `attributes` that Salesforce puts into every object, and turn Decimal into float."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: bare(each) for key, each in items if key != "attributes"}
    if isinstance(value, list):
        return [bare(each) for each in cast("list[Any]", value)]  # type: ignore[redundant-cast] # pyright asks for it
    return float(value) if isinstance(value, Decimal) else value


FROM_JSON: dict[type, ToStored] = {
    str: texts,
    bool: _booleans,
    int: _integers,
    float: floats,
    Decimal: numbers,
    datetime: _instants,
    date: _dates,
    time: _times,
    dict: _jsons,
    list: _jsons,
}
"""How JSON values of each type are converted to stored form."""

FROM_CSV: dict[type, ToStored] = {**FROM_JSON, str: _unchanged}
"""The same for a CSV's values, which are text already, or None."""
