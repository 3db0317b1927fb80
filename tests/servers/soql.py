"""A second reading of SOQL, of exactly the shapes that orgsync sends; it shares nothing with the demo org's grammar."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

__all__ = ["Query", "Row", "parsed"]

Row: TypeAlias = dict[str, Any]
Value: TypeAlias = Callable[[Row, str], Any]
Test: TypeAlias = Callable[[Row, Value], bool]

_QUERY = re.compile(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+?))?(?: ORDER BY ([\w., ]+))?", re.DOTALL)
_TOKEN = re.compile(r"\s*('(?:\\.|[^'\\])*'|\d{4}-[\dT:.Z-]+|[<>]=?|=|[(),]|[\w.]+)", re.DOTALL)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: the paths, the object, which rows, and by what they are ordered."""

    paths: Sequence[str]
    sobject: str
    matches: Test
    order: Sequence[str]


def parsed(soql: str) -> Query:
    """Read a query; what is not of a known shape is an error of the test."""
    found = _QUERY.fullmatch(soql)
    assert found, soql
    paths, sobject, where, order = found.groups()
    return Query(paths.split(", "), sobject, _Condition(where).test() if where else _any, (order or "Id").split(", "))


def _any(_row: Row, _value: Value) -> bool:
    return True


class _Condition:
    """A condition, read from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)

    def test(self) -> Test:
        """Read terms joined by OR, each of terms joined by AND."""
        tests = [self._all_of()]
        while self._next("OR"):
            tests.append(self._all_of())
        return lambda row, value: any(test(row, value) for test in tests)

    def _all_of(self) -> Test:
        tests = [self._one()]
        while self._next("AND"):
            tests.append(self._one())
        return lambda row, value: all(test(row, value) for test in tests)

    def _one(self) -> Test:
        if self._next("("):
            test = self.test()
            assert self._next(")"), self.tokens
            return test
        path, how = self.tokens.pop(0), self.tokens.pop(0)
        if how == "IN":
            among = self._list()
            return lambda row, value: value(row, path) in among
        wanted = _literal(self.tokens.pop(0))
        if how == "LIKE":
            return lambda row, value: str(value(row, path) or "").lower().startswith(wanted.rstrip("%").lower())
        compare = _COMPARE[how]
        return lambda row, value: (found := value(row, path)) is not None and compare(found, wanted)

    def _list(self) -> set[Any]:
        assert self._next("(")
        values: set[Any] = set()
        while not self._next(")"):
            values.add(_literal(self.tokens.pop(0)))
            self._next(",")
        return values

    def _next(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            del self.tokens[0]
            return True
        return False


def _literal(token: str) -> Any:
    if token.startswith("'"):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    if token in ("true", "false"):
        return token == "true"
    return datetime.fromisoformat(token)
