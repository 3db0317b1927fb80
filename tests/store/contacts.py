"""A record class of the tests, its rows, and short ways to deliver and read them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from orgsync.records import Record, Row, schema_of
from orgsync.store import Counts, Run, Store, Write


class Contact(Record, table=True):
    name: str | None
    age: int | None
    score: float | None
    active: bool | None
    amount: Decimal | None
    seen_at: datetime | None
    labels: list[str] | None


CONTACT = schema_of(Contact)
OLD = "2026-01-01T00:00:00.000Z"
MID = "2026-01-02T00:00:00.000Z"
NEW = "2026-01-03T00:00:00.000Z"


def contact(key: str, stamp: str | None = MID, name: str | None = "Ann", *, deleted: bool = False) -> Row:
    return (key, stamp, deleted, name, 7, 0.5, True, "10.50", OLD, '["a"]')


async def deliver(store: Store, run: Run, rows: Sequence[Row], *, deleted_ids: Sequence[str] = ()) -> Counts:
    return await store.rows.commit(run, [Write(CONTACT, rows, deleted_ids)], None, 0)


async def feed(store: Store, *, after: int = 0) -> list[tuple[str, str, int]]:
    changes = store.rows.read("contact", changes=True, after=after)
    return [(row["id"], row["sync_change"], row["sync_seq"]) async for row in changes]


async def names(store: Store) -> dict[str, str | None]:
    return {row["id"]: row["name"] async for row in store.rows.read("contact")}
