"""Select statements."""

from collections.abc import Sequence

from .literals import literal

__all__ = ["contains", "select"]


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
