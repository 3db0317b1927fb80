"""Select statements, and what a condition says about parents."""

import re
from collections.abc import Sequence

from .binds import TEXT
from .literals import literal

__all__ = ["contains", "parents_of", "select"]

_QUOTED = re.compile(TEXT, re.DOTALL)
_PATH = re.compile(r"\b[A-Za-z]\w*(?:\.[A-Za-z]\w*)+")


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


def parents_of(condition: str | None, sobject: str) -> list[str]:
    """Name the relationships that a condition looks through: `Account.Industry = 'X'` looks through `Account`."""
    if not condition:
        return []
    paths = _PATH.findall(_QUOTED.sub("''", condition))
    own = f"{sobject.lower()}."
    parents = [path.rpartition(".")[0] for path in paths if not path.lower().startswith(own)]
    return list(dict.fromkeys(parents))
