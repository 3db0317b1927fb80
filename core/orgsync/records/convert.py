"""Conversion between record instances, which authors use, and rows in stored form, which the store writes."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, cast

from orgsync.errors import BatchInvalid
from orgsync.suggest import nearest

from .columns import FROM_JSON
from .record import Record
from .scalars import parse_instant, valid_id
from .schema import Column, Row, Schema
from .values import stored_from_json, stored_from_python
from .wording import kind_of

__all__ = ["as_stored", "from_row", "from_stored", "to_id", "to_row"]

_PYTHON: dict[type, Callable[[Any], Any]] = {
    bool: bool,
    Decimal: Decimal,
    datetime: parse_instant,
    date: date.fromisoformat,
    time: time.fromisoformat,
    dict: json.loads,
    list: json.loads,
}

_ATTRIBUTES = "attributes"
"""A key that Salesforce adds to every record."""


def from_row(schema: Schema, row: Row) -> Record:
    """Make an instance of the record class from a row in stored form."""
    values: dict[str, Any] = {
        column.name: value if value is None or column.type not in _PYTHON else _PYTHON[column.type](value)
        for column, value in zip(schema.columns, row, strict=True)
    }
    return cast("Record", schema.model(**values))


def from_stored(schema: Schema, row: Mapping[str, Any]) -> Record:
    """Make an instance of the record class from what the store has read, in which JSON is Python's already.

    A column that the class has and the row does not is None.
    """
    values: dict[str, Any] = {}
    for column in schema.columns:
        value = row.get(column.name)
        as_it_is = value is None or column.type in (dict, list) or column.type not in _PYTHON
        values[column.name] = value if as_it_is else _PYTHON[column.type](value)
    return cast("Record", schema.model(**values))


def as_stored(columns: Sequence[Column], row: Mapping[str, Any]) -> Row:
    """Return some columns of what the store has read in stored form; a column that it does not have is NULL."""
    return tuple(
        FROM_JSON[column.type]([row.get(column.name)])[0] if column.type in (dict, list) else row.get(column.name)
        for column in columns
    )


def to_row(schema: Schema, record: object, at: int = 1) -> Row:
    """Convert an instance, or a mapping keyed by Python or Salesforce names, to stored form.

    `at` is the row's number in its batch. A field that a mapping leaves out is NULL. Raises ScriptProblem for an
    instance of another class, a key that the class does not have, a value of another type, and a row without an Id.
    """
    if isinstance(record, schema.model):
        values = {column.name: getattr(record, column.name, None) for column in schema.columns}
        return _stored(schema, values, at, by_path=False)
    if not isinstance(record, Mapping):
        raise _not_a_row(schema, record, at)
    given = cast("Mapping[Any, Any]", record)  # type: ignore[redundant-cast] # pyright asks for it
    by_path = "id" not in given and any(str(key).lower() == "id" for key in given)
    values = _by_path(schema, given, at) if by_path else _by_name(schema, given, at)
    return _stored(schema, values, at, by_path=by_path)


def to_id(schema: Schema, value: object, which: str) -> str:
    """Return the 18-character form of an Id; raise ScriptProblem for an invalid one, which `which` describes."""
    name = schema.model.__name__
    if value is None or value == "":
        raise BatchInvalid(f"A {name} without an Id was yielded: {which}.", "Select Id, or set the record's id.")
    if not isinstance(value, str):
        raise BatchInvalid(f"The Id of {which} of {name} is {kind_of(value)}, not a str.", "Give the Id as a str.")
    if schema.object_name is None:  # data that is not Salesforce's
        return value
    found = valid_id(value)
    if found is None:
        raise BatchInvalid(
            f"The Id of {which} of {name} is not a Salesforce Id: it has {len(value)} characters.",
            "Use the Id as Salesforce returns it: 18 or 15 letters and digits.",
        )
    return found


def _stored(schema: Schema, values: Mapping[str, Any], at: int, *, by_path: bool) -> Row:
    row = [to_id(schema, values["id"], f"row {at} of the batch")]
    rest = schema.columns[1:]
    convert = stored_from_json if by_path else stored_from_python
    others = [
        (convert if column.path else stored_from_python)(schema, column, values[column.name], at) for column in rest
    ]
    others[1] = bool(others[1])
    return (*row, *others)


def _by_name(schema: Schema, record: Mapping[Any, Any], at: int) -> dict[str, Any]:
    known = schema.model.model_fields
    for key in record:
        if key not in known:
            raise _unknown(schema, str(key), list(known), at)
    return {column.name: record.get(column.name) for column in schema.columns}


def _by_path(schema: Schema, record: Mapping[Any, Any], at: int) -> dict[str, Any]:
    """Look up values by the fields' paths, in any case, and those of local columns by name."""
    found = dict(_leaves(schema, record, at))
    return {column.name: found.get((column.path or column.name).lower()) for column in schema.columns}


def _leaves(schema: Schema, record: Mapping[Any, Any], at: int, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value with its path in lower case, also those of parents; raise ScriptProblem for an unknown path."""
    paths = {(column.path or column.name).lower(): column.path or column.name for column in schema.columns}
    for key, value in record.items():
        path = f"{above}{key}"
        folded = path.lower()
        if key == _ATTRIBUTES:
            continue
        if folded in paths:
            yield folded, value
            continue
        if not any(each.startswith(f"{folded}.") for each in paths):
            raise _unknown(schema, path, list(paths.values()), at)
        if isinstance(value, Mapping):
            parent = cast("Mapping[Any, Any]", value)  # type: ignore[redundant-cast] # pyright asks for it
            yield from _leaves(schema, parent, at, f"{path}.")
        elif value is not None:
            raise BatchInvalid(
                f"Row {at} of a batch of {schema.model.__name__} has {kind_of(value)} for the parent {path}.",
                "Give the parent's fields as a mapping, as Salesforce does, or None.",
            )


def _unknown(schema: Schema, key: str, known: Sequence[str], at: int) -> BatchInvalid:
    """Return the error for a key that the class does not have, with the most similar one that it has."""
    name = schema.model.__name__
    near = nearest(key, known)
    suggestion = f"; did you mean {near}?" if near else "."
    return BatchInvalid(
        f"Row {at} of a batch of {name} has the key {key}, which {name} does not have{suggestion}",
        f"Correct the key, add the field to {name}, or leave it out of the row.",
    )


def _not_a_row(schema: Schema, record: object, at: int) -> BatchInvalid:
    name, given = schema.model.__name__, type(record).__name__
    if record is None:
        return BatchInvalid(
            f"Row {at} of a batch of {name} is None.", "Give a record: a function that changes one has to return it."
        )
    if isinstance(record, Record):
        return BatchInvalid(
            f"Row {at} of a batch of {name} is a {given}.",
            f"Give a {name}, or name the class that rows become: batch.map(change, model={given}).",
        )
    return BatchInvalid(
        f"Row {at} of a batch of {name} is {kind_of(record)}.", f"Give a {name}, or a mapping of its fields."
    )
