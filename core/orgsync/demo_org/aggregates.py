"""COUNT, MIN, MAX, SUM and AVG, over everything or over the groups of GROUP BY."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from statistics import fmean

from .fields import NUMBER_TYPES, Derived, Field, Row, Value
from .functions import FOR_READING, function_of
from .grammar import malformed
from .render import encode
from .resolve import Column, sort_key
from .syntax import Aggregate, Call, FieldsOf, Operand, Query, TypeOf

Columns = Callable[[Operand], Column]
_COUNT = Field(name="Count", label="Count", type="int")


class Groups:
    """The groups of one query: each is a row whose values are those grouped by and those of the aggregates."""

    def __init__(self, text: str, query: Query, column: Columns) -> None:
        self._text = text
        self._query = query
        self._source = column
        self._keys: dict[str, Column] = {}
        self._measures: dict[str, tuple[str, Column]] = {}
        for operand in query.group:
            key = column(operand)
            if isinstance(operand, Call) and operand.function in {*FOR_READING, "converttimezone"}:
                raise malformed(text, operand.at, f"unexpected token: '{operand.function}'")
            if not key.field.groupable:
                raise malformed(text, operand.at, f"field '{key.field.name}' can not be grouped in a query call")
            self._keys[operand.spelled.lower()] = key

    def column(self, operand: Operand, subject: str = "Field") -> Column:
        """Return how to read a grouped value or an aggregate from a group.

        Raises:
            Refusal: MALFORMED_QUERY where the operand is neither; `subject` begins the message.
        """
        name = operand.spelled.lower()
        if name in self._keys:
            return _read_from(name, self._keys[name].field)
        if isinstance(operand, Aggregate):
            return self._measured(name, operand)
        if isinstance(operand, Call) and operand.function in FOR_READING:
            inner = self.column(operand.operand)
            kind, apply = function_of(self._text, operand, inner.field)
            return Column((), replace(inner.field, type=kind), lambda group: apply(inner.read(group)))
        raise malformed(self._text, operand.at, f"{subject} must be grouped or aggregated: {operand.spelled}")

    def records(self, rows: list[Row], wanted: Callable[[Row], bool]) -> list[Row]:
        """Return one object for each group that HAVING wants, in the order of the grouped values."""
        written = self._written()
        order = [(self.column(term.path, "Ordered field"), term) for term in self._query.order]
        groups: dict[tuple[Value, ...], list[Row]] = {} if self._keys else {(): rows}
        for row in rows if self._keys else ():
            groups.setdefault(tuple(_plain(key.read(row)) for key in self._keys.values()), []).append(row)
        made = [group for key, members in groups.items() if wanted(group := self._group(key, members))]
        for name, key in reversed(self._keys.items()):
            made.sort(key=sort_key(_read_from(name, key.field)))
        for column, term in reversed(order):
            key_of = sort_key(column, descending=term.descending, nulls_last=term.nulls_last)
            made.sort(key=key_of, reverse=term.descending)
        return [{name: _json(column.read(group)) for name, column in written.items()} for group in made]

    def _group(self, key: tuple[Value, ...], members: list[Row]) -> Row:
        group: dict[str, Value] = dict(zip(self._keys, key, strict=True))
        for name, (function, source) in self._measures.items():
            values = [value for value in (_plain(source.read(row)) for row in members) if value is not None]
            group[name] = _result(function, values)
        return group

    def _written(self) -> dict[str, Column]:
        written: dict[str, Column] = {}
        unnamed = 0
        for item in self._query.select:
            if isinstance(item, FieldsOf | Query | TypeOf):
                raise malformed(self._text, 0, "Field must be grouped or aggregated: sub-select")
            column = self.column(item)
            name = item.alias
            if name is None and isinstance(item, Aggregate | Call):
                name, unnamed = f"expr{unnamed}", unnamed + 1
            written[name or column.field.name] = column
        return written

    def _measured(self, name: str, item: Aggregate) -> Column:
        if item.path is None:
            raise malformed(self._text, item.at, "Grouped query cannot use COUNT()")
        source = self._source(item.path)
        field, numeric = source.field, item.function in {"sum", "avg"}
        if not field.aggregatable or (numeric and field.type not in NUMBER_TYPES):
            message = f"field {field.name} does not support aggregate operator {item.function}"
            raise malformed(self._text, item.at, message)
        self._measures[name] = (item.function, source)
        if item.function.startswith("count"):
            return _read_from(name, _COUNT)
        return _read_from(name, replace(field, type="double") if numeric and field.type == "int" else field)


def _read_from(name: str, field: Field) -> Column:
    return Column((), field, lambda group: group[name])


def _plain(value: Derived) -> Value:
    return None if isinstance(value, dict) else value


def _json(value: Derived) -> Value:
    encoded = encode(value)
    return encoded if isinstance(encoded, str | int | float) else None


def _result(function: str, values: Sequence[Value]) -> Value:
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len({value.casefold() if isinstance(value, str) else value for value in values})
    if not values:
        return None
    if function in {"sum", "avg"}:
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        return sum(numbers) if function == "sum" else fmean(numbers)
    ordered = sorted(values, key=_comparable)
    return ordered[0] if function == "min" else ordered[-1]


def _comparable(value: Value) -> tuple[float, str]:
    if isinstance(value, int | float):
        return value, ""
    return 0, value.isoformat() if isinstance(value, date) else str(value).casefold()
