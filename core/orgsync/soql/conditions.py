"""What a condition depends on: fields, parents' fields, semi-joins and dates that move with the calendar."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orgsync.errors import QueryRefused

from .binds import TEXT

__all__ = ["Condition", "SemiJoin", "condition_of", "relationships_of", "require_condition"]

_QUOTED = re.compile(TEXT, re.DOTALL)
_PATH = re.compile(r"\b[A-Za-z]\w*(?:\.[A-Za-z]\w*)*")
_OPENING = re.compile(r"([A-Za-z]\w*(?:\.[A-Za-z]\w*)*)\s+(?:NOT\s+)?IN\s*\(\s*SELECT\s", re.IGNORECASE)
_INNER = re.compile(
    r"\s*SELECT\s+([\w.]+)\s+FROM\s+(\w+)(?:\s+(?:AS\s+)?(?!WHERE\b)(\w+))?(?:\s+WHERE\s+(.*))?\s*$",
    re.IGNORECASE | re.DOTALL,
)
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


_NOT_OF_A_CONDITION = re.compile(
    r"\b(?:ORDER\s+BY|GROUP\s+BY|HAVING\s|LIMIT\s+\d|OFFSET\s+\d|FOR\s+(?:VIEW|REFERENCE|UPDATE)\b|ALL\s+ROWS\b"
    r"|WITH\s+(?:SECURITY_ENFORCED|USER_MODE|SYSTEM_MODE|DATA\s+CATEGORY)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """`path IN (SELECT selected FROM sobject alias WHERE condition)`, or NOT IN.

    `sobject` is "" for one that is written otherwise, of which no more than its path is known.
    """

    path: str
    sobject: str = ""
    selected: str = ""
    condition: str | None = None
    alias: str = ""

    @property
    def inner(self) -> "Condition":
        """What decides whether a row of the inner object is selected."""
        return condition_of(self.condition, self.sobject, self.alias)


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
        """The relationships that it looks through: `Account.Owner.Name = 'X'` through `Account` and `Account.Owner`."""
        return relationships_of(self.paths)


def require_condition(text: str) -> str:
    """Return a condition; raises QueryRefused for one that is empty, or would end early or go on in a query."""
    masked = _QUOTED.sub(lambda quoted: "x" * len(quoted.group()), text)
    outside, depth = "", 0
    for each in masked:
        depth += {"(": 1, ")": -1}.get(each, 0)
        if depth < 0:
            break
        outside += each if not depth else " "
    if not text.strip():
        raise QueryRefused("The condition of where= is empty.", "Leave where= out to read every row.")
    if depth:
        raise QueryRefused("The parentheses in where= do not match.", "Correct the condition.")
    if found := _NOT_OF_A_CONDITION.search(outside):
        raise QueryRefused(
            f"where= holds {' '.join(found.group().upper().split())}, which is no part of a condition.",
            "Write what stands behind WHERE alone; to read some rows, use ctx.query and a batch of your own.",
        )
    return text


def relationships_of(paths: Iterable[str]) -> list[str]:
    """Name every relationship on the way: `Account.Owner.Name` passes `Account` and `Account.Owner`."""
    found: list[str] = []
    for path in paths:
        names = path.split(".")[:-1]
        found += [".".join(names[: depth + 1]) for depth in range(len(names))]
    return list(dict.fromkeys(found))


def condition_of(text: str | None, sobject: str, alias: str = "") -> Condition:
    """Read a condition on an object; the object's own name or alias before a field (`Contact.Email`) is left out."""
    if not text:
        return Condition()
    masked = _QUOTED.sub(lambda quoted: " " * len(quoted.group()), text)
    own, joins, names = masked, list[SemiJoin](), (sobject, alias)
    for path, start, end in _semi_joins(masked):
        join = SemiJoin(_without_own_name(path, names))
        if inner := _INNER.match(masked, start, end):
            selected, joined, other = inner.group(1), inner.group(2), inner.group(3) or ""
            within = text[inner.start(4) : inner.end(4)].strip() if inner.group(4) else None
            join = SemiJoin(join.path, joined, _without_own_name(selected, (joined, other)), within, other)
        joins.append(join)
        own = own[:start] + " " * (end - start) + own[end:]
    dates = tuple(dict.fromkeys(found.upper() for found in _RELATIVE_DATE.findall(masked)))
    plain = _RELATIVE_DATE.sub(" ", own)
    paths = [path for path in _PATH.findall(plain) if path.lower() not in _WORDS]
    named = dict.fromkeys(_without_own_name(path, names) for path in paths)
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


def _without_own_name(path: str, names: Iterable[str]) -> str:
    first, dot, rest = path.partition(".")
    return rest if dot and first.lower() in {name.lower() for name in names} else path
