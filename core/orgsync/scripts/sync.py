"""The decorator that makes a function a sync."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, overload

from orgsync.errors import ScriptProblem
from orgsync.records import Batch, Record, Record_co, schema_of, undeclared_class

from .annotations import annotated_classes
from .context import Context, read_twice
from .schedule import Every, Interval, parse_every, parse_interval
from .sync_function import require_model, require_sync_function
from .table_reads import reads_of, undeclared_reads_of

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["Sync", "sync"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Sync(Generic[Record_co]):
    """A function that reads from an org into the store.

    `every` is when it is due, None for only on request; `reconcile` how often the Ids of its copies are compared with
    the org's, None for only on request; `formulas` how often fields that change without a stamp are read again, None
    for as often; `metadata` what the connection's metadata has to be, None for anything.
    """

    kind: ClassVar = "sync"

    name: str
    function: Callable[[Context], AsyncIterator[Batch[Record_co]]] = field(repr=False)
    every: Every | None = None
    reconcile: Interval | None = None
    formulas: Interval | None = None
    metadata: "type[BaseModel] | None" = None

    def __call__(self, ctx: Context) -> AsyncIterator[Batch[Record_co]]:
        """Call the function itself, as a test does."""
        return self.function(ctx)

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").strip().partition("\n")[0]

    @cached_property
    def models(self) -> tuple[type[Record], ...]:
        """The record classes that it writes: those in its annotation, otherwise those that its source reads."""
        return tuple(dict.fromkeys(annotated_classes(self.function) or self._reads))

    @property
    def reads(self) -> tuple[type[Record], ...]:
        """The record classes of which its source reads changes or snapshots, whatever it turns their rows into."""
        return tuple(self._reads)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of those classes."""
        return tuple(dict.fromkeys(schema_of(model).table for model in self.models))

    @property
    def problem(self) -> ScriptProblem | None:
        """The error that its source shows before it is run: a class without table=True, a table read twice."""
        if self._undeclared_reads:
            return undeclared_class(self._undeclared_reads[0])
        twice = [schema_of(model).table for model, times in self._reads.items() if times > 1]
        return read_twice(twice[0]) if twice else None

    @cached_property
    def _undeclared_reads(self) -> list[type[Record]]:
        return undeclared_reads_of(self.function)

    @cached_property
    def _reads(self) -> dict[type[Record], int]:
        return reads_of(self.function)


@overload
def sync(function: Callable[[Context], AsyncIterator[Batch[R]]], /) -> Sync[R]: ...


@overload
def sync(
    *,
    every: str | None = None,
    reconcile: str | None = None,
    formulas: str | None = None,
    name: str | None = None,
    metadata: "type[BaseModel] | None" = None,
) -> Callable[[Callable[[Context], AsyncIterator[Batch[R]]]], Sync[R]]: ...


def sync(
    function: Callable[[Context], AsyncIterator[Batch[R]]] | None = None,
    /,
    *,
    every: str | None = None,
    reconcile: str | None = None,
    formulas: str | None = None,
    name: str | None = None,
    metadata: "type[BaseModel] | None" = None,
) -> Sync[R] | Callable[[Callable[[Context], AsyncIterator[Batch[R]]]], Sync[R]]:
    """Make a sync of a function that takes a Context and returns batches.

    `every` is a number and a unit, "30s", "15m", "1h", "1d", or a cron expression of five fields, in UTC:
    "0 6 * * 1-5". `reconcile` is a number and a unit: how often a run also compares the copy's Ids with the org's,
    which finds rows that were deleted for good or became visible, and reads formula fields again. `formulas` is how
    often these are read again, if that is another interval. The name is the function's by default. `metadata` is a
    model of pydantic's for the connection's metadata: what is set there has to fit the models of all syncs, and
    `ctx.metadata(Model)` gives it. Raises ScriptNotLoaded for anything else.
    """
    if function is not None:
        require_sync_function(function)
        return Sync(function.__name__, function)
    due = None if every is None else parse_every(every)
    if metadata is not None:
        require_model(metadata)
    compared = None if reconcile is None else parse_interval(reconcile, of="reconcile")

    reread = None if formulas is None else parse_interval(formulas, of="formulas")

    def decorate(decorated: Callable[[Context], AsyncIterator[Batch[R]]]) -> Sync[R]:
        require_sync_function(decorated)
        return Sync(name or decorated.__name__, decorated, due, compared, reread, metadata)

    return decorate
