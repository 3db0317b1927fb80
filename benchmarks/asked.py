"""Which of the prepared answers a query asks for, read from its columns and from the bounds on its stamps."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from .people import BEGAN

__all__ = ["Asked", "Scope", "asked_by"]

Scope: TypeAlias = Literal["all", "changes", "nothing"]
"""All rows; those that changed after all had their stamps; none, as of a parent's changes."""

_QUERY = re.compile(
    r"\s*SELECT\s+(.+?)\s+FROM\s+\w+\s*(?:WHERE\s+(.+?))?\s*(?:ORDER BY\s.*)?", re.IGNORECASE | re.DOTALL
)
_BOUND = re.compile(r"(?<!\.)\bSystemModstamp\s*([<>]=?)\s*([0-9T:.+Z-]+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a query asks for; `counts` where it is only the number of rows."""

    columns: tuple[str, ...]
    scope: Scope
    counts: bool


def asked_by(soql: str, *, last: datetime) -> Asked | None:
    """Read a query of rows whose last stamp is `last`; None for one that nothing is prepared for."""
    found = _QUERY.fullmatch(soql)
    if not found:
        return None
    columns, condition = found.groups()
    scope = _scope(condition, last) if condition else "all"
    counts = columns.upper().startswith("COUNT(")
    return Asked(tuple(name.strip() for name in columns.split(",")), scope, counts) if scope else None


def _scope(condition: str, last: datetime) -> Scope | None:
    bounds = _BOUND.findall(condition)
    if not bounds:
        return "nothing"
    low = max((datetime.fromisoformat(text) for sign, text in bounds if ">" in sign), default=BEGAN)
    high = min((datetime.fromisoformat(text) for sign, text in bounds if "<" in sign), default=last + timedelta(1))
    if low <= BEGAN and high > last:
        return "all"
    return "changes" if low > last else None
