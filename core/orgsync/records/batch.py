"""A batch: rows of one record class, together with the position they bring the sync to."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar, cast

from .conversion import from_row, to_row
from .record import Record
from .schema import Row, Schema, schema_of

__all__ = ["Batch", "Batches", "Position", "Record_co"]

Record_co = TypeVar("Record_co", bound=Record, covariant=True)
_R = TypeVar("_R", bound=Record)


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

    Iterating gives record instances. Rows may be given as instances or as mappings, keyed by Python names or,
    as `ctx.query` answers, by Salesforce's. `checkpoint` is the author's own JSON; a run finds the last
    committed one in `ctx.checkpoint`.
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
        self.model = model
        self.rows: Sequence[Row] = [to_row(schema, row) for row in rows]
        self.deleted_ids: Sequence[str] = ()
        self.position = None if checkpoint is None else Position("", None, checkpoint)

    @staticmethod
    def deleted(model: type[_R], ids: Iterable[str], *, checkpoint: dict[str, Any] | None = None) -> "Batch[_R]":
        """Mark the rows with these Ids (18 characters) deleted; Ids that the copy does not have are ignored."""
        batch = Batch(model, checkpoint=checkpoint)
        batch.deleted_ids = list(ids)
        return batch

    @staticmethod
    def read(
        model: type[_R], rows: Sequence[Row], *, deleted_ids: Sequence[str] = (), position: Position | None = None
    ) -> "Batch[_R]":
        """Make a batch of rows that are in stored form already."""
        batch = Batch(model)
        batch.rows, batch.deleted_ids, batch.position = rows, deleted_ids, position
        return batch

    @property
    def schema(self) -> Schema:
        """The record class as data."""
        return schema_of(self.model)

    def filter(self, keep: "Callable[[Record_co], bool]") -> "Batch[Record_co]":
        """Keep the records that `keep` says yes to; the others leave the copy (they are marked deleted)."""
        kept = [bool(keep(record)) for record in self]
        rows = [row for row, stays in zip(self.rows, kept, strict=True) if stays]
        gone = [str(row[0]) for row, stays in zip(self.rows, kept, strict=True) if not stays]
        return Batch.read(self.model, rows, deleted_ids=[*self.deleted_ids, *gone], position=self.position)

    def map(self, change: "Callable[[Record_co], Record]") -> "Batch[Record_co]":
        """Replace each record by what `change` makes of it; the position stays."""
        schema = self.schema
        rows = [to_row(schema, change(record)) for record in self]
        return Batch.read(self.model, rows, deleted_ids=self.deleted_ids, position=self.position)

    def __iter__(self) -> Iterator[Record_co]:
        schema = self.schema
        return (cast("Record_co", from_row(schema, row)) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Batch of {len(self.rows)} {self.model.__name__}, {len(self.deleted_ids)} deleted>"


Batches: TypeAlias = AsyncIterator[Batch[Record_co]]
"""What a sync answers with: batches, one after the other."""
