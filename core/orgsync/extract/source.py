"""What extraction works with: an org to read, the copy as it stands, and callbacks for what it has to report."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol, TypeAlias

from orgsync.field_mapping import MappedColumn
from orgsync.records import Column, Record, Row, RowEncoding, Schema, fingerprint, mapped, schema_of
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import ObjectDescribe

from .route import Route

__all__ = ["Copy", "Described", "ReportDescribed", "Source"]

Described: TypeAlias = Mapping[str, ObjectDescribe | None]
ReportDescribed: TypeAlias = Callable[[Schema, Described], Awaitable[None]]


class Copy(Protocol):
    """The rows that one connection has in the store, and a list of the Ids that the org was seen to have."""

    encoding: RowEncoding | None
    """How the database takes rows at once, if it does."""

    async def live_among(self, schema: Schema, ids: Sequence[str]) -> list[str]:
        """List those of the Ids that have a live row in the copy."""
        ...

    async def get(self, schema: Schema, values: Sequence[str], *, by: str) -> Sequence[Mapping[str, Any]]:
        """Return the rows that have one of these values in a column, deleted ones too, in the order of their Ids."""
        ...

    def keeps_columns(self, schema: Schema) -> bool:
        """Return whether the rows are kept as the class has them, and not as another class's."""
        ...

    async def live_rows(self, schema: Schema, ids: Sequence[str], columns: Sequence[Column]) -> Mapping[str, Row]:
        """Read some columns of those of the rows that are live in the copy, by Id, in stored form."""
        ...

    async def live_count(self, schema: Schema) -> int:
        """Count the live rows."""
        ...

    async def last_change(self) -> int:
        """Return the number of the last change made in the store."""
        ...

    async def mark_seen(self, schema: Schema, ids: Sequence[str]) -> None:
        """Note that the org has these Ids."""
        ...

    async def unseen(self, schema: Schema, *, after: str, limit: int, upto_seq: int) -> list[str]:
        """List the next live rows that were not seen, in byte order; none that changed after the number `upto_seq`."""
        ...

    async def not_copied(self, schema: Schema, *, after: str, limit: int) -> list[str]:
        """List the next Ids that were seen and have no live row, in byte order."""
        ...

    async def clear_seen(self, schema: Schema) -> None:
        """Delete the list of seen Ids."""
        ...


def _ignore(_: object) -> None:
    """Do nothing."""


async def _report_nothing(_schema: Schema, _described: Described) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class Source:
    """An org as extraction sees it.

    `mapping` are the fields that the connection reads in place of those that record classes name, `masking_key`
    is what its columns are masked with before they are stored.
    `lag` is how far behind the org's clock the watermark stays for an object that getUpdated does not cover,
    `overlap` how much of the time before the watermark each pass reads again. Bulk API 2.0 is preferred from
    `bulk_from` rows, pages of REST share a batch up to `batch_rows` rows, and a Bulk job may make no progress for
    `stalled_after` seconds. `reconcile_every` is how often the copy's Ids are compared with the org's, None for only
    on request; `reread_every` is how often fields that change without a stamp are read again, by default as often.
    `keeps_positions` says that batches are committed with their position, so that a job can be resumed.
    `warn` is called with a sentence for the operator, `report_plan` with how rows are read, `report_total` with how
    many rows a query will return, `report_described` with the objects that were described for a class, None for one
    that is not there.
    """

    client: Client
    copy: Copy
    mapping: Sequence[MappedColumn] = ()
    masking_key: bytes = field(default=b"", repr=False)
    lag: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(minutes=5)
    bulk_from: int = 50_000
    batch_rows: int = 10_000
    stalled_after: float = 1800
    reconcile_every: timedelta | None = None
    reread_every: timedelta | None = None
    keeps_positions: bool = False
    warn: Callable[[str], None] = field(default=_ignore)
    report_plan: Callable[[Route], None] = field(default=_ignore)
    report_total: Callable[[int], None] = field(default=_ignore)
    report_described: ReportDescribed = field(default=_report_nothing)

    def schema_of(self, model: type[Record]) -> Schema:
        """Return a record class as this connection reads it; raises MappingInvalid where its mapping does not hold."""
        schema = mapped(schema_of(model), self.mapping)
        if not any(column.mask for column in schema.columns):
            return schema
        key = fingerprint(self.masking_key)
        keyed = [replace(each, mask=f"{each.mask} {key}") if each.mask else each for each in schema.columns]
        return replace(schema, columns=tuple(keyed))
