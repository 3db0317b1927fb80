"""Between record instances, which authors hold, and rows in stored form, which the store takes."""

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from orgsync.errors import ScriptProblem

from .decoding import decode_record
from .instants import parse_instant, to_stored
from .numbers import stored_number
from .record import Record
from .schema import Row, Schema, StoredValue

__all__ = ["from_row", "to_row"]

_PYTHON: dict[type, Callable[[Any], Any]] = {
    bool: bool,
    Decimal: Decimal,
    datetime: parse_instant,
    date: date.fromisoformat,
    time: time.fromisoformat,
    dict: json.loads,
    list: json.loads,
}


def from_row(schema: Schema, row: Row) -> Record:
    """Make an instance of the record class from a row in stored form."""
    values: dict[str, Any] = {
        column.name: value if value is None or column.type not in _PYTHON else _PYTHON[column.type](value)
        for column, value in zip(schema.columns, row, strict=True)
    }
    return schema.model(**values)


def to_row(schema: Schema, record: Record | Mapping[str, Any]) -> Row:
    """Bring an instance, or a mapping keyed by Python or Salesforce names, into stored form.

    Raises ScriptProblem for a record without an Id: it is half of the key.
    """
    if isinstance(record, Record):
        values = {column.name: getattr(record, column.name, None) for column in schema.columns}
    elif "Id" in record:
        return _with_local(schema, decode_record(schema, record), record)
    else:
        values = {column.name: record.get(column.name) for column in schema.columns}
    if not values["id"]:
        raise ScriptProblem(
            f"A {schema.model.__name__} without an Id was yielded.", "Select Id, or set the record's id."
        )
    values["is_deleted"] = bool(values["is_deleted"])
    return tuple(_stored(value) for value in values.values())


def _with_local(schema: Schema, row: Row, record: Mapping[str, Any]) -> Row:
    """Fill the script's own columns, which a mapping names as the class does."""
    if not schema.local_names:
        return row
    return tuple(
        _stored(record.get(column.name)) if column.local else value
        for column, value in zip(schema.columns, row, strict=True)
    )


def _stored(value: Any) -> StoredValue:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return to_stored(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, Decimal):
        return stored_number(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
