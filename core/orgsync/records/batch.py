"""A batch: rows of one record class, together with the position they bring the sync to."""

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import isawaitable
from typing import Any, Generic, TypeAlias, TypeVar, cast, overload

from orgsync.errors import BatchInvalid

from .checkpoint import as_json
from .convert import from_row, to_id, to_row
from .record import Record, schema_of
from .schema import Row, Schema

__all__ = ["Batch", "Batches", "PartialBatch", "Position", "Record_co"]

Record_co = TypeVar("Record_co", bound=Record, covariant=True)
_R = TypeVar("_R", bound=Record)
_S = TypeVar("_S", bound=Record)
_T = TypeVar("_T")

_Fields: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """Where a stream of batches stands once this one is committed.

    `stream` is a record class's table, or "" for an author's own checkpoint; `watermark` is the instant up to
    which every committed change has been read; `state` is JSON.
    """

    stream: str
    watermark: datetime | None
    state: dict[str, Any]


class Batch(Generic[Record_co]):
    """Rows of one record class, committed together with the position that they bring the sync to.

    Iterating gives record instances. Rows may be given as instances or as mappings, keyed by Python names or, as
    `ctx.query` returns them, by Salesforce's. A field that a mapping leaves out is NULL; a key that the class does not
    have is refused. `checkpoint` is the author's own JSON; the next run finds the last committed one in
    `ctx.checkpoint`.

    To change the rows of `ctx.changes` and `ctx.snapshot`, use `filter`, `map` and `replace`, which keep position and
    deletions; a new batch made of the rows would lose both.
    """

    __slots__ = ("deleted_ids", "model", "position", "rows")

    def __init__(
        self,
        model: type[Record_co],
        rows: "Iterable[Record | Mapping[str, Any]]" = (),
        *,
        checkpoint: dict[str, Any] | None = None,
    ) -> None:
        schema = schema_of(model)
        _require_rows(model, rows)
        self.model = model
        self.rows: Sequence[Row] = [to_row(schema, row, at) for at, row in enumerate(rows, 1)]
        self.deleted_ids: Sequence[str] = ()
        self.position = None if checkpoint is None else Position("", None, as_json(checkpoint))

    @staticmethod
    def deleted(model: type[_R], ids: Iterable[str], *, checkpoint: dict[str, Any] | None = None) -> "Batch[_R]":
        """Mark the rows with these Ids (18 or 15 characters) deleted; Ids that the copy does not have are ignored."""
        batch = Batch(model, checkpoint=checkpoint)
        given = [ids] if isinstance(ids, str) else ids
        batch.deleted_ids = [to_id(batch.schema, each, f"deletion {at}") for at, each in enumerate(given, 1)]
        return batch

    @staticmethod
    def read(
        model: type[_R], rows: Sequence[Row], *, deleted_ids: Sequence[str] = (), position: Position | None = None
    ) -> "Batch[_R]":
        """Make a batch of rows that are already in stored form."""
        batch = Batch(model)
        batch.rows, batch.deleted_ids, batch.position = rows, deleted_ids, position
        return batch

    @property
    def schema(self) -> Schema:
        """The record class as data."""
        return schema_of(self.model)

    @overload
    def filter(self: "Batch[_R]", keep: Callable[[_R], bool]) -> "Batch[_R]": ...

    @overload
    def filter(self: "Batch[_R]", keep: Callable[[_R], Awaitable[bool]]) -> "Awaitable[Batch[_R]]": ...

    def filter(
        self: "Batch[_R]", keep: Callable[[_R], bool] | Callable[[_R], Awaitable[bool]]
    ) -> "Batch[_R] | Awaitable[Batch[_R]]":
        """Keep the records for which `keep` is true; the others leave the copy (they are marked deleted).

        `keep` may be asynchronous: `yield await batch.filter(keep)`. It is called for one record after the other.
        """
        return _applied(self, keep, self._kept)

    @overload
    def map(self: "Batch[_R]", change: Callable[[_R], _R | _Fields]) -> "Batch[_R]": ...

    @overload
    def map(self: "Batch[_R]", change: Callable[[_R], Awaitable[_R | _Fields]]) -> "Awaitable[Batch[_R]]": ...

    @overload
    def map(self: "Batch[_R]", change: Callable[[_R], _S | _Fields], *, model: type[_S]) -> "Batch[_S]": ...

    @overload
    def map(
        self: "Batch[_R]", change: Callable[[_R], Awaitable[_S | _Fields]], *, model: type[_S]
    ) -> "Awaitable[Batch[_S]]": ...

    def map(
        self: "Batch[_R]", change: Callable[[_R], Any], *, model: type[Record] | None = None
    ) -> "Batch[Any] | Awaitable[Batch[Any]]":
        """Replace each record by what `change` returns for it; position and deletions stay.

        `change` returns a record, or a mapping of fields, with the same Id. What was deleted stays deleted, and a
        missing system_modstamp is taken from the record. `model` is another class, in whose table the rows are kept.
        `change` may be asynchronous: `yield await batch.map(change)`. It is called for one record after the other.
        Raises ScriptProblem for a record of any other class, and for another Id.
        """
        new_model = model or self.model
        schema_of(new_model)
        return _applied(self, change, lambda changed: self._changed(new_model, changed))

    @overload
    def replace(self: "Batch[_R]", rows: "Iterable[_R | _Fields]") -> "Batch[_R]": ...

    @overload
    def replace(self, rows: "Iterable[_S | _Fields]", *, model: type[_S]) -> "Batch[_S]": ...

    def replace(self, rows: "Iterable[Record | _Fields]", *, model: type[Record] | None = None) -> "Batch[Any]":
        """Replace the rows of the batch; position and deletions stay.

        Rows of the batch whose Id is not among the new ones leave the copy. The rest is as in `map`. Raises
        ScriptProblem for Ids that are not of this batch.
        """
        new_model = model or self.model
        schema = schema_of(new_model)
        _require_rows(new_model, rows, of_pass=True)
        before = _newest(self.rows)
        replaced: list[Row] = []
        for at, given in enumerate(rows, 1):
            row = to_row(schema, given, at)
            if row[0] not in before:
                raise BatchInvalid(
                    f"Row {at} of those that replace a batch of {self.model.__name__} has an Id that the batch lacks.",
                    f"Replace a batch by rows with its own Ids; yield others as Batch({new_model.__name__}, rows).",
                )
            replaced.append(_in_place_of(before[row[0]], row))
        kept = {row[0] for row in replaced}
        removed = [str(row_id) for row_id in before if row_id not in kept]
        return Batch.read(new_model, replaced, deleted_ids=[*self.deleted_ids, *removed], position=self.position)

    def _kept(self: "Batch[_R]", decisions: Sequence[object]) -> "Batch[_R]":
        newest, rows, removed = _newest(self.rows), list[Row](), list[str]()
        for row, stays in zip(self.rows, decisions, strict=True):
            if row is newest[row[0]]:  # a row that changes while it is read may come twice
                if stays:
                    rows.append(row)
                else:
                    removed.append(str(row[0]))
        return Batch.read(self.model, rows, deleted_ids=[*self.deleted_ids, *removed], position=self.position)

    def _changed(self, model: type[_S], changed: Sequence[object]) -> "Batch[_S]":
        schema = schema_of(model)
        rows: list[Row] = []
        for at, (row, given) in enumerate(zip(self.rows, changed, strict=True), 1):
            new = to_row(schema, given, at)
            if new[0] != row[0]:
                raise BatchInvalid(
                    f"Row {at} of a batch of {self.model.__name__} has another Id than the record it was made of.",
                    "Keep the record's id; rows of other Ids are yielded in a Batch of their own.",
                )
            rows.append(_in_place_of(row, new))
        return Batch.read(model, rows, deleted_ids=self.deleted_ids, position=self.position)

    def __iter__(self) -> Iterator[Record_co]:
        schema = self.schema
        return (cast("Record_co", from_row(schema, row)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Batch of {len(self.rows)} {self.model.__name__}, {len(self.deleted_ids)} deleted>"


class PartialBatch(Batch[Record_co]):
    """Rows of some columns alone, which are changed in rows that the copy has; no script is given one."""

    __slots__ = ("_schema",)

    def __init__(self, model: type[Record_co], schema: Schema, rows: Sequence[Row], position: Position) -> None:
        super().__init__(model)
        self._schema, self.rows, self.position = schema, rows, position

    @property
    def schema(self) -> Schema:
        """The columns that the rows have."""
        return self._schema


class _Empty(Batch[Record_co]):
    """A batch without rows, awaitable or not: no function was called whose result would show which is expected."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, Batch[Record_co]]:
        return self
        yield


Batches: TypeAlias = AsyncIterator[Batch[Record_co]]
"""What a sync returns: batches, one after the other."""


def _applied(
    batch: Batch[_R], function: Callable[[_R], object], made: Callable[[Sequence[object]], Batch[_S]]
) -> Batch[_S] | Awaitable[Batch[_S]]:
    """Call a function with each record and make a batch of the results; awaitable if the function is."""
    records = iter(batch)
    first = next(records, None)
    if first is None:
        unchanged = made(())
        empty: _Empty[_S] = _Empty(unchanged.model)
        empty.deleted_ids, empty.position = unchanged.deleted_ids, unchanged.position
        return empty
    result = function(first)
    if not isawaitable(result):
        return made([result, *map(function, records)])

    async def awaited() -> Batch[_S]:
        results = [await result]
        for record in records:
            results.append(await cast("Awaitable[object]", function(record)))
        return made(results)

    return awaited()


def _in_place_of(before: Row, row: Row) -> Row:
    """Return the new row with the old one's stamp if it has none, and deleted if the old one was."""
    return (row[0], before[1] if row[1] is None else row[1], bool(row[2] or before[2]), *row[3:])


def _newest(rows: Sequence[Row]) -> dict[object, Row]:
    """Return the newest version of each row by Id; of equal stamps the later one."""
    found: dict[object, Row] = {}
    for row in rows:
        if row[0] not in found or str(row[1] or "") >= str(found[row[0]][1] or ""):
            found[row[0]] = row
    return found


def _require_rows(model: type[Record], rows: object, *, of_pass: bool = False) -> None:
    """Raise ScriptProblem for what looks like rows and is not."""
    name = model.__name__
    if hasattr(rows, "__aiter__"):
        raise BatchInvalid(
            f"A batch of {name} was given an asynchronous iterator.",
            f"Collect the rows first: Batch({name}, [row async for row in rows]).",
        )
    if isinstance(rows, Batch) and not of_pass:
        raise BatchInvalid(
            f"A batch of {name} was made of another batch; position and deletions would be lost.",
            "Yield the batch itself, or what batch.map(change), batch.filter(keep) or batch.replace(rows) makes of it.",
        )
    if isinstance(rows, Mapping | Record):
        raise BatchInvalid(f"A batch of {name} was given one row.", f"Give a list of rows: Batch({name}, [row]).")
