"""Decoding Salesforce's JSON and Bulk's CSV into rows in stored form, a column at a time.

Both give the same row to the last character. Where the two notations differ, one rule decides: an empty text is NULL
(Bulk does not distinguish them), equal numbers are written alike (`3` and `3.0`, `1.5E2` and `150.0`), instants are UTC
in milliseconds, and a compound value is JSON with its keys in order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Protocol

from orgsync.errors import RecordClassInvalid, ResponseUnreadable

from .columns import FROM_CSV, FROM_JSON, ToStored, Values, any_from_text, floats, numbers, texts, texts_and_instants
from .extra_json import json_any, json_booleans, json_numbers, json_objects, json_texts
from .field_values import FieldValues, values_of
from .scalars import NumberOutOfRange, are_long_ids, valid_id
from .schema import Column, Row, Schema, StoredValue

__all__ = ["FieldFacts", "decode", "decode_csv"]

_SYSTEM_COLUMNS = frozenset({"system_modstamp", "is_deleted"})
_LAST_STAMP = "3000"  # a later stamp is invalid: no real change would count as newer than it


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What has to be known of an object's fields to decode their values.

    Fields named in `absent` are NULL. `cursor` fills system_modstamp, "" leaves it NULL. `numbers` are the paths of
    numeric fields, `booleans` of those that are true or false, `instants` of those that may hold a datetime, `any_type`
    of those whose values are of any type. `compounds` names, for an address or a location, the field behind each of its
    keys. `spelled` gives Salesforce's spelling of paths that the class writes in another case.
    """

    cursor: str = "SystemModstamp"
    absent: Collection[str] = ()
    numbers: Collection[str] = ()
    compounds: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    instants: Collection[str] = ()
    any_type: Collection[str] = ()
    spelled: Mapping[str, str] = field(default_factory=dict[str, str])
    booleans: Collection[str] = ()

    def path(self, column: Column) -> str:
        """Return the path of the field that fills a column; "" for none."""
        path = self.cursor if column.name == "system_modstamp" else column.path
        return "" if path in self.absent else self.spelled.get(path, path)


def decode(schema: Schema, records: Sequence[dict[str, Any]], facts: FieldFacts | None = None) -> list[Row]:
    """Turn query records into rows.

    Raises RecordClassInvalid when a value does not fit the type that the class declares, ResponseUnreadable when a
    field is missing from a response.
    """
    if not records:
        return []
    known = facts or FieldFacts()
    names = dict.fromkeys(known.path(each).partition(".")[0] for each in schema.selected if known.path(each))
    found = _Fields(records, list(names))
    columns = [_column(schema, column, known, found, FROM_JSON) for column in schema.columns]
    return list(zip(*columns, strict=True))


def decode_csv(schema: Schema, header: Sequence[str], rows: Sequence[Sequence[str]], facts: FieldFacts) -> list[Row]:
    """Turn rows of a Bulk result into the rows that REST would have given; raises as `decode` does."""
    if not rows:
        return []
    texts = dict(zip((name.lower() for name in header), zip(*rows, strict=True), strict=True))
    found = _Table(len(rows), texts, facts.compounds)
    columns = [_column(schema, column, facts, found, FROM_CSV) for column in schema.columns]
    return list(zip(*columns, strict=True))


class _Columns(Protocol):
    """The fields of some rows, a column at a time."""

    @property
    def length(self) -> int:
        """The number of rows."""
        ...

    def values(self, path: str) -> Values:
        """Return the values of a field, one a row; raise KeyError for a field that is missing."""
        ...


class _Fields:
    """The fields of records, all taken at once, which is the fastest way through a list of dicts."""

    def __init__(self, records: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
        self.length = len(records)
        self._records = records
        self._columns: dict[str, Values] = {}
        if not isinstance(records, FieldValues) and len(names) > 1:
            with suppress(KeyError):  # values() names the column that is missing
                self._columns = dict(zip(names, zip(*map(itemgetter(*names), records), strict=True), strict=True))

    def values(self, path: str) -> Values:
        """Return a field's values, also of a parent's field; a parent that is null has null fields."""
        first, _, rest = path.partition(".")
        found = self._columns[first] if first in self._columns else values_of(self._records, first)
        return [_below(parent, rest) for parent in found] if rest else found


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a CSV text, by lower-case name."""

    length: int
    texts: Mapping[str, Sequence[str]]
    compounds: Mapping[str, Mapping[str, str]]

    def values(self, path: str) -> Values:
        """Return a field's values; a compound is assembled from its parts."""
        if path not in self.compounds:
            texts = self.texts[path.lower()]
            return [text or None for text in texts] if "" in texts else texts
        parts = self.compounds[path]
        columns = [_part(key, self.values(part)) for key, part in parts.items()]
        return [_compound(parts, values) for values in zip(*columns, strict=True)]


def _part(key: str, values: Values) -> Values:
    return floats(values) if key in ("latitude", "longitude") else values


def _compound(keys: Iterable[str], values: Sequence[Any]) -> dict[str, Any] | None:
    """Return the value of a compound field; without any part it is null."""
    return dict(zip(keys, values, strict=True)) if any(value is not None for value in values) else None


def _column(
    schema: Schema, column: Column, facts: FieldFacts, found: _Columns, stored: Mapping[type, ToStored]
) -> Sequence[StoredValue]:
    if column.extra:
        return _extra_values(schema, column, facts, found, stored)
    path = facts.path(column)
    if column.name == "id":
        return _own_ids(schema, found)
    if not path:
        return [False if column.name == "is_deleted" else None] * found.length
    if column.name in _SYSTEM_COLUMNS:
        return _system_values(schema, column, path, found)
    to_stored = stored[column.type] if column.type is not str else _as_text(path, facts, stored)
    try:
        return to_stored(found.values(path))
    except KeyError:
        raise _missing(schema, path) from None
    except NumberOutOfRange:
        raise ResponseUnreadable(
            f"Salesforce's response has a number in {schema.sobject}.{path} that no field of Salesforce's can hold.",
            "Run the sync again; if this persists, look for a proxy that changes responses.",
        ) from None
    except (ValueError, TypeError, ArithmeticError):
        raise RecordClassInvalid(
            f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, "
            f"but {schema.sobject}.{path} holds values of another type.",
            "Change the type in the record class: str takes every value.",
        ) from None


def _extra_values(
    schema: Schema, column: Column, facts: FieldFacts, found: _Columns, stored: Mapping[type, ToStored]
) -> Sequence[StoredValue]:
    """Return the JSON objects of a column of extra fields; NULL where its connection maps none."""
    if not column.fields:
        return [None] * found.length
    by_field: dict[str, Sequence[str]] = {}
    for part in sorted(column.parts, key=lambda each: facts.spelled.get(each.path, each.path)):
        path = facts.path(part)
        try:
            values = found.values(path) if path else [None] * found.length
            by_field[facts.spelled.get(part.path, part.path)] = _as_json(path, values, facts, stored)
        except KeyError:
            raise _missing(schema, path) from None
        except (ValueError, TypeError, ArithmeticError):
            raise _invalid(schema, path) from None
    return json_objects(by_field)


def _as_json(path: str, values: Values, facts: FieldFacts, stored: Mapping[type, ToStored]) -> Sequence[str]:
    """Write a field's values as JSON, the same from JSON and from CSV."""
    if path in facts.numbers:
        return json_numbers(values)
    if path in facts.booleans:
        return json_booleans(values)
    if path in facts.compounds:
        return json_texts(stored[dict](values), are_json=True)
    if path in facts.any_type or path in facts.instants:
        return json_texts(_as_text(path, facts, stored)(values))
    return json_any(values)


def _system_values(schema: Schema, column: Column, path: str, found: _Columns) -> Sequence[StoredValue]:
    """Return the values of a column that every class has; raise ResponseUnreadable for one that does not fit."""
    try:
        values = FROM_JSON[column.type](found.values(path))
    except KeyError:
        raise _missing(schema, path) from None
    except (ValueError, TypeError, ArithmeticError):
        raise _invalid(schema, path) from None
    if None in values and column.name == "is_deleted":
        raise _invalid(schema, path)
    if column.name == "system_modstamp" and max(map(str, filter(None, values)), default="") >= _LAST_STAMP:
        raise _invalid(schema, path)
    return values


def _own_ids(schema: Schema, found: _Columns) -> Sequence[StoredValue]:
    try:
        given = found.values("Id")
    except KeyError:
        raise _missing(schema, "Id") from None
    if are_long_ids(given):
        return given
    ids = [value if type(value) is str and len(value) == 18 else valid_id(value) for value in given]
    if None in ids:
        raise _invalid(schema, "Id")
    return ids


def _missing(schema: Schema, path: str) -> ResponseUnreadable:
    return ResponseUnreadable(
        f"Salesforce's response lacks {schema.sobject}.{path}, which the query selects.", "Run the sync again."
    )


def _invalid(schema: Schema, path: str) -> ResponseUnreadable:
    return ResponseUnreadable(
        f"Salesforce's response has a row of {schema.sobject} without a valid {path}.",
        "Run the sync again; if this persists, look for a proxy that changes responses.",
    )


def _as_text(path: str, facts: FieldFacts, stored: Mapping[type, ToStored]) -> ToStored:
    """Choose how a field's values become text: the same text from JSON and from CSV, which write them differently."""
    if path in facts.numbers:
        return numbers
    if path in facts.compounds:
        return texts
    if path in facts.any_type:
        return any_from_text if stored is FROM_CSV else texts_and_instants
    return texts_and_instants if path in facts.instants else stored[str]


def _below(parent: Any, path: str) -> Any:
    """Follow a path through parents; a parent that is null has null fields."""
    for name in path.split("."):
        if parent is None:
            return None
        parent = parent[name]
    return parent
