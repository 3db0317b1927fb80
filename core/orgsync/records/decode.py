"""Decoding Salesforce's JSON and Bulk's CSV into rows in stored form, a column at a time.

Both give the same row to the last character. Where the two notations differ, one rule decides: an empty text is NULL
(Bulk does not distinguish them), equal numbers are written alike (`3` and `3.0`, `1.5E2` and `150.0`), instants are UTC
in milliseconds, and a compound value is JSON with its keys in order.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any, Protocol, TypeAlias, cast

from orgsync.errors import RecordClassInvalid, ResponseUnreadable

from .scalars import NumberOutOfRange, all_finite, decimal_of, stored_instant, stored_number, valid_id
from .schema import Column, Row, Schema, StoredValue

__all__ = ["STORED", "FieldFacts", "bare", "decode", "decode_csv"]

_Values = Sequence[Any]
_Stored: TypeAlias = Callable[[_Values], Sequence[StoredValue]]


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What has to be known of an object's fields to decode their values.

    Fields named in `absent` are NULL. `cursor` fills system_modstamp, "" leaves it NULL. `numbers` are the paths of
    numeric fields, `instants` of those that may hold a datetime, `any_type` of those whose values are of any type.
    `compounds` names, for an address or a location, the field behind each of its keys. `spelled` gives Salesforce's
    spelling of paths that the class writes in another case.
    """

    cursor: str = "SystemModstamp"
    absent: Collection[str] = ()
    numbers: Collection[str] = ()
    compounds: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    instants: Collection[str] = ()
    any_type: Collection[str] = ()
    spelled: Mapping[str, str] = field(default_factory=dict[str, str])

    def path(self, column: Column) -> str:
        """Return the path of the field that fills a column; "" for none."""
        path = self.cursor if column.name == "system_modstamp" else column.path
        return "" if path in self.absent else self.spelled.get(path, path)


def decode(schema: Schema, records: Sequence[Mapping[str, Any]], facts: FieldFacts | None = None) -> list[Row]:
    """Turn query records into rows.

    Raises RecordClassInvalid when a value does not fit the type that the class declares, ResponseUnreadable when a
    field is missing from a response.
    """
    if not records:
        return []
    known = facts or FieldFacts()
    found = _Fields(
        records, list(dict.fromkeys(known.path(c).partition(".")[0] for c in schema.columns if known.path(c)))
    )
    columns = [_column(schema, column, known, found, STORED) for column in schema.columns]
    return list(zip(*columns, strict=True))


def decode_csv(schema: Schema, header: Sequence[str], rows: Sequence[Sequence[str]], facts: FieldFacts) -> list[Row]:
    """Turn rows of a Bulk result into the rows that REST would have given; raises as `decode` does."""
    if not rows:
        return []
    texts = dict(zip((name.lower() for name in header), zip(*rows, strict=True), strict=True))
    found = _Table(len(rows), texts, facts.compounds)
    columns = [_column(schema, column, facts, found, _FROM_TEXT) for column in schema.columns]
    return list(zip(*columns, strict=True))


class _Columns(Protocol):
    """The fields of some rows, a column at a time."""

    @property
    def length(self) -> int:
        """The number of rows."""
        ...

    def values(self, path: str) -> _Values:
        """Return the values of a field, one a row; raise KeyError for a field that is missing."""
        ...


class _Fields:
    """The fields of records, all taken at once, which is the fastest way through a list of dicts."""

    def __init__(self, records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
        self.length = len(records)
        self._records = records
        self._columns: dict[str, _Values] = {}
        if len(names) > 1:
            with suppress(KeyError):  # values() names the column that is missing
                self._columns = dict(zip(names, zip(*map(itemgetter(*names), records), strict=True), strict=True))

    def values(self, path: str) -> _Values:
        """Return a field's values, also of a parent's field; a parent that is null has null fields."""
        first, _, rest = path.partition(".")
        found = self._columns[first] if first in self._columns else [record[first] for record in self._records]
        return [_below(parent, rest) for parent in found] if rest else found


@dataclass(frozen=True, slots=True)
class _Table:
    """The columns of a CSV text, by lower-case name."""

    length: int
    texts: Mapping[str, Sequence[str]]
    compounds: Mapping[str, Mapping[str, str]]

    def values(self, path: str) -> _Values:
        """Return a field's values; a compound is assembled from its parts."""
        if path not in self.compounds:
            return [text or None for text in self.texts[path.lower()]]
        parts = self.compounds[path]
        columns = [_part(key, self.values(part)) for key, part in parts.items()]
        return [_compound(parts, values) for values in zip(*columns, strict=True)]


def _part(key: str, values: _Values) -> _Values:
    return _floats(values) if key in ("latitude", "longitude") else values


def _compound(keys: Iterable[str], values: Sequence[Any]) -> dict[str, Any] | None:
    """Return the value of a compound field; without any part it is null."""
    return dict(zip(keys, values, strict=True)) if any(value is not None for value in values) else None


def _column(
    schema: Schema, column: Column, facts: FieldFacts, found: _Columns, stored: Mapping[type, _Stored]
) -> Sequence[StoredValue]:
    path = facts.path(column)
    if column.name == "id":
        return _own_ids(schema, found)
    if not path:
        return [False if column.name == "is_deleted" else None] * found.length
    to_stored = stored[column.type] if column.type is not str else _as_text(path, facts, stored)
    try:
        return to_stored(found.values(path))
    except KeyError:
        raise ResponseUnreadable(
            f"Salesforce's response lacks {schema.sobject}.{path}, which the query selects.", "Run the sync again."
        ) from None
    except NumberOutOfRange:
        raise ResponseUnreadable(
            f"Salesforce's response has a number in {schema.sobject}.{path} that no field of Salesforce's can hold.",
            "Run the sync again; where it stays so, look for a proxy that changes answers.",
        ) from None
    except (ValueError, TypeError, ArithmeticError):
        raise RecordClassInvalid(
            f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, "
            f"but {schema.sobject}.{path} holds values of another type.",
            "Change the type in the record class: str takes every value.",
        ) from None


def _own_ids(schema: Schema, found: _Columns) -> Sequence[StoredValue]:
    ids = [value if type(value) is str and len(value) == 18 else valid_id(value) for value in found.values("Id")]
    if None in ids:
        raise ResponseUnreadable(
            f"Salesforce's response has a row of {schema.sobject} without a valid Id.",
            "Run the sync again; if this persists, look for a proxy that changes responses.",
        )
    return ids


def _as_text(path: str, facts: FieldFacts, stored: Mapping[type, _Stored]) -> _Stored:
    """Choose how a field's values become text: the same text from JSON and from CSV, which write them differently."""
    if path in facts.numbers:
        return _numbers
    if path in facts.compounds:
        return _texts
    if path in facts.any_type:
        return _any_from_text if stored is _FROM_TEXT else _texts_and_instants
    return _texts_and_instants if path in facts.instants else stored[str]


def _below(parent: Any, path: str) -> Any:
    """Follow a path through parents; a parent that is null has null fields."""
    for name in path.split("."):
        if parent is None:
            return None
        parent = parent[name]
    return parent


def _unchanged(values: _Values) -> Sequence[StoredValue]:
    return values


def _texts(values: _Values) -> list[StoredValue]:
    return [(v or None) if v is None or type(v) is str else _text(v) for v in values]


def _text(value: Any) -> str:
    return stored_number(value) if type(value) in (int, float, Decimal) else _json(value)


def _texts_and_instants(values: _Values) -> list[StoredValue]:
    return [_in_utc(v) if isinstance(v, str) else v for v in _texts(values)]


def _any_from_text(values: _Values) -> list[StoredValue]:
    """Convert values of any type, which Bulk writes as text, so that a number is recognised by its form alone."""
    texts = _texts_and_instants(values)
    return [stored_number(v) if isinstance(v, str) and _NUMBER.fullmatch(v) else v for v in texts]


def _in_utc(text: str) -> str:
    """Write a datetime in REST's notation as Bulk and the store do; leave any other text unchanged."""
    return stored_instant(text) if _INSTANT.fullmatch(text) else text


_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d+)?([eE][+-]?\d{1,2})?", re.ASCII)


def _numbers(values: _Values) -> list[StoredValue]:
    return [None if v is None else stored_number(v) for v in values]


_WIDEST = 2**63  # an integer column has 64 bits


def _integers(values: _Values) -> list[StoredValue]:
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


def _floats(values: _Values) -> Sequence[StoredValue]:
    try:
        numbers = [v if v is None or type(v) is float else float(v) for v in values]
    except OverflowError:
        raise NumberOutOfRange from None
    if not all_finite(numbers):
        raise NumberOutOfRange
    return numbers


def _booleans(values: _Values) -> list[StoredValue]:
    return [v if v is None or type(v) is bool else _BOOLEANS[v] if v in _BOOLEANS else _boolean(v) for v in values]


_BOOLEANS = {"true": True, "false": False}


def _boolean(value: Any) -> bool:
    try:
        return _BOOLEANS[str(value).lower()]
    except KeyError:
        raise ValueError("not a boolean") from None


def _instants(values: _Values) -> list[StoredValue]:
    return [None if v is None else stored_instant(v) for v in values]


def _dates(values: _Values) -> list[StoredValue]:
    return [None if v is None else date.fromisoformat(v).isoformat() for v in values]


def _times(values: _Values) -> list[StoredValue]:
    return [None if v is None else _time(v) for v in values]


def _time(value: str) -> str:
    return time.fromisoformat(value.removesuffix("Z")).isoformat(timespec="milliseconds")


def _jsons(values: _Values) -> list[StoredValue]:
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


STORED: dict[type, _Stored] = {
    str: _texts,
    bool: _booleans,
    int: _integers,
    float: _floats,
    Decimal: _numbers,
    datetime: _instants,
    date: _dates,
    time: _times,
    dict: _jsons,
    list: _jsons,
}
"""How JSON values of each type are converted to stored form."""

_FROM_TEXT: dict[type, _Stored] = {**STORED, str: _unchanged}
"""The same for a CSV's values, which are text already, or None."""
