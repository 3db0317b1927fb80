"""Writes of some columns: in rows that are there, and emptied in all of a connection's."""

from dataclasses import replace

from orgsync.records import Row
from orgsync.store import Counts, Run, Store, Write
from tests.store.contacts import CONTACT, MID, NEW, OLD, contact, deliver, feed
from tests.store.running import Start

NARROW = replace(
    CONTACT, columns=(*CONTACT.columns[:3], *(each for each in CONTACT.fields if each.name in ("name", "labels")))
)


def part(key: str, stamp: str | None, name: str | None, labels: str = '["a"]') -> Row:
    return (key, stamp, False, name, labels)


async def change(store: Store, run: Run, *rows: Row) -> Counts:
    return await store.rows.commit(run, [Write(NARROW, rows, partial=True)], None, 0)


async def values(store: Store, *keys: str) -> list[tuple[object, ...]]:
    found = await store.rows.get("contact", "acme", keys)
    return [(row["name"], row["labels"], row["amount"], row["system_modstamp"]) for row in found.values()]


async def test_some_columns_change_and_the_others_stay(store: Store, run: Run, start: Start) -> None:
    other = await start("contacts", "beta")
    await deliver(store, run, [contact("a"), contact("b")])
    await deliver(store, other, [contact("a")])
    last = (await feed(store))[-1][2]
    counts = await change(
        store, run, part("a", MID, "Zoë", '["a", {"b": null}]'), part("b", MID, "Ann"), part("c", MID, "New")
    )
    assert counts == Counts(updated=1)
    assert await values(store, "a", "b", "c") == [
        ("Zoë", ["a", {"b": None}], "10.50", MID),
        ("Ann", ["a"], "10.50", MID),
    ]
    assert [each[:2] for each in await feed(store, after=last)] == [("a", "updated")]
    assert [row["name"] for row in (await store.rows.get("contact", "beta", ["a"])).values()] == ["Ann"]


async def test_a_row_of_a_newer_version_stays(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a", NEW), contact("b", MID), contact("c", None)])
    assert await change(store, run, part("a", MID, "Zoë"), part("b", NEW, "Zoë"), part("c", OLD, "Zoë")) == Counts(
        updated=2
    )
    assert [each[0] for each in await values(store, "a", "b", "c")] == ["Ann", "Zoë", "Zoë"]
    assert await change(store, run, part("a", None, "Zoë")) == Counts(updated=1)


async def test_a_deleted_row_gets_the_values_without_a_change(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), contact("b")])
    await deliver(store, run, [], deleted_ids=["a"])
    before = await feed(store)
    assert await change(store, run, part("a", MID, "Zoë")) == Counts()
    assert await feed(store) == before
    assert [each[0] for each in await values(store, "a")] == ["Zoë"]


async def test_cleared_columns_are_empty_in_all_of_the_connections_rows_and_no_change(
    store: Store, run: Run, start: Start
) -> None:
    other = await start("contacts", "beta")
    await deliver(store, run, [contact("a"), contact("b")])
    await deliver(store, run, [], deleted_ids=["b"])
    await deliver(store, other, [contact("a")])
    before = await feed(store)
    cleared = Write(CONTACT, cleared=["name", "labels"])
    assert await store.rows.commit(run, [cleared], None, 0) == Counts()
    assert await feed(store) == before
    assert await values(store, "a", "b") == [(None, None, "10.50", MID)] * 2
    assert [row["name"] for row in (await store.rows.get("contact", "beta", ["a"])).values()] == ["Ann"]
    assert await store.rows.commit(
        run, [replace(cleared), Write(NARROW, [part("a", MID, "#1")], partial=True)], None, 0
    )
    assert [each[:2] for each in await values(store, "a", "b")] == [("#1", ["a"]), (None, None)]


async def test_rows_are_read_by_another_column_and_in_part(store: Store, run: Run) -> None:
    await deliver(
        store,
        run,
        [contact("b", name="Zoë"), contact("a", name="Zoë"), contact("c", name="Ann"), contact("d", name=None)],
    )
    await deliver(store, run, [], deleted_ids=["b"])
    found = await store.rows.get("contact", "acme", ["Zoë", "50%"], by="name", columns={"id", "labels", "no_such"})
    assert list(found.items()) == [("a", {"id": "a", "labels": ["a"]}), ("b", {"id": "b", "labels": ["a"]})]
    assert list(await store.rows.get("contact", "acme", ["7"], by="age")) == ["a", "b", "c", "d"]
    assert not await store.rows.get("contact", "beta", ["Zoë"], by="name")
    assert not await store.rows.get("no_such", "acme", ["Zoë"], by="name")


async def test_rows_that_lack_a_value_and_values_that_rows_have_are_found(store: Store, run: Run, start: Start) -> None:
    other = await start("contacts", "beta")
    rows = [contact("a"), contact("b", name=None), contact("c", name=None), contact("d", name=None), ("e", *[None] * 9)]
    await deliver(store, run, [(*row[:2], bool(row[2]), *row[3:]) for row in rows], deleted_ids=["c"])
    await deliver(store, other, [contact("z", name=None), contact("y", name="Only here")])
    here = store.content_rows("acme")
    found = await here.lacking(CONTACT, empty=["name"], given="amount", after="", limit=9)
    assert [(row["id"], row["labels"]) for row in found] == [("b", ["a"]), ("d", ["a"])]
    found = await here.lacking(CONTACT, empty=["name", "seen_at"], given="amount", after="", limit=9)
    assert not found
    assert [row["id"] for row in await here.lacking(CONTACT, empty=["name"], given="amount", after="b", limit=1)] == [
        "d"
    ]


async def test_an_action_runs_beside_syncs(store: Store, run: Run) -> None:
    first = await store.runs.start_action("merge", "acme")
    second = await store.runs.start_action("merge", "acme")
    assert (first.kind, first.status, second.id > first.id) == ("action", "running", True)
    await store.runs.finish_action(first, status="done", api_calls=3)
    assert (await store.runs.get(first.id)).api_calls == 3
    assert [each.id for each in await store.runs.list(action="merge")] == [second.id, first.id]
    assert [each.id for each in await store.runs.list(sync="contacts")] == [run.id]
    assert [each.id for each in await store.runs.list()] == [second.id, first.id, run.id]
    assert await store.runs.last() == {("contacts", "acme"): await store.runs.get(run.id)}
    assert not await store.runs.last(after=run.id)
