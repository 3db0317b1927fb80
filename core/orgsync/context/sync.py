"""The decorator that makes a function a sync."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Generic, TypeVar, overload

from orgsync.errors import ScriptNotLoaded
from orgsync.records import Batch, Record, Record_co

from .context import Context

__all__ = ["Sync", "sync"]

R = TypeVar("R", bound=Record)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Sync(Generic[Record_co]):
    """A function that reads from an org into the store. `every` is how often it is due, None for only by hand."""

    name: str
    function: Callable[[Context], AsyncIterator[Batch[Record_co]]] = field(repr=False)
    every: timedelta | None = None

    def __call__(self, ctx: Context) -> AsyncIterator[Batch[Record_co]]:
        """Call the function itself, as a test does."""
        return self.function(ctx)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]


@overload
def sync(function: Callable[[Context], AsyncIterator[Batch[R]]], /) -> Sync[R]: ...


@overload
def sync(
    *, every: str | None = None, name: str | None = None
) -> Callable[[Callable[[Context], AsyncIterator[Batch[R]]]], Sync[R]]: ...


def sync(
    function: Callable[[Context], AsyncIterator[Batch[R]]] | None = None,
    /,
    *,
    every: str | None = None,
    name: str | None = None,
) -> Sync[R] | Callable[[Callable[[Context], AsyncIterator[Batch[R]]]], Sync[R]]:
    """Make a sync of a function that takes a Context and answers with batches.

    `every` is a number and a unit: "30s", "15m", "1h", "1d". The name is the function's unless given.
    Raises ScriptNotLoaded for an interval that is none.
    """
    if function is not None:
        return Sync(function.__name__, function)
    interval = None if every is None else _interval(every)

    def decorate(decorated: Callable[[Context], AsyncIterator[Batch[R]]]) -> Sync[R]:
        return Sync(name or decorated.__name__, decorated, interval)

    return decorate


def _interval(text: str) -> timedelta:
    found = re.fullmatch(r"\s*(\d+)\s*([smhd])\s*", text)
    if not found or not int(found.group(1)):
        raise ScriptNotLoaded(f"every={text!r} is not an interval.", 'Write a number and a unit: "30s", "15m", "1h".')
    return timedelta(**{_UNITS[found.group(2)]: int(found.group(1))})
