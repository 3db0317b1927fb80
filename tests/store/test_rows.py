"""What a committed batch does to rows, counts and the change feed."""

import anyio
import pytest
from sqlmodel import select

from orgsync.errors import AlreadyRunning
from orgsync.records import Position, Record, Row, schema_of
from orgsync.store import Counts, Run, Store, Write
from tests.store.contacts import CONTACT, MID, NEW, OLD, Contact, contact, deliver, feed, names
from tests.store.running import Start


class Wide(Record, table=True):
    __annotations__ = {f"field_{number}": str | None for number in range(400)}


async def test_new_rows_are_added_and_numbered_in_order(store: Store, run: Run) -> None:
    counts = await deliver(store, run, [contact("a"), contact("b")])
    assert counts == Counts(added=2)
    [(*first, number), second] = await feed(store)
    assert (first, second) == (["a", "added"], ("b", "added", number + 1))


async def test_values_come_back_as_the_class_says(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    async with store.session() as session:
        row = (await session.exec(select(Contact).where(Contact.name == "Ann"))).one()
    assert (row.connection, row.age, row.score, row.active, str(row.amount)) == ("acme", 7, 0.5, True, "10.50")
    assert row.seen_at is not None
    assert row.seen_at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert row.labels == ["a"]
    assert row.sync_changed_at == row.sync_first_seen_at


async def test_an_unchanged_row_is_not_touched(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    before = [row async for row in store.rows.read("contact")]
    assert await deliver(store, run, [contact("a")]) == Counts(unchanged=1)
    assert [row async for row in store.rows.read("contact")] == before


async def test_a_changed_value_updates_the_row_and_gives_it_a_new_number(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), contact("b")])
    assert await deliver(store, run, [contact("a", NEW, "Bea"), contact("b")]) == Counts(updated=1, unchanged=1)
    assert [(key, change) for key, change, _ in await feed(store)] == [("b", "added"), ("a", "updated")]
    assert await names(store) == {"a": "Bea", "b": "Ann"}


@pytest.mark.parametrize("position", range(3, len(CONTACT.columns)))
async def test_a_change_to_any_field_or_to_null_counts(store: Store, run: Run, position: int) -> None:
    row = contact("a")
    emptied = (*row[:position], None, *row[position + 1 :])
    await deliver(store, run, [row])
    assert await deliver(store, run, [emptied]) == Counts(updated=1)
    assert await deliver(store, run, [emptied]) == Counts(unchanged=1)
    assert await deliver(store, run, [row]) == Counts(updated=1)


async def test_a_newer_stamp_alone_updates(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a", OLD)])
    assert await deliver(store, run, [contact("a", MID)]) == Counts(updated=1)


async def test_a_row_never_goes_back_to_an_older_stamp(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a", NEW, "Bea")])
    assert await deliver(store, run, [contact("a", OLD, "Ann")]) == Counts(unchanged=1)
    assert await deliver(store, run, [contact("a", OLD, "Ann", deleted=True)]) == Counts()
    assert await names(store) == {"a": "Bea"}


async def test_a_row_without_a_stamp_is_taken_and_the_known_stamp_kept(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a", MID)])
    assert await deliver(store, run, [contact("a", None, "Bea")]) == Counts(updated=1)
    assert await deliver(store, run, [contact("a", OLD, "Old")]) == Counts(unchanged=1)
    assert await deliver(store, run, [contact("a", None, "Bea", deleted=True)]) == Counts(deleted=1)
    assert await deliver(store, run, [contact("b", None), contact("b", None, "Bo")]) == Counts(added=1)
    assert await deliver(store, run, [contact("b", OLD, "Bo", deleted=True)]) == Counts(deleted=1)
    assert await names(store) == {}


async def test_a_soft_deleted_row_takes_its_last_values_and_leaves_the_live_rows(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    assert await deliver(store, run, [contact("a", NEW, "Bea", deleted=True)]) == Counts(deleted=1)
    assert await names(store) == {}
    [row] = [row async for row in store.rows.read("contact", changes=True)]
    assert (row["name"], row["is_deleted"], row["sync_change"], row["system_modstamp"]) == ("Bea", True, "deleted", NEW)


async def test_a_deleted_row_that_the_copy_never_had_stays_out(store: Store, run: Run) -> None:
    assert await deliver(store, run, [contact("a", deleted=True)]) == Counts()
    assert await deliver(store, run, [], deleted_ids=["b", "b"]) == Counts()
    assert await feed(store) == []


async def test_a_row_deleted_twice_is_counted_once(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a"), contact("b")])
    assert await deliver(store, run, [contact("a", NEW, deleted=True)], deleted_ids=["b"]) == Counts(deleted=2)
    again = await deliver(store, run, [contact("a", NEW, deleted=True)], deleted_ids=["b"])
    assert again == Counts()


async def test_marking_an_id_deleted_keeps_its_values(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    await deliver(store, run, [], deleted_ids=["a"])
    [row] = [row async for row in store.rows.read("contact", changes=True)]
    assert (row["name"], row["is_deleted"], row["sync_change"], row["system_modstamp"]) == ("Ann", True, "deleted", MID)


async def test_an_undeleted_row_is_added_again_and_keeps_the_day_it_was_first_seen(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    [before] = [row async for row in store.rows.read("contact")]
    await deliver(store, run, [], deleted_ids=["a"])
    await anyio.sleep(0.002)
    assert await deliver(store, run, [contact("a")]) == Counts(added=1)
    [after] = [row async for row in store.rows.read("contact")]
    assert after["sync_first_seen_at"] == before["sync_first_seen_at"] < after["sync_changed_at"]
    assert (after["is_deleted"], after["sync_change"]) == (False, "added")


async def test_of_one_id_twice_in_a_batch_the_newest_stamp_wins_and_the_later_on_ties(store: Store, run: Run) -> None:
    rows = [
        contact("a", NEW, "newest"),
        contact("a", OLD, "older"),
        contact("b", MID, "first"),
        contact("b", MID, "last"),
    ]
    assert await deliver(store, run, rows) == Counts(added=2)
    assert await names(store) == {"a": "newest", "b": "last"}


async def test_ids_to_delete_come_after_the_rows_of_their_batch(store: Store, run: Run) -> None:
    assert await deliver(store, run, [contact("a")], deleted_ids=["a"]) == Counts(added=1, deleted=1)
    assert [change for _, change, _ in await feed(store)] == ["deleted"]


async def test_ids_that_differ_in_case_are_two_rows(store: Store, run: Run) -> None:
    assert await deliver(store, run, [contact("0035e00000AAAAAAAA"), contact("0035e00000aaaaAAAA")]) == Counts(added=2)
    assert await deliver(store, run, [], deleted_ids=["0035e00000aaaaAAAA"]) == Counts(deleted=1)
    assert list(await names(store)) == ["0035e00000AAAAAAAA"]


async def test_connections_do_not_share_rows(store: Store, run: Run, start: Start) -> None:
    other = await start("contacts", "beta")
    await deliver(store, run, [contact("a")])
    assert await deliver(store, other, [contact("a", name="Bo")]) == Counts(added=1)
    await deliver(store, other, [], deleted_ids=["a"])
    assert [row["name"] async for row in store.rows.read("contact")] == ["Ann"]


@pytest.mark.parametrize("size", [1, 49, 50, 51, 100, 137])
async def test_batches_of_every_size_are_written_whole(store: Store, run: Run, size: int) -> None:
    rows: list[Row] = [contact(f"{number:04}", name=f"n{number}") for number in range(size)]
    assert await deliver(store, run, rows) == Counts(added=size)
    assert await names(store) == {f"{number:04}": f"n{number}" for number in range(size)}
    numbers = [number for _, _, number in await feed(store)]
    assert numbers == sorted(set(numbers))


async def test_a_table_of_four_hundred_columns_is_written(store: Store, run: Run) -> None:
    schema = schema_of(Wide)
    rows: list[Row] = [(f"{key}", MID, False, *(f"v{n}" for n in range(400))) for key in range(5)]
    assert await store.rows.commit(run, [Write(schema, rows)], None, 0) == Counts(added=5)
    last = [row async for row in store.rows.read("wide")][-1]
    assert (last["id"], last["field_0"], last["field_399"]) == ("4", "v0", "v399")


async def test_a_class_without_fields_has_rows(store: Store, run: Run) -> None:
    class Bare(Record, table=True):
        pass

    async def take(stamp: str) -> Counts:
        return await store.rows.commit(run, [Write(schema_of(Bare), [("a", stamp, False)])], None, 0)

    assert [await take(OLD), await take(OLD), await take(NEW)] == [
        Counts(added=1),
        Counts(unchanged=1),
        Counts(updated=1),
    ]


@pytest.mark.parametrize(("given", "kept"), [("cut \ud83d", "cut ?"), ("nul\0", "nul?"), ("\0", "?")])
async def test_what_no_copy_keeps_becomes_a_question_mark_and_the_batch_goes_in(
    store: Store, run: Run, given: str, kept: str
) -> None:
    for stamp in (OLD, NEW):  # a first pass, and a later one
        rows = [contact("a", stamp), contact("b", stamp, name=given)]
        counts = await deliver(store, run, rows)
        assert counts == (Counts(added=2) if stamp == OLD else Counts(updated=2))
        assert await names(store) == {"a": "Ann", "b": kept}


async def test_nul_inside_json_becomes_a_question_mark_and_what_only_looks_like_it_stays(
    store: Store, run: Run
) -> None:
    texts = {"a": r'["\u0000x"]', "b": r'["\\u0000"]', "c": r'["\\\u0000"]'}
    await deliver(store, run, [(*contact(key)[:-1], text) for key, text in texts.items()])
    found = {row["id"]: row["labels"] async for row in store.rows.read("contact")}
    assert found == {"a": ["?x"], "b": [r"\u0000"], "c": ["\\?"]}


async def test_ids_that_are_one_once_nul_is_replaced_are_one_row(store: Store, run: Run) -> None:
    rows = [contact("a\0", OLD, "first"), contact("a?", NEW, "second")]
    assert await deliver(store, run, rows) == Counts(added=1)
    assert await names(store) == {"a?": "second"}


async def test_every_character_but_nul_is_stored_as_it_came_in_new_rows_and_in_changed_ones(
    store: Store, run: Run
) -> None:
    control = "".join(map(chr, range(1, 32)))
    texts = [
        "",
        "\\",
        r"\N",
        r"\.",
        r"\x1d",
        "a\tb",
        "two\nlines\r\n",
        *control,
        control,
        "\\" + control,
        "x" * 3000 + "\x1e",
    ]
    given = {f"{number:04}": text for number, text in enumerate(texts)}
    others = {f"{number}": "plain\n" for number in range(2000, 4500)}
    for stamp in (OLD, NEW):
        rows = [contact(key, stamp, name=text) for key, text in {**others, **given}.items()]
        await deliver(store, run, rows)
        assert await names(store) == {**others, **given}
        given = {key: f"{text}\\again" for key, text in given.items()}


async def test_counts_checkpoint_and_rows_are_committed_together(store: Store, run: Run) -> None:
    position = Position("contact", None, {"page": 1})
    await store.rows.commit(run, [Write(CONTACT, [contact("a"), contact("b")])], position, 3)
    await store.rows.commit(run, [Write(CONTACT, [contact("a", NEW), contact("b")], ["b"])], None, 5)
    found = await store.runs.get(run.id)
    assert (found.added, found.updated, found.deleted, found.unchanged, found.api_calls) == (2, 1, 1, 1, 5)
    assert (await store.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 1}


async def test_one_commit_may_write_several_tables(store: Store, run: Run) -> None:
    wide = Write(schema_of(Wide), [("w", MID, False, *(None for _ in range(400)))])
    assert await store.rows.commit(run, [Write(CONTACT, [contact("a")]), wide], None, 0) == Counts(added=2)
    assert await store.rows.tables() == ["contact", "wide"]


async def test_one_commit_may_change_a_row_twice_and_counts_both(store: Store, run: Run) -> None:
    writes = [Write(CONTACT, [contact("a", OLD)]), Write(CONTACT, [contact("a", NEW)])]
    assert await store.rows.commit(run, writes, None, 0) == Counts(added=1, updated=1)


async def test_a_batch_that_fails_half_way_leaves_nothing(store: Store, run: Run) -> None:
    await store.rows.commit(run, [Write(CONTACT, [contact("a")])], Position("contact", None, {"page": 1}), 1)
    impossible: Row = ("b", NEW, False, "Bo", 2**70, 0.5, True, "1", OLD, "[]")
    with pytest.raises(OverflowError):
        await store.rows.commit(
            run,
            [Write(CONTACT, [contact("a", NEW, "Bea")], ["a"]), Write(CONTACT, [impossible])],
            Position("contact", None, {"page": 2}),
            2,
        )
    assert await names(store) == {"a": "Ann"}
    found = await store.runs.get(run.id)
    assert (found.added, found.updated, found.deleted, found.api_calls) == (1, 0, 0, 1)
    assert (await store.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 1}
    assert await deliver(store, run, [contact("b")]) == Counts(added=1)
    assert [change[:2] for change in await feed(store)] == [("a", "added"), ("b", "added")]


async def test_a_run_that_has_ended_commits_nothing(store: Store, run: Run) -> None:
    await store.runs.finish(run, status="failed", api_calls=0)
    with pytest.raises(AlreadyRunning, match="has lost its lease"):
        await deliver(store, run, [contact("a")])
    assert await names(store) == {}


async def test_a_cancelled_commit_leaves_the_store_usable_and_whole(store: Store, run: Run) -> None:
    rows: list[Row] = [contact(f"{number:05}") for number in range(3000)]
    await store.rows.prepare(CONTACT)
    for patience in (0.0, 0.001, 0.003, 0.006, 0.01, 0.02):
        with anyio.move_on_after(patience):
            await deliver(store, run, rows)
        live = len(await names(store))
        assert live in (0, 3000)
        assert (await store.runs.get(run.id)).added % 3000 == 0
        await deliver(store, run, [], deleted_ids=[str(row[0]) for row in rows])
    assert await deliver(store, run, rows) == Counts(added=3000)


async def test_many_tasks_commit_at_once_and_no_number_is_given_twice(store: Store, run: Run) -> None:
    async with anyio.create_task_group() as tasks:
        for worker in range(20):
            tasks.start_soon(deliver, store, run, [contact(f"{worker}-{n}") for n in range(20)])
    numbers = [number for _, _, number in await feed(store)]
    assert len(set(numbers)) == 400
    assert (await store.runs.get(run.id)).added == 400


def test_rows_are_not_shown_in_a_repr() -> None:
    assert "Ann" not in repr(Write(CONTACT, [contact("a")], ["a"]))


async def test_many_rows_are_written_in_the_order_of_their_ids_and_few_in_that_in_which_they_came(
    store: Store, run: Run
) -> None:
    many = [f"m{number:04}" for number in reversed(range(1000))]
    await deliver(store, run, [contact(key) for key in many])
    await deliver(store, run, [contact("c"), contact("a"), contact("b")])
    assert [key for key, *_ in await feed(store)] == [*sorted(many), "c", "a", "b"]
