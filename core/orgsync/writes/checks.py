"""Looking for values that Salesforce would refuse, by what describe says of their fields."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from orgsync.records.scalars import valid_id
from orgsync.salesforce.api.write_describe import WritableField

from .operation import Operation
from .spool import ABSENT, Given, Spool, Value
from .target import Target
from .values import FRACTION_TYPES, csv_text

__all__ = ["RowProblem", "row_problems"]

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?\s*")
_INTEGER = re.compile(r"\s*[+-]?\d{1,10}(\.0*)?\s*")
_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no"})
_INSTANTS = {"date": "2026-01-31", "datetime": "2026-01-31T10:15:00Z"}
_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "encryptedstring", "combobox"})


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A row that Salesforce would refuse: its place and line, the field, and what is wrong, without the value."""

    place: int
    line: int
    field: str
    what: str


def row_problems(spool: Spool, target: Target) -> Iterator[RowProblem]:
    """Yield the first thing that is wrong with each row, as far as describe can tell."""
    required = _required(target)
    refused = {each.place: each for each in spool.results()}
    for row in spool.every_row():
        if (result := refused.get(row.place)) is not None:
            yield RowProblem(row.place, row.line, result.fields[0] if result.fields else "", result.message)
        elif (found := _row_problem(row, spool.columns(row.group), target, required)) is not None:
            yield found


def _required(target: Target) -> frozenset[str]:
    if target.operation is not Operation.INSERT:
        return frozenset()
    return frozenset(each.name for each in target.sobject.fields.values() if each.required)


def _row_problem(row: Given, columns: tuple[str, ...], target: Target, required: frozenset[str]) -> RowProblem | None:
    given = dict(zip(columns, row.cells, strict=True))
    for name in sorted(required):
        if given.get(name, ABSENT) in (None, ABSENT) and not _has_parent(name, columns, target):
            return RowProblem(row.place, row.line, name, "is required and empty")
    for name, value in given.items():
        described = target.sobject.field(name)
        if value is None or value is ABSENT or described is None:
            continue
        if (what := _wrong(described, value)) is not None:
            return RowProblem(row.place, row.line, name, what)
    return None


def _has_parent(name: str, columns: tuple[str, ...], target: Target) -> bool:
    """Return whether a reference is given by a field of its parent: `Account.Key__c` for `AccountId`."""
    described = target.sobject.field(name)
    relationship = described.relationship if described else None
    return relationship is not None and any(f".{each}".startswith(f".{relationship}.") for each in columns)


def _wrong(field: WritableField, value: Value) -> str | None:
    text = csv_text(value)
    if field.type == "boolean":
        return None if text.strip().lower() in _BOOLEANS else "is not true or false"
    if field.type in FRACTION_TYPES:
        return None if _NUMBER.fullmatch(text) else "is not a number"
    if field.type == "int":
        return None if _INTEGER.fullmatch(text) else "is not a whole number"
    if field.type in _INSTANTS:
        return None if _is_instant(text, field.type) else f"is not a {field.type} as {_INSTANTS[field.type]} is one"
    if field.type in ("reference", "id"):
        return None if valid_id(text) else "is not an Id of 15 or 18 letters and digits"
    if field.type == "picklist" and field.values and text not in field.values:
        return "is not among the picklist's values"
    if field.type in _TEXTS and field.length and len(text) > field.length:
        return f"has {len(text):,} characters, and {field.length:,} fit"
    return None


def _is_instant(text: str, kind: str) -> bool:
    try:
        if kind == "date":
            date.fromisoformat(text[:10])
            return True
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
