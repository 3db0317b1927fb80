"""SOQL as text: literals, binds, select statements and what conditions depend on, from values to values."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast

from orgsync.errors import QueryRefused

__all__ = [
    "Condition",
    "SemiJoin",
    "bind",
    "condition_of",
    "contains",
    "literal",
    "relationships_of",
    "require_condition",
    "select",
    "unbound",
]

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"})

_STRING = r"'(?:[^'\\]|\\.)*'"
_QUOTED = re.compile(_STRING, re.DOTALL)
# The colons of 10:15:00Z and LAST_N_DAYS:30 are followed by digits; a bind's by a name.
_BINDS = re.compile(rf"({_STRING})|:\s*([A-Za-z_]\w*)", re.DOTALL)

_TAKES_A_LIST = re.compile(r"\b(IN|INCLUDES|EXCLUDES)\s*$", re.IGNORECASE)
_IN_PARENTHESES = re.compile(r"[(,]\s*$")
_COLLECTIONS = (list, tuple, set, frozenset)

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
_KEYWORDS = frozenset(
    [
        *("and", "or", "not", "in", "like", "includes", "excludes", "null", "true", "false"),
        *("asc", "desc", "select", "from", "where", "nulls", "first", "last"),
    ]
)
_OTHER_CLAUSES = re.compile(
    r"\b(?:ORDER\s+BY|GROUP\s+BY|HAVING\s|LIMIT\s+\d|OFFSET\s+\d|FOR\s+(?:VIEW|REFERENCE|UPDATE)\b|ALL\s+ROWS\b"
    r"|WITH\s+(?:SECURITY_ENFORCED|USER_MODE|SYSTEM_MODE|DATA\s+CATEGORY)\b)",
    re.IGNORECASE,
)


def literal(value: object) -> str:
    """Write a value as SOQL: text quoted and escaped, datetimes in UTC, collections in parentheses.

    Raises QueryRefused for a naive datetime, an empty collection, or a type that SOQL has no literal for.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value.translate(_ESCAPES)}'"
    if isinstance(value, int | float | Decimal):
        return format(Decimal(str(value)), "f")
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return _collection(cast("Iterable[object]", value))
    raise QueryRefused(
        f"SOQL has no literal for a value of type {type(value).__name__}.", "Bind text, numbers, dates or lists."
    )


def bind(soql: str, values: Mapping[str, object]) -> str:
    """Put values in the places of their names, `WHERE Status = :status`, outside of quoted text.

    A list is accepted after IN, INCLUDES and EXCLUDES, and only there. Raises QueryRefused for a value that does not
    fit its place, a name without a value, and a value without a place.
    """
    used: set[str] = set()

    def replaced(match: re.Match[str]) -> str:
        text, name = match.groups()
        if text is not None:
            return str(text)
        if name not in values:
            raise QueryRefused(f"The query has :{name}, but no value was given for it.", f"Pass {name}=... as well.")
        used.add(name)
        _require_fit(soql[: match.start()], name, values[name])
        return literal(values[name])

    bound = _BINDS.sub(replaced, soql)
    if unused := sorted(values.keys() - used):
        raise QueryRefused(
            f"The query has no place for {', '.join(unused)}.", f"Write :{unused[0]} where the value belongs."
        )
    return bound


def unbound(soql: str) -> str:
    """Return the first name that needs a value; empty if there is none."""
    return next((found.group(2) for found in _BINDS.finditer(soql) if found.group(2)), "")


def select(
    paths: Sequence[str], sobject: str, *, where: Sequence[str | None] = (), order_by: Sequence[str] = ()
) -> str:
    """Write a query; conditions are joined by AND, each in parentheses when there are several."""
    conditions = [condition for condition in where if condition]
    soql = f"SELECT {', '.join(paths)} FROM {sobject}"  # noqa: S608 # values come through literal() alone
    if len(conditions) == 1:
        soql += f" WHERE {conditions[0]}"
    elif conditions:
        soql += " WHERE " + " AND ".join(f"({condition})" for condition in conditions)
    return f"{soql} ORDER BY {', '.join(order_by)}" if order_by else soql


def contains(path: str, values: Sequence[str]) -> str:
    """Write `path IN (...)`."""
    return f"{path} IN {literal(values)}"


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """`path IN (SELECT selected FROM sobject alias WHERE condition)`, or NOT IN.

    `sobject` is "" for one that is written in another way; then only its path is known.
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
    """What decides whether a row matches a condition.

    `paths` are the fields that it compares outside of semi-joins, such as `Account.Industry`; `relative_dates` are
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
    """Return a condition; raise QueryRefused for an empty one, and for one that contains other clauses of a query."""
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
    if found := _OTHER_CLAUSES.search(outside):
        raise QueryRefused(
            f"where= holds {' '.join(found.group().upper().split())}, which does not belong in a condition.",
            "Write only what follows WHERE; to read some rows, use ctx.query and a batch of your own.",
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
    """Parse a condition on an object; the object's own name or alias before a field (`Contact.Email`) is dropped."""
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
    paths = [path for path in _PATH.findall(plain) if path.lower() not in _KEYWORDS]
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


def _instant(value: datetime) -> str:
    """Write milliseconds only if there are any: the documented literal has none."""
    if value.tzinfo is None:
        raise QueryRefused("A datetime without a time zone was bound.", "Bind an aware one: datetime.now(UTC).")
    text = value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return text.replace(".000Z", "Z")


def _collection(values: Iterable[object]) -> str:
    literals = [literal(value) for value in values]
    if not literals:
        raise QueryRefused("An empty list was bound, which SOQL does not allow.", "Skip the query when it is empty.")
    return f"({', '.join(literals)})"


def _require_fit(before: str, name: str, value: object) -> None:
    """Raise QueryRefused for a list where the text before it wants one value, and the other way round."""
    is_list = isinstance(value, _COLLECTIONS)
    operator = _TAKES_A_LIST.search(before)
    if operator and not is_list:
        word = operator.group(1).upper()
        raise QueryRefused(
            f"The query has {word} :{name}, which takes a list, but the value of {name} is of type "
            f"{type(value).__name__}.",
            f"Pass a list: {name}=[...]; or compare with one value: = :{name}.",
        )
    if is_list and not operator:
        inside = f", without parentheses around :{name}" if _IN_PARENTHESES.search(before) else ""
        raise QueryRefused(
            f"The value of {name} is a list, but :{name} stands where SOQL takes one value.",
            f"Write IN :{name}{inside}, or pass one value.",
        )
