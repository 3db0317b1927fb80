"""From Salesforce's JSON to rows in stored form, a column at a time."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any, cast

from orgsync.errors import AnswerUnreadable, RecordClassInvalid

from .instants import stored_instant
from .schema import Column, Row, Schema, StoredValue

__all__ = ["bare", "decode", "decode_record"]

_Values = Sequence[Any]


def decode(
    schema: Schema,
    records: Sequence[Mapping[str, Any]],
    *,
    absent: Sequence[str] = (),
    cursor: str = "SystemModstamp",
) -> list[Row]:
    """Turn query records into rows. Fields named in `absent` are NULL; `cursor` fills system_modstamp.

    Raises RecordClassInvalid when a value does not fit the type that the class declares.
    """
    columns = [_column(schema, column, records, absent, cursor) for column in schema.columns]
    return list(zip(*columns, strict=True))


def decode_record(schema: Schema, record: Mapping[str, Any]) -> Row:
    """Turn one record that may lack fields into a row; what it lacks is NULL."""
    absent = [c.path for c in schema.columns if c.path.partition(".")[0] not in record]
    return decode(schema, [record], absent=absent)[0]


def _column(
    schema: Schema, column: Column, records: Sequence[Mapping[str, Any]], absent: Sequence[str], cursor: str
) -> Sequence[StoredValue]:
    path = cursor if column.name == "system_modstamp" else column.path
    if path in absent:
        return [False if column.name == "is_deleted" else None] * len(records)
    try:
        return _STORED[column.type](_values(records, path))
    except KeyError:
        raise AnswerUnreadable(
            f"Salesforce's answer lacks {schema.sobject}.{path}, which was asked for.", "Run the sync again."
        ) from None
    except (ValueError, TypeError, ArithmeticError):
        raise RecordClassInvalid(
            f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, "
            f"but {schema.sobject}.{path} holds values of another type.",
            "Change the type in the record class: str takes every value.",
        ) from None


def _values(records: Sequence[Mapping[str, Any]], path: str) -> _Values:
    if "." not in path:
        return list(map(itemgetter(path), records))
    first, _, rest = path.partition(".")
    parents = [record[first] for record in records]
    return [_below(parent, rest) for parent in parents]


def _below(parent: Any, path: str) -> Any:
    """Follow a path through parents; a parent that is null has null fields."""
    for name in path.split("."):
        if parent is None:
            return None
        parent = parent[name]
    return parent


def _texts(values: _Values) -> list[StoredValue]:
    return [v if v is None or type(v) is str else _text(v) for v in values]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(bare(value), ensure_ascii=False)


def _integers(values: _Values) -> list[StoredValue]:
    return [v if v is None or type(v) is int else _integer(v) for v in values]


def _integer(value: Any) -> int:
    """Accept 3.0 and "3": describe calls fields int whose values have a decimal point."""
    whole = int(Decimal(str(value)))
    if whole != Decimal(str(value)):
        raise ValueError("not a whole number")
    return whole


def _floats(values: _Values) -> list[StoredValue]:
    return [v if v is None or type(v) is float else float(v) for v in values]


def _decimals(values: _Values) -> list[StoredValue]:
    return [None if v is None else format(Decimal(str(v)), "f") for v in values]


def _booleans(values: _Values) -> list[StoredValue]:
    return [v if v is None or type(v) is bool else _boolean(v) for v in values]


def _boolean(value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ValueError("not a boolean")
    return str(value).lower() == "true"


def _instants(values: _Values) -> list[StoredValue]:
    return [None if v is None else stored_instant(v) for v in values]


def _dates(values: _Values) -> list[StoredValue]:
    return [None if v is None else date.fromisoformat(v[:10]).isoformat() for v in values]


def _times(values: _Values) -> list[StoredValue]:
    return [None if v is None else _time(v) for v in values]


def _time(value: str) -> str:
    return time.fromisoformat(value.removesuffix("Z")).isoformat(timespec="milliseconds")


def _jsons(values: _Values) -> list[StoredValue]:
    return [None if v is None else json.dumps(bare(v), ensure_ascii=False) for v in values]


def bare(value: Any) -> Any:
    """Drop the `attributes` that Salesforce puts into every object, and exact numbers' wrapping."""
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: bare(each) for key, each in items if key != "attributes"}
    if isinstance(value, list):
        return [bare(each) for each in cast("list[Any]", value)]  # type: ignore[redundant-cast] # pyright asks for it
    return float(value) if isinstance(value, Decimal) else value


_STORED: dict[type, Callable[[_Values], list[StoredValue]]] = {
    str: _texts,
    bool: _booleans,
    int: _integers,
    float: _floats,
    Decimal: _decimals,
    datetime: _instants,
    date: _dates,
    time: _times,
    dict: _jsons,
    list: _jsons,
}
