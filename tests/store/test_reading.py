"""Reading rows, changes and ids back."""

import tracemalloc

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from orgsync.errors import NameUnknown, StoreUnavailable
from orgsync.records import Record, Row, schema_of
from orgsync.store import Run, Store, Write
from tests.store.contacts import CONTACT, MID, Contact, contact, deliver, feed
from tests.store.running import Start


async def test_live_rows_come_by_connection_and_id(store: Store, run: Run, start: Start) -> None:
    other = await start("contacts", "aaa")
    await deliver(store, run, [contact("b"), contact("a"), contact("c")], deleted_ids=["c"])
    await deliver(store, other, [contact("z")])
    assert [(row["connection"], row["id"]) async for row in store.rows.read("contact")] == [
        ("aaa", "z"),
        ("acme", "a"),
        ("acme", "b"),
    ]
    assert [row["id"] async for row in store.rows.read("contact", connection="acme")] == ["a", "b"]
    assert [row["id"] async for row in store.rows.read("contact", connection="nobody")] == []


async def test_values_are_json_ready(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), ("b", None, False, None, None, None, None, None, None, None)])
    first, second = [row async for row in store.rows.read("contact")]
    assert (first["active"], first["is_deleted"], first["labels"], first["amount"]) == (True, False, ["a"], "10.50")
    assert (second["active"], second["labels"], second["system_modstamp"]) == (None, None, None)


async def test_changes_come_in_order_after_the_given_number(store: Store, run: Run, start: Start) -> None:
    other = await start("contacts", "beta")
    await deliver(store, run, [contact("a"), contact("b")])
    await deliver(store, other, [contact("a")])
    await deliver(store, run, [], deleted_ids=["a"])

    async def read(connection: str | None = None, after: int = 0) -> list[tuple[str, str]]:
        rows = store.rows.read("contact", changes=True, connection=connection, after=after)
        return [(row["connection"], row["sync_change"]) async for row in rows]

    assert await read() == [("acme", "added"), ("beta", "added"), ("acme", "deleted")]
    assert await read(connection="acme") == [("acme", "added"), ("acme", "deleted")]
    third = (await feed(store))[1][2]
    assert await read(after=third) == [("acme", "deleted")]
    assert await read(connection="beta", after=third) == []


@pytest.mark.parametrize("changes", [False, True])
async def test_pages_join_without_gap_or_repeat(store: Store, run: Run, changes: bool) -> None:
    rows: list[Row] = [contact(f"{number:05}") for number in range(2500)]
    await deliver(store, run, rows)
    ids = [row["id"] async for row in store.rows.read("contact", changes=changes)]
    assert ids == [row[0] for row in rows]
    for limit in (0, 1, 1000, 1001, 2499, 9999):
        read = [row["id"] async for row in store.rows.read("contact", changes=changes, limit=limit)]
        assert read == ids[:limit]


async def test_reading_holds_a_page_and_no_more(store: Store, run: Run) -> None:
    for start in range(0, 20_000, 5000):
        await deliver(store, run, [contact(f"{number:06}", name="x" * 500) for number in range(start, start + 5000)])
    tracemalloc.start()
    count = 0
    async for _ in store.rows.read("contact"):
        count += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 8_000_000


async def test_a_table_is_found_by_its_name_or_its_class_in_any_case(store: Store, run: Run) -> None:
    class OpportunityLineItem(Record, table=True):
        name: str | None

    await store.rows.commit(run, [Write(schema_of(OpportunityLineItem), [("a", MID, False, "x")])], None, 1)
    for name in ("opportunity_line_item", "OpportunityLineItem", "opportunitylineitem", "OPPORTUNITY_LINE_ITEM"):
        assert [row["id"] async for row in store.rows.read(name)] == ["a"]


async def test_an_unknown_table_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(NameUnknown, match="Run a sync first"):
        _ = [row async for row in store.rows.read("contact")]
    await store.rows.prepare(CONTACT)
    with pytest.raises(NameUnknown, match=r"'Contcat'; did you mean 'contact'\?"):
        _ = [row async for row in store.rows.read("Contcat")]
    with pytest.raises(NameUnknown, match="orgsync_run"):
        _ = [row async for row in store.rows.read("orgsync_run")]


async def test_of_many_ids_those_with_a_live_row_are_named(store: Store, run: Run) -> None:
    await deliver(store, run, [contact(key) for key in ("a", "b", "gone")], deleted_ids=["gone"])
    assert await store.copy("acme").live_among(CONTACT, ["never", "b", "gone", "a"]) == ["b", "a"]
    assert await store.copy("beta").live_among(CONTACT, ["a"]) == []
    assert await store.copy("acme").live_among(CONTACT, []) == []


async def test_ten_thousand_ids_are_looked_for_at_once(store: Store, run: Run) -> None:
    await deliver(store, run, [contact(f"{number:05}") for number in range(0, 10_000, 2)])
    assert len(await store.copy("acme").live_among(CONTACT, [f"{number:05}" for number in range(10_000)])) == 5000


async def add_a_run(store: Store) -> None:
    async with store.session() as session:
        session.add(Run(sync="x", connection="y"))
        await session.commit()


async def test_a_session_reads_record_classes_and_cannot_write(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), contact("b", name="Bo")])
    async with store.session() as session:
        assert [row.id for row in await session.exec(select(Contact).where(Contact.name == "Bo"))] == ["b"]
        assert len((await session.exec(select(Run))).all()) == 1
    with pytest.raises(StoreUnavailable, match="read-only"):
        await add_a_run(store)


async def test_an_error_in_a_users_query_is_theirs(store: Store) -> None:
    async with store.session() as session:
        with pytest.raises(DBAPIError, match=r"no such table|does not exist"):
            await session.exec(select(Contact))


async def test_a_session_sees_one_state_while_others_write(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    async with store.session() as session:
        assert len((await session.exec(select(Contact))).all()) == 1
        await deliver(store, run, [contact("b")])
        assert len((await session.exec(select(Contact))).all()) == 1
    async with store.session() as session:
        assert len((await session.exec(select(Contact))).all()) == 2


async def test_rows_are_read_by_their_ids(store: Store, run: Run) -> None:
    assert await store.rows.get("contact", "acme", ["a"]) == {}
    await deliver(store, run, [contact("a"), contact("b"), contact("c")], deleted_ids=["b"])
    found = await store.rows.get("contact", "acme", ["b", "a", "unknown"])
    assert {key: (row["name"], row["is_deleted"], row["labels"]) for key, row in found.items()} == {
        "a": ("Ann", False, ["a"]),
        "b": ("Ann", True, ["a"]),
    }
    assert await store.rows.get("contact", "beta", ["a"]) == {}
