"""The change feed reports what was discarded: removed and renamed connections, and syncs that were reset."""

from typing import Any

import pytest

from orgsync.errors import NameUnknown
from orgsync.store import Connection, Store
from tests.store.contacts import contact, deliver, feed
from tests.store.databases import Database
from tests.store.running import Start, running

Events = list[tuple[str, str, str | None]]


async def events(store: Store, *, connection: str | None = None, after: int = 0) -> Events:
    rows = store.rows.read("contact", changes=True, connection=connection, after=after)
    return [(row["sync_change"], row["connection"], row["id"]) async for row in rows]


@pytest.fixture
async def connected(store: Store) -> Store:
    for name in ("acme", "beta"):
        await store.connections.save(Connection(name=name), {})
    return store


async def test_a_removed_connection_is_one_event_without_anything_of_its_rows(
    connected: Store, start: Start, database: Database
) -> None:
    await deliver(connected, await start(), [contact("a"), contact("b")], deleted_ids=["b"])
    await deliver(connected, await start(connection="beta"), [contact("c")])
    await connected.connections.remove("acme")
    assert await events(connected) == [("added", "beta", "c"), ("cleared", "acme", None)]
    assert await events(connected, connection="acme") == [("cleared", "acme", None)]
    [found] = database.execute("SELECT * FROM contact_changes WHERE sync_change = 'cleared'")
    kept = [value for value in found if value is not None]
    assert kept[:3] == ["acme", True, "cleared"]  # with its number and its time, and that is all
    assert len(kept) == 5
    [row] = [row async for row in connected.rows.read("contact", changes=True, connection="acme")]
    assert (row["is_deleted"], row["name"], row["labels"]) == (True, None, None)


async def test_what_comes_after_has_higher_numbers_than_the_event(connected: Store, start: Start) -> None:
    await deliver(connected, await start(), [contact("a")])
    last = await connected.rows.last_change()
    await connected.connections.remove("acme")
    await connected.connections.save(Connection(name="acme"), {})
    await deliver(connected, await start(), [contact("a")])
    assert await events(connected, after=last) == [("cleared", "acme", None), ("added", "acme", "a")]


async def test_what_had_no_rows_is_no_event(connected: Store, start: Start) -> None:
    await deliver(connected, await start(), [contact("a")])
    last = await connected.rows.last_change()
    await connected.connections.remove("beta")
    await connected.connections.remove("acme", keep_rows=True)
    assert await events(connected) == [("added", "acme", "a")]
    assert await events(connected, after=last) == []


async def test_a_renamed_connection_is_cleared_and_its_rows_are_added_under_the_new_name(
    connected: Store, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    for backend in ("sqlite", "postgres"):
        monkeypatch.setattr(f"orgsync.store.{backend}.rows._RENAMED_AT_ONCE", 2)
    keys = ["a", "b", "c", "d", "e"]
    await deliver(connected, await start(), [contact(each) for each in keys], deleted_ids=["b"])
    before = {row["id"]: row async for row in connected.rows.read("contact", changes=True)}
    last = await connected.rows.last_change()
    await connected.connections.rename("acme", "acme-eu")
    changes = ["added", "deleted", "added", "added", "added"]
    renamed = [(change, "acme-eu", key) for change, key in zip(changes, keys, strict=True)]
    assert await events(connected, after=last) == await events(connected) == [("cleared", "acme", None), *renamed]
    numbers = [number for *_, number in await feed(connected)]
    assert numbers == list(range(numbers[0], numbers[0] + 6))
    assert last < numbers[0] < numbers[-1] <= await connected.rows.last_change()
    after = {row["id"]: row async for row in connected.rows.read("contact", changes=True, connection="acme-eu")}
    assert {key: _unlike(row, before[key]) for key, row in after.items()} == {key: set[str]() for key in keys}


def _unlike(row: dict[str, Any], other: dict[str, Any]) -> set[str]:
    differing = {name for name in row if row[name] != other[name]}
    return differing - {"connection", "sync_seq", "sync_change", "sync_changed_at"}


async def test_one_event_is_kept_for_each_connection_the_latest(connected: Store, start: Start) -> None:
    for key in "abc":
        await deliver(connected, await start(), [contact(key)])
        await connected.connections.remove("acme")
        await connected.connections.save(Connection(name="acme"), {})
    assert await events(connected) == [("cleared", "acme", None)]
    [(*_, number)] = await feed(connected)
    assert number <= await connected.rows.last_change()


async def test_a_reset_on_one_connection_is_its_event_alone(store: Store) -> None:
    for name in ("acme", "beta"):
        async with running(store, connection=name) as run:
            await deliver(store, run, [contact("a")])
    last = await store.rows.last_change()
    await store.rows.reset("contacts", "acme")
    assert await events(store, after=last) == [("cleared", "acme", None)]


async def test_a_reset_of_the_sync_is_an_event_for_each_connection_and_its_feed_stays(
    store: Store, database: Database
) -> None:
    for name in ("beta", "acme"):
        async with running(store, connection=name) as run:
            await deliver(store, run, [contact("a")])
    last = await store.rows.last_change()
    await store.rows.reset("contacts")
    cleared = [("cleared", "acme", None), ("cleared", "beta", None)]
    assert await store.rows.tables() == []
    assert await events(store, after=last) == cleared
    sql = "SELECT sync_change, connection, id FROM contact_changes ORDER BY sync_seq"
    assert database.execute(sql) == cleared
    with pytest.raises(NameUnknown):
        [row async for row in store.rows.read("contact")]
    async with running(store) as run:
        await deliver(store, run, [contact("b")])
    assert await events(store, after=last) == database.execute(sql) == [*cleared, ("added", "acme", "b")]


async def test_changes_are_read_where_a_user_has_dropped_the_view_or_added_a_column(
    connected: Store, database: Database
) -> None:
    for name in ("acme", "beta"):
        async with running(connected, connection=name) as run:
            await deliver(connected, run, [contact("a")])
    await connected.connections.remove("beta")
    expected = [("added", "acme", "a"), ("cleared", "beta", None)]
    database.execute("ALTER TABLE contact ADD COLUMN mine TEXT")
    assert await events(connected) == expected
    database.execute("DROP VIEW contact_changes")
    assert await events(connected) == expected
    [row] = [row async for row in connected.rows.read("contact", changes=True, limit=1)]
    assert (row["amount"], row["mine"]) == ("10.50", None)
    await connected.rows.reset("contacts")
    database.execute("DROP VIEW contact_changes")
    assert await events(connected) == [("cleared", "beta", None), ("cleared", "acme", None)]
