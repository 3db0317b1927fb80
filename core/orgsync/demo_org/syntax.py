"""A SOQL query as a tree of values."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: `Account.Owner.Name`; `at` is where it stands in the text."""

    parts: tuple[str, ...]
    at: int
    alias: str | None = None

    @property
    def spelled(self) -> str:
        """The path as one name."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """`FIELDS(ALL)` and its kin."""

    group: str
    at: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`COUNT(Id) total`; without a path it is `COUNT()`."""

    function: str
    path: Path | None
    at: int
    alias: str | None = None

    @property
    def spelled(self) -> str:
        """The function with what it is applied to."""
        return f"{self.function}({self.path.spelled if self.path else ''})"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one value: `CALENDAR_YEAR(CreatedDate)`, `FORMAT(Amount)`; the function in lower case."""

    function: str
    operand: "Operand"
    at: int
    alias: str | None = None

    @property
    def spelled(self) -> str:
        """The function with what it is applied to."""
        return f"{self.function}({self.operand.spelled})"


Operand = Path | Call | Aggregate


@dataclass(frozen=True, slots=True)
class TypeOf:
    """`TYPEOF What WHEN Account THEN Phone ELSE Name END`: which fields of a parent, by the parent's object."""

    path: Path
    whens: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...] | None


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string, its escapes still in it."""

    raw: str
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number; `whole` is whether it was written without a point."""

    value: float
    whole: bool
    at: int


@dataclass(frozen=True, slots=True)
class Boolean:
    """TRUE or FALSE."""

    value: bool
    at: int


@dataclass(frozen=True, slots=True)
class Null:
    """NULL."""

    at: int


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or a datetime (UTC)."""

    value: date | datetime
    at: int


@dataclass(frozen=True, slots=True)
class Named:
    """A date literal such as TODAY or LAST_N_DAYS:7."""

    name: str
    count: int
    at: int


Literal = Text | Number | Boolean | Null | Moment | Named


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value compared with one literal, or with several for IN, NOT IN, INCLUDES and EXCLUDES."""

    path: Operand
    operator: str
    literals: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class SemiJoin:
    """A field compared with what a query finds: IN is a semi-join, NOT IN an anti-join."""

    path: Path
    operator: str
    query: "Query"


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Conditions joined by AND."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Disjunction:
    """Conditions joined by OR."""

    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """NOT."""

    part: "Condition"


Condition = Comparison | SemiJoin | Conjunction | Disjunction | Negation


def conditions(condition: Condition) -> Iterator[Condition]:
    """Yield a condition and all that are inside it, without those of semi-joins' own queries."""
    yield condition
    if isinstance(condition, Negation):
        yield from conditions(condition.part)
    elif isinstance(condition, Conjunction | Disjunction):
        for part in condition.parts:
            yield from conditions(part)


@dataclass(frozen=True, slots=True)
class Ordering:
    """One term of ORDER BY."""

    path: Operand
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; a sub-select is one whose `source` is a child relationship's name."""

    select: tuple["Selected", ...]
    source: str
    source_at: int
    alias: str | None
    where: Condition | None
    scope: str
    group: tuple[Operand, ...]
    having: Condition | None
    order: tuple[Ordering, ...]
    limit: int | None
    offset: int


Selected = Operand | FieldsOf | TypeOf | Query
