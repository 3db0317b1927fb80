"""Changes of the copy as an application follows them."""

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, assert_type

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import orgsync
from orgsync import Change, Record
from orgsync.errors import ArgumentInvalid, NameUnknown, RecordClassInvalid
from orgsync.project.records import Records
from orgsync.records import Row, schema_of
from orgsync.store import Connection, Store, Write
from tests.store.running import running

MID = "2026-01-02T00:00:00.000Z"


class Contact(Record, table=True):
    name: str | None
    amount: Decimal | None
    labels: list[str] | None
    seen_at: datetime | None


class Account(Record, table=True):
    name: str | None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".orgsync"


@pytest.fixture
async def store(folder: Path) -> AsyncIterator[Store]:
    folder.mkdir()
    url = os.environ.get("ORGSYNC_DATABASE_URL") or f"sqlite:///{folder}/orgsync.db"
    async with Store.open(url, folder=folder) as opened:
        yield opened


def contact(key: str, name: str | None = "Ann") -> Row:
    return (key, MID, False, name, "10.50", '["a"]', MID)


async def write(store: Store, *keys: str, connection: str = "acme", deleted: tuple[str, ...] = ()) -> None:
    async with running(store, connection=connection) as run:
        await store.rows.commit(run, [Write(schema_of(Contact), [contact(key) for key in keys], deleted)], None, 0)


async def write_account(store: Store, key: str, connection: str = "acme") -> None:
    async with running(store, "accounts", connection) as run:
        await store.rows.commit(run, [Write(schema_of(Account), [(key, MID, False, "Acme")])], None, 0)


async def seen(changes: AsyncGenerator[Change[Any]]) -> list[tuple[str, str | None]]:
    return [(change.kind, change.id) async for change in changes]


async def test_a_change_holds_the_row_as_an_instance_of_its_class(store: Store) -> None:
    await write(store, "a", "b")
    await write(store, deleted=("a",))
    stream = orgsync.changes(Contact)
    found: list[Change[Contact]] = []
    async for change in stream:
        assert_type(change, Change[Contact])
        found.append(change)
    assert [(each.kind, each.table, each.connection, each.id) for each in found] == [
        ("added", "contact", "acme", "b"),
        ("deleted", "contact", "acme", "a"),
    ]
    record = found[0].record
    assert record is not None
    assert (record.name, record.amount, record.labels) == ("Ann", Decimal("10.50"), ["a"])
    assert record.seen_at == record.system_modstamp == datetime(2026, 1, 2, tzinfo=UTC)
    assert (record.connection, record.sync_change, record.sync_number) == ("acme", "added", found[0].number)
    assert record.sync_changed_at is not None
    gone = found[1].record
    assert gone is not None
    assert (gone.is_deleted, gone.name) == (True, "Ann")


async def test_a_consumer_resumes_behind_the_number_that_it_kept(store: Store) -> None:
    await write(store, "a", "b", "c")
    numbers = [change.number async for change in orgsync.changes(Contact)]
    assert await seen(orgsync.changes(Contact, after=numbers[0])) == [("added", "b"), ("added", "c")]
    assert await seen(orgsync.changes(Contact, after=numbers[2])) == []


async def test_a_copy_that_was_given_up_is_a_change_without_a_record(store: Store) -> None:
    await store.connections.save(Connection(name="acme"), {})
    await write(store, "a")
    await store.connections.remove("acme")
    [change] = [change async for change in orgsync.changes(Contact, connection="acme")]
    assert (change.kind, change.connection, change.id, change.record) == ("cleared", "acme", None, None)
    await write(store, "a")
    await store.rows.reset("contacts")
    assert await seen(orgsync.changes(Contact)) == await seen(orgsync.changes()) == [("cleared", None)]


async def test_changes_of_several_tables_are_in_one_order(store: Store) -> None:
    await write(store, "a")
    await write_account(store, "x")
    await write(store, "b", connection="beta")
    await write_account(store, "y")
    records = [change.record async for change in orgsync.changes(Contact, Account)]
    assert_type(records, list[Contact | Account | None])
    assert [(type(record), record and record.id) for record in records] == [
        (Contact, "a"),
        (Account, "x"),
        (Contact, "b"),
        (Account, "y"),
    ]
    everything = [change async for change in orgsync.changes()]
    assert_type(everything, list[Change[dict[str, Any]]])
    assert [(change.table, change.id) for change in everything] == [
        ("contact", "a"),
        ("account", "x"),
        ("contact", "b"),
        ("account", "y"),
    ]
    assert everything[0].record is not None
    assert everything[0].record["amount"] == "10.50"
    assert await seen(orgsync.changes(connection="beta")) == [("added", "b")]


async def test_a_table_that_is_not_there_yet_has_no_changes(store: Store) -> None:
    assert await seen(orgsync.changes(Contact)) == await seen(orgsync.changes()) == []


async def test_waiting_brings_what_comes_later_and_ends_when_it_is_cancelled(store: Store) -> None:
    found: list[tuple[str, str | None]] = []
    more = anyio.Event()

    async def follow() -> None:
        async for change in Records(store).changes(Contact, wait=True, poll_every=0.01):
            found.append((change.kind, change.id))
            more.set()

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            for key in "ab":
                more = anyio.Event()
                await write(store, key)
                await more.wait()
            tasks.cancel_scope.cancel()
    assert found == [("added", "a"), ("added", "b")]


async def test_a_number_that_the_feed_has_not_reached_is_refused(store: Store) -> None:
    await write(store, "a")
    for after, why in ((2**62, r"the last one is \d"), (-1, r"it begins at 0\. Give the number of the last")):
        with pytest.raises(ArgumentInvalid, match=rf"no number {after}: {why}"):
            await seen(orgsync.changes(Contact, after=after))
    with pytest.raises(ArgumentInvalid, match="poll_every is 0"):
        await seen(orgsync.changes(wait=True, poll_every=0))


async def test_a_connection_that_never_was_is_refused(store: Store) -> None:
    await store.connections.save(Connection(name="beta"), {})
    await write(store, "a")
    assert await seen(orgsync.changes(connection="beta")) == []
    with pytest.raises(NameUnknown, match="no connection 'amce'"):
        await seen(orgsync.changes(connection="amce"))


async def test_a_class_that_its_table_contradicts_is_refused(store: Store) -> None:
    class Other(Record, table=True):
        __tablename__ = "contact"
        name: int | None

    await write(store, "a")
    with pytest.raises(RecordClassInvalid, match=r"Other\.name is (INTEGER|bigint)"):
        await seen(orgsync.changes(Other))
    with pytest.raises(ArgumentInvalid, match="same table"):
        await seen(orgsync.changes(Other, Contact))


@pytest.mark.sqlite_alone(reason="the second table is refused there as soon as it is written")
async def test_two_classes_whose_tables_differ_in_case_alone_are_refused(store: Store) -> None:
    class Capital(Record, table=True):
        __tablename__ = "CONTACT"
        name: str | None

    await write(store, "a")
    with pytest.raises(ArgumentInvalid, match="same table"):
        await seen(orgsync.changes(Contact, Capital))
    [change] = [change async for change in orgsync.changes(Capital)]
    assert change.record is not None
    assert (change.table, change.record.name) == ("CONTACT", "Ann")


async def test_a_class_may_have_a_column_that_its_table_does_not_have_yet(store: Store) -> None:
    class Wider(Record, table=True):
        __tablename__ = "contact"
        name: str | None
        email: str | None

    await write(store, "a")
    [change] = [change async for change in orgsync.changes(Wider)]
    assert change.record is not None
    assert (change.record.name, change.record.email) == ("Ann", None)


NAMES = st.sampled_from(["acme", "beta", "gamma"])
KEYS = st.lists(st.sampled_from("abcde"), unique=True, max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("write"), NAMES, KEYS, KEYS),
    st.tuples(st.just("account"), NAMES, st.sampled_from("xyz")),
    st.tuples(st.just("reset"), st.one_of(st.none(), NAMES)),
    st.tuples(st.just("rename"), NAMES, NAMES),
    st.tuples(st.just("remove"), NAMES),
    st.tuples(st.just("read"), st.integers(1, 9), st.booleans()),
)
Copy = dict[tuple[str, str, str], Any]


class Follower:
    """All that is known of a copy by its change feed, read a few rows at a time."""

    def __init__(self, store: Store, page: int) -> None:
        self.store, self.page = store, page
        self.position, self.upto = 0, 0
        self.rows: Copy = {}
        self.open: AsyncGenerator[tuple[str, dict[str, Any]]] | None = None

    async def read(self, most: int, *, resume: bool) -> None:
        """Read on, from what was open or, to resume, from the number that was kept."""
        if resume or self.open is None:
            await self.close()
            self.upto = await self.store.feed.last()
            self.open = self.store.feed.read(after=self.position, upto=self.upto, rows=self.page)
        for _ in range(most):
            found = await anext(self.open, None)
            if found is None:
                await self.close()
                return
            self.take(*found)

    def take(self, table: str, row: dict[str, Any]) -> None:
        assert row["sync_seq"] > self.position
        self.position = row["sync_seq"]
        if row["sync_change"] == "cleared":
            gone = [key for key in self.rows if key[:2] == (table, row["connection"])]
            for key in gone:
                del self.rows[key]
        elif row["is_deleted"]:
            self.rows.pop((table, row["connection"], row["id"]), None)
        else:
            self.rows[table, row["connection"], row["id"]] = row["name"]

    async def close(self) -> None:
        if self.open is not None:
            await self.open.aclose()
            self.open = None


async def live(store: Store) -> Copy:
    return {
        (table, row["connection"], row["id"]): row["name"]
        for table in await store.rows.tables()
        async for row in store.rows.read(table)
    }


async def apply(store: Store, step: tuple[Any, ...]) -> None:
    kind, *given = step
    if kind == "write":
        await write(store, *given[1], connection=given[0], deleted=tuple(given[2]))
    elif kind == "account":
        await write_account(store, given[1], given[0])
    elif kind == "reset":
        with suppress(NameUnknown):  # there is nothing to reset
            await store.rows.reset("contacts", *given)
    elif kind == "rename" and given[0] != given[1]:
        await store.connections.remove(given[1])
        await store.connections.rename(*given)
        await store.connections.save(Connection(name=given[0]), {})
    elif kind == "remove":
        await store.connections.remove(*given)
        await store.connections.save(Connection(name=given[0]), {})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=12), st.integers(1, 5))
async def test_whoever_follows_the_feed_ends_with_the_live_rows_of_the_copy(
    store: Store, steps: list[tuple[Any, ...]], page: int
) -> None:
    for name in ("acme", "beta", "gamma"):
        await store.connections.save(Connection(name=name), {})
    await write(store, "a")
    follower = Follower(store, page)
    for step in steps:
        if step[0] == "read":
            await follower.read(step[1], resume=step[2])
        else:
            await apply(store, step)
    await follower.read(999, resume=True)
    assert follower.rows == await live(store)


async def test_leaving_the_loop_closes_the_database(store: Store) -> None:
    await write(store, "a", "b")
    async with aclosing(orgsync.changes(Contact, wait=True)) as changes:
        async for change in changes:
            assert change.id == "a"
            break
