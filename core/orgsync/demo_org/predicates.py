"""WHERE as a function from a row to true or false.

What SOQL means by a comparison: text without regard to case, ids byte by byte (15 characters are completed to
18), an absent value is unequal to everything but NULL, nothing is unknown: NOT turns false into true.
"""

import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time

from .dates import span
from .fields import NUMBER_TYPES, Derived, Field, Row, SObject, Value
from .functions import FOR_READING
from .grammar import at_place, like_pattern, malformed, unescape
from .ids import to18
from .query_rules import Rules
from .refusal import Refusal
from .resolve import Column, Resolver
from .syntax import (
    Boolean,
    Call,
    Comparison,
    Condition,
    Conjunction,
    Literal,
    Moment,
    Named,
    Negation,
    Null,
    Number,
    Operand,
    Query,
    SemiJoin,
    Text,
)

Predicate = Callable[[Row], bool]
Test = Callable[[Derived], bool]
Inner = Callable[[Query], set[Value]]
"""Runs a semi-join's query and returns the values of the field that it selects."""
Columns = Callable[[SObject, Operand, str | None], Column]
"""Tells which column an operand means: of the object's rows, or of the groups that HAVING judges."""
Key = str | float | date
Span = tuple[Key, Key]
_ORDER: dict[str, Callable[..., bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Predicates:
    """Compiles the conditions of one query."""

    def __init__(
        self, text: str, resolver: Resolver, today: date, inner: Inner, columns: Columns | None = None
    ) -> None:
        self._text = text
        self._columns = columns or resolver.column
        self._rules = Rules(text, resolver)
        self._today = today
        self._inner = inner

    def compile(self, condition: Condition, sobject: SObject, alias: str | None) -> Predicate:
        """Return the function that returns whether a row is wanted."""
        if isinstance(condition, Comparison):
            return self._comparison(condition, sobject, alias)
        if isinstance(condition, SemiJoin):
            return self._join(condition, sobject, alias)
        if isinstance(condition, Negation):
            part = self.compile(condition.part, sobject, alias)
            return lambda row: not part(row)
        parts = [self.compile(part, sobject, alias) for part in condition.parts]
        if isinstance(condition, Conjunction):
            return lambda row: all(part(row) for part in parts)
        return lambda row: any(part(row) for part in parts)

    def _comparison(self, comparison: Comparison, sobject: SObject, alias: str | None) -> Predicate:
        column = self._column(comparison.path, sobject, alias)
        test, read = self._test(comparison, column), column.read
        return lambda row: test(read(row))

    def _column(self, path: Operand, sobject: SObject, alias: str | None) -> Column:
        if isinstance(path, Call) and path.function in {*FOR_READING, "converttimezone"}:
            raise malformed(self._text, path.at, f"unexpected token: '{path.function}'")
        column = self._columns(sobject, path, alias)
        if not column.field.filterable or column.field.type == "address":
            message = f"field '{column.field.name}' can not be filtered in a query call"
            raise at_place(self._text, path.at, "INVALID_FIELD", message)
        return column

    def _join(self, join: SemiJoin, sobject: SObject, alias: str | None) -> Predicate:
        """Compare with what the inner query finds; a row that refers to nothing is not in it, and NOT IN keeps it."""
        column = self._column(join.path, sobject, alias)
        self._rules.require_join(join, column, sobject)
        found, read = self._inner(join.query) - {None}, column.read
        if join.operator == "in":
            return lambda row: _plain(read(row)) in found
        return lambda row: _plain(read(row)) not in found

    def _test(self, comparison: Comparison, column: Column) -> Test:
        name, field = comparison.operator, column.field
        if name == "like":
            return self._like(comparison, field)
        if name in {"includes", "excludes"}:
            return self._includes(comparison, field)
        operands = [self._operand(literal, field) for literal in comparison.literals]
        if name in {"=", "!=", "in", "not in"}:
            member = _membership(operands, folded=field.is_text)
            return (lambda value: not member(value)) if name in {"!=", "not in"} else member
        if field.type == "boolean":
            raise self._bad_operator(comparison, field)
        return _ordering(name, operands[0], folded=field.is_text)

    def _like(self, comparison: Comparison, field: Field) -> Test:
        literal = comparison.literals[0]
        if not field.is_text or field.type == "multipicklist" or not isinstance(literal, Text):
            raise self._bad_operator(comparison, field)
        pattern = like_pattern(self._text, literal)
        return lambda value: isinstance(value, str) and pattern.fullmatch(value.casefold()) is not None

    def _includes(self, comparison: Comparison, field: Field) -> Test:
        if field.type != "multipicklist":
            raise self._bad_operator(comparison, field)
        texts = [unescape(self._text, literal) for literal in comparison.literals if isinstance(literal, Text)]
        wanted = [{choice.casefold() for choice in text.split(";")} for text in texts]

        def includes(value: Derived) -> bool:
            chosen = set(value.casefold().split(";")) if isinstance(value, str) else set[str]()
            return any(choices <= chosen for choices in wanted)

        return includes if comparison.operator == "includes" else lambda value: not includes(value)

    def _bad_operator(self, comparison: Comparison, field: Field) -> Refusal:
        message = f"'{comparison.operator}' is not a valid operator for field '{field.name}' of type {field.type}"
        return at_place(self._text, comparison.path.at, "INVALID_QUERY_FILTER_OPERATOR", message)

    def _operand(self, literal: Literal, field: Field) -> Key | Span | None:
        if isinstance(literal, Null):
            return None
        if isinstance(literal, Text) and (field.is_id or field.is_text):
            text = unescape(self._text, literal)
            return self._record_id(text, literal) if field.is_id and text else text.casefold() or None
        if isinstance(literal, Boolean) and field.type == "boolean":
            return literal.value
        if isinstance(literal, Number) and field.type in NUMBER_TYPES:
            return literal.value
        if isinstance(literal, Moment) and isinstance(literal.value, datetime) == (field.type == "datetime"):
            return literal.value if field.type in {"date", "datetime"} else self._wrong_type(literal, field)
        if isinstance(literal, Named) and field.type in {"date", "datetime"}:
            return self._days(literal, field)
        return self._wrong_type(literal, field)

    def _record_id(self, text: str, literal: Text) -> str:
        whole = to18(text)
        if whole is None:
            raise at_place(self._text, literal.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
        return whole

    def _days(self, literal: Named, field: Field) -> Span:
        days = span(literal.name, literal.count, self._today)
        if days is None:
            raise at_place(self._text, literal.at, "MALFORMED_QUERY", f"unexpected token: '{literal.name}'")
        if field.type == "date":
            return days
        return datetime.combine(days[0], time(), UTC), datetime.combine(days[1], time(), UTC)

    def _wrong_type(self, literal: Literal, field: Field) -> Key:
        quotes = "should be enclosed in quotes"
        if not (field.is_text or field.is_id):
            quotes = "should not be enclosed in quotes"
        kind = {"datetime": "dateTime", "id": "ID", "reference": "ID"}.get(field.type, field.type)
        message = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
        raise at_place(self._text, literal.at, "INVALID_FIELD", message)


def _plain(value: Derived) -> Value:
    return None if isinstance(value, dict) else value


def _membership(operands: list[Key | Span | None], *, folded: bool) -> Test:
    points = {operand for operand in operands if not isinstance(operand, tuple)}
    spans = [operand for operand in operands if isinstance(operand, tuple)]
    if folded:
        return lambda value: (value.casefold() if isinstance(value, str) else None) in points
    if not spans:
        return lambda value: not isinstance(value, dict) and value in points

    def member(value: Derived) -> bool:
        if isinstance(value, dict):
            return False
        return value in points or any(value is not None and _within(value, days) for days in spans)

    return member


def _within(value: Derived, days: Span) -> bool:
    return _ORDER[">="](value, days[0]) and _ORDER["<"](value, days[1])


def _ordering(name: str, operand: Key | Span | None, *, folded: bool) -> Test:
    if operand is None:
        return lambda value: False
    if isinstance(operand, tuple):
        # `> TODAY` is after today's end, `<= TODAY` before it: the comparison is with one end of the span.
        name, operand = {
            "<": ("<", operand[0]), "<=": ("<", operand[1]), ">": (">=", operand[1]), ">=": (">=", operand[0]),
        }[name]  # fmt: skip
    compare, bound = _ORDER[name], operand
    if folded:
        return lambda value: isinstance(value, str) and compare(value.casefold(), bound)
    return lambda value: value is not None and compare(value, bound)
