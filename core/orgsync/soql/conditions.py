"""What a condition depends on: fields, parents' fields, semi-joins and dates that move with the calendar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .binds import TEXT

__all__ = ["Condition", "SemiJoin", "condition_of"]

_QUOTED = re.compile(TEXT, re.DOTALL)
_PATH = re.compile(r"\b[A-Za-z]\w*(?:\.[A-Za-z]\w*)*")
_OPENING = re.compile(r"([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)\s+(?:NOT\s+)?IN\s*\(\s*SELECT\s", re.IGNORECASE)
_INNER = re.compile(r"\s*SELECT\s+([\w.]+)\s+FROM\s+(\w+)(?:\s+WHERE\s+(.*))?\s*$", re.IGNORECASE | re.DOTALL)
_RELATIVE_DATE = re.compile(
    r"\b(?:TODAY|YESTERDAY|TOMORROW|(?:LAST|THIS|NEXT)_(?:WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)"
    r"|(?:LAST|NEXT)_90_DAYS|(?:LAST|NEXT)_N_\w+:\d+|N_\w+_AGO:\d+)\b",
    re.IGNORECASE,
)
_WORDS = frozenset(
    [
        *("and", "or", "not", "in", "like", "includes", "excludes", "null", "true", "false"),
        *("asc", "desc", "select", "from", "where", "nulls", "first", "last"),
    ]
)


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """`path IN (SELECT selected FROM sobject WHERE condition)`, or NOT IN."""

    path: str
    sobject: str
    selected: str
    condition: str | None


@dataclass(frozen=True, slots=True)
class Condition:
    """What decides whether a row meets a condition.

    `paths` are the fields that it compares outside of semi-joins, `Account.Industry` among them; `relative_dates` are
    literals such as TODAY, which mean another day tomorrow, inside of semi-joins too.
    """

    paths: tuple[str, ...] = ()
    semi_joins: tuple[SemiJoin, ...] = ()
    relative_dates: tuple[str, ...] = ()

    @property
    def parents(self) -> list[str]:
        """The relationships that it looks through: `Account.Industry = 'X'` looks through `Account`."""
        return list(dict.fromkeys(path.rpartition(".")[0] for path in self.paths if "." in path))


def condition_of(text: str | None, sobject: str) -> Condition:
    """Read a condition on an object; the object's own name before a field (`Contact.Email`) is left out."""
    if not text:
        return Condition()
    masked = _QUOTED.sub(lambda quoted: " " * len(quoted.group()), text)
    own, joins = masked, list[SemiJoin]()
    for path, start, end in _semi_joins(masked):
        if inner := _INNER.match(masked, start, end):
            selected, joined = inner.group(1), inner.group(2)
            within = text[inner.start(3) : inner.end(3)].strip() if inner.group(3) else None
            joins.append(SemiJoin(_without_own_name(path, sobject), joined, selected, within))
        own = own[:start] + " " * (end - start) + own[end:]
    dates = tuple(dict.fromkeys(found.upper() for found in _RELATIVE_DATE.findall(masked)))
    plain = _RELATIVE_DATE.sub(" ", own)
    paths = [path for path in _PATH.findall(plain) if path.lower() not in _WORDS]
    named = dict.fromkeys(_without_own_name(path, sobject) for path in paths)
    return Condition(tuple(named), tuple(joins), dates)


def _semi_joins(masked: str) -> Iterator[tuple[str, int, int]]:
    """Find each semi-join: the path before IN, and where the text inside its parentheses begins and ends."""
    for opening in _OPENING.finditer(masked):
        start = masked.index("(", opening.start()) + 1
        depth, end = 1, start
        while end < len(masked) and depth:
            depth += {"(": 1, ")": -1}.get(masked[end], 0)
            end += 1
        yield opening.group(1), start, end - 1 if not depth else end


def _without_own_name(path: str, sobject: str) -> str:
    own = f"{sobject.lower()}."
    return path[len(own) :] if path.lower().startswith(own) else path
