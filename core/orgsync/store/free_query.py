"""A whole query of somebody who may read the copy and nothing else: what it may cost, and what it returns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orgsync.errors import ArgumentInvalid

__all__ = ["QueryBounds", "QueryResult", "refused", "takes_too_long"]


@dataclass(frozen=True, slots=True)
class QueryBounds:
    """What a query may cost: rows and bytes that are returned, and seconds of the database's work."""

    rows: int = 200
    bytes: int = 200_000
    seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows as values that JSON has; `is_cut` where there are more of them than the bounds allow."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_cut: bool


def refused(why: str, remedy: str) -> ArgumentInvalid:
    """Return the error of a query that may not be run, or cannot be."""
    return ArgumentInvalid(f"The query cannot be used: {why}", remedy)


def takes_too_long(bounds: QueryBounds) -> ArgumentInvalid:
    """Return the error of a query that was stopped."""
    return refused(f"it takes longer than {bounds.seconds:g} seconds.", "Ask for less, by columns that have an index.")
