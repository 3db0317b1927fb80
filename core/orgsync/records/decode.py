"""From Salesforce's JSON, and from Bulk's CSV, to rows in stored form, a column at a time.

Both ways give the same row to the last character. Where the two notations differ, one rule decides: an empty text is
NULL (Bulk cannot tell them apart), equal numbers are written alike (`3` and `3.0`, `1.5E2` and `150.0`), instants are
UTC in milliseconds, and a compound value is JSON with its keys in order.
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

from orgsync.errors import AnswerUnreadable, RecordClassInvalid

from .ids import whole_id
from .instants import stored_instant
from .numbers import NumberOutOfRange, all_finite, decimal_of, stored_number
from .schema import Column, Row, Schema, StoredValue

__all__ = ["STORED", "Reading", "bare", "decode", "decode_csv"]

_Values = Sequence[Any]
_Stored: TypeAlias = Callable[[_Values], Sequence[StoredValue]]


@dataclass(frozen=True, slots=True)
class Reading:
    """What has to be known of an object to read its values.

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
        """Tell which field fills a column; "" for none."""
        path = self.cursor if column.name == "system_modstamp" else column.path
        return "" if path in self.absent else self.spelled.get(path, path)


def decode(schema: Schema, records: Sequence[Mapping[str, Any]], reading: Reading | None = None) -> list[Row]:
    """Turn query records into rows.

    Raises RecordClassInvalid when a value does not fit the type that the class declares, AnswerUnreadable when a
    field is missing from an answer.
    """
    if not records:
        return []
    known = reading or Reading()
    found = _Fields(
        records, list(dict.fromkeys(known.path(c).partition(".")[0] for c in schema.columns if known.path(c)))
    )
    columns = [_column(schema, column, known, found, STORED) for column in schema.columns]
    return list(zip(*columns, strict=True))


def decode_csv(schema: Schema, header: Sequence[str], rows: Sequence[Sequence[str]], reading: Reading) -> list[Row]:
    """Turn rows of a Bulk result into the rows that REST would have given; raises as `decode` does."""
    if not rows:
        return []
    texts = dict(zip((name.lower() for name in header), zip(*rows, strict=True), strict=True))
    found = _Table(len(rows), texts, reading.compounds)
    columns = [_column(schema, column, reading, found, _FROM_TEXT) for column in schema.columns]
    return list(zip(*columns, strict=True))


class _Source(Protocol):
    """Where the values of a field come from, a value a row."""

    @property
    def length(self) -> int:
        """The number of rows."""
        ...

    def values(self, path: str) -> _Values:
        """Give a field's values; raises KeyError for one that is not there."""
        ...


class _Fields:
    """The fields of records; all are taken at once, for that is the quickest way through a list of dicts."""

    def __init__(self, records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
        self.length = len(records)
        self._records = records
        self._columns: dict[str, _Values] = {}
        if len(names) > 1:
            with suppress(KeyError):  # the column that lacks is told of when it is asked for
                self._columns = dict(zip(names, zip(*map(itemgetter(*names), records), strict=True), strict=True))

    def values(self, path: str) -> _Values:
        """Give a field's values, those of a parent's field too; a parent that is null has null fields."""
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
        """Give a field's values; a compound is put together from its parts."""
        if path not in self.compounds:
            return [text or None for text in self.texts[path.lower()]]
        parts = self.compounds[path]
        columns = [_part(key, self.values(part)) for key, part in parts.items()]
        return [_compound(parts, values) for values in zip(*columns, strict=True)]


def _part(key: str, values: _Values) -> _Values:
    return _floats(values) if key in ("latitude", "longitude") else values


def _compound(keys: Iterable[str], values: Sequence[Any]) -> dict[str, Any] | None:
    """A compound without any part is null."""
    return dict(zip(keys, values, strict=True)) if any(value is not None for value in values) else None


def _column(
    schema: Schema, column: Column, reading: Reading, found: _Source, stored: Mapping[type, _Stored]
) -> Sequence[StoredValue]:
    path = reading.path(column)
    if column.name == "id":
        return _own_ids(schema, found)
    if not path:
        return [False if column.name == "is_deleted" else None] * found.length
    to_stored = stored[column.type] if column.type is not str else _as_text(path, reading, stored)
    try:
        return to_stored(found.values(path))
    except KeyError:
        raise AnswerUnreadable(
            f"Salesforce's answer lacks {schema.sobject}.{path}, which was asked for.", "Run the sync again."
        ) from None
    except NumberOutOfRange:
        raise AnswerUnreadable(
            f"Salesforce's answer has a number in {schema.sobject}.{path} that no field of Salesforce's can hold.",
            "Run the sync again; where it stays so, look for a proxy that changes answers.",
        ) from None
    except (ValueError, TypeError, ArithmeticError):
        raise RecordClassInvalid(
            f"{schema.model.__name__}.{column.name} is declared {column.type.__name__}, "
            f"but {schema.sobject}.{path} holds values of another type.",
            "Change the type in the record class: str takes every value.",
        ) from None


def _own_ids(schema: Schema, found: _Source) -> Sequence[StoredValue]:
    ids = [value if type(value) is str and len(value) == 18 else whole_id(value) for value in found.values("Id")]
    if None in ids:
        raise AnswerUnreadable(
            f"Salesforce's answer has a row of {schema.sobject} without a valid Id.",
            "Run the sync again; where it stays so, look for a proxy that changes answers.",
        )
    return ids


def _as_text(path: str, reading: Reading, stored: Mapping[type, _Stored]) -> _Stored:
    """Choose how a field's values become text, the same by both ways though each has a notation of its own."""
    if path in reading.numbers:
        return _numbers
    if path in reading.compounds:
        return _texts
    if path in reading.any_type:
        return _any_from_text if stored is _FROM_TEXT else _texts_and_instants
    return _texts_and_instants if path in reading.instants else stored[str]


def _below(parent: Any, path: str) -> Any:
    """Follow a path through parents; a parent that is null has null fields."""
    for name in path.split("."):
        if parent is None:
            return None
        parent = parent[name]
    return parent


def _as_they_are(values: _Values) -> Sequence[StoredValue]:
    return values


def _texts(values: _Values) -> list[StoredValue]:
    return [(v or None) if v is None or type(v) is str else _text(v) for v in values]


def _text(value: Any) -> str:
    return stored_number(value) if type(value) in (int, float, Decimal) else _json(value)


def _texts_and_instants(values: _Values) -> list[StoredValue]:
    return [_in_utc(v) if isinstance(v, str) else v for v in _texts(values)]


def _any_from_text(values: _Values) -> list[StoredValue]:
    """Bulk gives values of any type as texts, so that a number is known by its looks alone."""
    texts = _texts_and_instants(values)
    return [stored_number(v) if isinstance(v, str) and _NUMBER.fullmatch(v) else v for v in texts]


def _in_utc(text: str) -> str:
    """Write a datetime in REST's notation as Bulk and the store do; any other text stays."""
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


def _floats(values: _Values) -> list[StoredValue]:
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
    """Drop the `attributes` that Salesforce puts into every object, and exact numbers' wrapping."""
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
"""How values of each type, as JSON has them, are brought into stored form."""

_FROM_TEXT: dict[type, _Stored] = {**STORED, str: _as_they_are}
"""A CSV's values are texts already, or None."""
