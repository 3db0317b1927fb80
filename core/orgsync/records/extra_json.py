"""Extra fields as JSON text: each value as exact as Salesforce gives it, the digits of numbers included."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from .columns import FROM_JSON, Values
from .scalars import stored_number
from .schema import StoredValue

__all__ = ["json_any", "json_booleans", "json_numbers", "json_objects", "json_texts"]

_NULL = "null"


def json_objects(by_field: Mapping[str, Sequence[str]]) -> list[StoredValue]:
    """Return one JSON object a row, of values that are JSON texts by the names of their fields."""
    names = [json.dumps(name) for name in by_field]
    return [
        f"{{{', '.join(f'{name}: {value}' for name, value in zip(names, row, strict=True))}}}"
        for row in zip(*by_field.values(), strict=True)
    ]


def json_numbers(values: Values) -> list[str]:
    """Write numbers with all their digits and without an exponent."""
    return [_NULL if value is None else str(stored_number(value)) for value in values]


def json_booleans(values: Values) -> list[str]:
    """Write true and false."""
    return [_NULL if value is None else "true" if value else "false" for value in FROM_JSON[bool](values)]


def json_texts(values: Sequence[StoredValue], *, are_json: bool = False) -> list[str]:
    """Write texts; those that are JSON already, as they are."""
    return [_NULL if value is None else str(value) if are_json else _quoted(value) for value in values]


def json_any(values: Values) -> list[str]:
    """Write values by their own types; an empty text is null, as Bulk does not distinguish them."""
    return [_any(value) for value in values]


def _any(value: Any) -> str:
    if value is None or value == "":
        return _NULL
    if type(value) is bool:
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        return str(stored_number(value))
    if isinstance(value, str):
        return _quoted(value)
    [text] = FROM_JSON[dict]([value])
    return str(text)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
