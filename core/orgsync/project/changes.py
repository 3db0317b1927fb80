"""The changes of the copy as values, each once and in order, read to the end or waited for."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

import anyio

from orgsync.errors import ArgumentInvalid, NameUnknown
from orgsync.records import Record, Schema, schema_of
from orgsync.records.convert import from_stored
from orgsync.records.scalars import parse_instant
from orgsync.store import Feed, Store

__all__ = ["Change", "ChangeKind", "follow", "require_reached"]

ChangeKind: TypeAlias = Literal["added", "updated", "deleted", "cleared"]
Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Change(Generic[Row_co]):
    """One change of the copy; its `kind` is added, updated, deleted or cleared.

    `number` is the consumer's position: `after=change.number` resumes behind this change. `record` is the row as it is
    now: an instance of the record class, or a dict where no class was given; for a deleted row with its last values.

    Cleared says that the copy no longer has any row of this table and connection: the connection was removed or
    renamed, or the sync was reset. Delete what you have of them; `id` and `record` are None.
    """

    number: int
    kind: ChangeKind
    table: str
    connection: str
    id: str | None
    record: Row_co | None


async def follow(
    store: Store, models: Sequence[type[Record]], *, after: int, connection: str | None, wait: bool, poll_every: float
) -> AsyncGenerator[Change[Any]]:
    """Yield the changes after a number; with `wait` look for more every `poll_every` seconds, and never end.

    Raises ArgumentInvalid for a number that the feed has not reached and for two classes of one table, NameUnknown for
    a connection that there never was, RecordClassInvalid for a class that its table does not fit.
    """
    schemas = {schema.table.lower(): schema for schema in map(schema_of, models)}
    if len(schemas) < len(models):
        raise ArgumentInvalid("Two of the classes have the same table.", "Follow each table by one class.")
    for schema in schemas.values():
        for problem in await store.rows.misfits(schema):
            raise problem
    feed = store.feed
    await _require_usable(feed, after, connection, poll_every)
    while True:
        store.require_in_place()
        last = await feed.last()
        if last > after:
            tables = [schema.table for schema in schemas.values()] if models else None
            async for table, row in feed.read(tables=tables, connection=connection, after=after, upto=last):
                yield _change(table, row, schemas.get(table.lower()))
            after = last
        if not wait:
            return
        await anyio.sleep(poll_every)


def require_reached(after: int, last: int) -> None:
    """Raise ArgumentInvalid for a number below 0, or one that the feed, which ends at `last`, has not reached."""
    if after < 0:
        raise ArgumentInvalid(
            f"The change feed has no number {after}: it begins at 0.",
            "Give the number of the last change that you have read, or 0 to read all.",
        )
    if after > last:
        raise ArgumentInvalid(
            f"The change feed has no number {after}: the last one is {last}.",
            "Correct it. If it is one that you have read, the database was replaced or restored since then: delete "
            "what you have, and follow the feed from 0.",
        )


async def _require_usable(feed: Feed, after: int, connection: str | None, poll_every: float) -> None:
    if poll_every <= 0:
        raise ArgumentInvalid(f"poll_every is {poll_every:g}.", "Give seconds, such as 1.")
    last = await feed.last()
    require_reached(after, last)
    if connection is not None and not await feed.mentions(connection):
        raise NameUnknown(
            f"There is no connection {connection!r}, and the change feed has no change of one.",
            "List them: orgsync connections.",
        )


def _change(table: str, row: dict[str, Any], schema: Schema | None) -> Change[Any]:
    kind = cast("ChangeKind", row["sync_change"])
    record = None if kind == "cleared" else row if schema is None else _record(schema, row)
    return Change(row["sync_seq"], kind, table, row["connection"], row["id"], record)


def _record(schema: Schema, row: dict[str, Any]) -> Record:
    """Return a row as an instance of its class."""
    record = from_stored(schema, row)
    record.connection = row["connection"]
    record.sync_change, record.sync_number = row["sync_change"], row["sync_seq"]
    record.sync_changed_at = parse_instant(row["sync_changed_at"])
    record.sync_first_seen_at = parse_instant(row["sync_first_seen_at"])
    return record
