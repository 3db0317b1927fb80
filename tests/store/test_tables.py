"""Record tables: made, widened, and refused where they do not fit."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orgsync.errors import RecordClassInvalid
from orgsync.records import Record, field, schema_of
from orgsync.store import Connection, Counts, Run, Store, Write
from tests.store.contacts import CONTACT, MID, contact, deliver
from tests.store.databases import Database

INSTEAD = (
    "Give orgsync a database of its own: ORGSYNC_DATABASE_URL. Or let a sync of your own have another table: in the "
    'class __tablename__ = "my_contact", in [[objects]] table = "my_contact".'
)
"""What can be done where a name is taken, whether the class is one's own or a package's."""


def widened() -> type[Record]:
    class Contact(Record, table=True):
        name: str | None
        age: int | None
        score: float | None
        active: bool | None
        amount: Decimal | None
        seen_at: datetime | None
        labels: list[str] | None
        email: str | None

    return Contact


async def test_a_table_is_made_once(store: Store) -> None:
    assert await store.rows.prepare(CONTACT) == []
    assert await store.rows.tables() == ["contact"]


async def test_a_field_that_the_class_gained_becomes_a_column(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])
    schema = schema_of(widened())
    assert await store.rows.prepare(schema) == ["email"]
    assert [row["email"] async for row in store.rows.read("contact")] == [None]
    row = (*contact("a"), "ann@example.com")
    assert await store.rows.commit(run, [Write(schema, [row])], None, 1) == Counts(updated=1)
    assert [row["email"] async for row in store.rows.read("contact")] == ["ann@example.com"]


async def test_a_field_that_the_class_lost_stays_in_the_table(store: Store, run: Run) -> None:
    schema = schema_of(widened())
    await store.rows.commit(run, [Write(schema, [(*contact("a"), "ann@example.com")])], None, 1)
    assert await store.rows.prepare(CONTACT) == []
    await deliver(store, run, [contact("a", name="Bea")])
    [row] = [row async for row in store.rows.read("contact")]
    assert (row["name"], row["email"]) == ("Bea", "ann@example.com")


async def test_a_table_is_prepared_once_in_a_process(store: Store) -> None:
    await store.rows.prepare(CONTACT)
    assert await store.rows.prepare(CONTACT) == ()


async def test_a_table_without_rows_is_made_anew_for_another_type(store: Store, run: Run) -> None:
    await store.rows.prepare(CONTACT)

    class Changed(Record, table=True):
        __tablename__ = "contact"
        name: int | None = field(index=True)
        city: str | None

    schema = schema_of(Changed)
    assert await store.rows.prepare(schema) == []
    await store.rows.commit(run, [Write(schema, [("a", MID, False, 7, "Bern")])], None, 1)
    [row] = [row async for row in store.rows.read("contact")]
    assert (row["name"], row["city"]) == (7, "Bern")
    assert "age" not in row


async def test_a_type_that_no_longer_fits_is_refused_and_named(store: Store, run: Run) -> None:
    await deliver(store, run, [contact("a")])

    class Changed(Record, table=True):
        __tablename__ = "contact"
        name: int | None
        city: str | None

    with pytest.raises(
        RecordClassInvalid,
        match=r"Changed\.name is (INTEGER|bigint) in the class, but (VARCHAR|text) in the table contact",
    ):
        await store.rows.prepare(schema_of(Changed))
    assert [row["name"] async for row in store.rows.read("contact")] == ["Ann"]
    with pytest.raises(RecordClassInvalid):
        await store.rows.prepare(schema_of(Changed))


async def test_a_table_of_the_user_is_never_touched(store: Store, database: Database) -> None:
    database.execute("CREATE TABLE contact (id TEXT)")
    database.execute("INSERT INTO contact VALUES (?)", "mine")
    with pytest.raises(RecordClassInvalid, match="not orgsync's") as refused:
        await store.rows.prepare(CONTACT)
    assert refused.value.remedy == INSTEAD
    assert database.execute("SELECT * FROM contact") == [("mine",)]
    assert await store.rows.tables() == []


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE contact_sync_number (x INTEGER)", "CREATE INDEX contact_sync_number ON mine (x)"]
)
async def test_what_has_the_name_of_a_change_feeds_index_is_named(
    store: Store, database: Database, statement: str
) -> None:
    database.execute("CREATE TABLE mine (x INTEGER)")
    database.execute(statement)
    with pytest.raises(RecordClassInvalid, match="needs the name contact_sync_number, which something else"):
        await store.rows.prepare(CONTACT)
    [problem] = await store.rows.misfits(CONTACT)
    assert problem.remedy == f"Rename or drop that one. {INSTEAD}"
    assert "contact_sync_number" in str(problem)
    assert await store.rows.tables() == []


async def test_a_copy_of_a_table_that_the_user_made_is_never_touched(
    store: Store, run: Run, database: Database
) -> None:
    await store.connections.save(Connection(name="acme"), {})
    await deliver(store, run, [contact("a")])
    database.execute("CREATE TABLE backup AS SELECT * FROM contact")
    assert await store.rows.tables() == ["contact"]
    assert [table async for table, _ in store.feed.read(after=0, upto=await store.feed.last())] == ["contact"]
    await store.connections.rename("acme", "beta")
    await store.connections.remove("beta")
    assert database.execute("SELECT connection, id FROM backup") == [("acme", "a")]

    class Backup(Record, table=True):
        name: str | None

    with pytest.raises(RecordClassInvalid, match="not orgsync's"):
        await store.rows.prepare(schema_of(Backup))


async def test_a_table_of_the_user_with_the_name_of_a_change_feed_is_never_touched(
    store: Store, database: Database
) -> None:
    database.execute("CREATE TABLE Contact_Changes (id TEXT, sync_seq INTEGER)")
    database.execute("INSERT INTO Contact_Changes VALUES (?, 7)", "mine")
    with pytest.raises(RecordClassInvalid, match=r"(?i)name Contact_Changes, which something else in the database has"):
        await store.rows.prepare(CONTACT)
    [problem] = await store.rows.misfits(CONTACT)
    assert "contact_changes" in str(problem).lower()
    assert database.execute("SELECT * FROM Contact_Changes") == [("mine", 7)]
    assert await store.rows.tables() == []


async def test_a_class_whose_table_has_the_name_of_a_change_feed_is_refused(store: Store) -> None:
    class Journal(Record, table=True):
        __tablename__ = "contact_changes"
        title: str | None

    await store.rows.prepare(CONTACT)
    with pytest.raises(RecordClassInvalid, match="the table contact_changes, which is not orgsync's"):
        await store.rows.prepare(schema_of(Journal))


async def test_the_change_feed_is_a_view_and_the_table_has_no_number_of_its_name(
    store: Store, run: Run, database: Database
) -> None:
    await deliver(store, run, [contact("a"), contact("b", name="Bo")])
    await deliver(store, run, [], deleted_ids=["a"])
    found = database.execute("SELECT id, sync_change, amount FROM contact_changes ORDER BY sync_seq")
    assert found == [("b", "added", 10.5), ("a", "deleted", 10.5)]
    with pytest.raises(Exception, match=r'no such column: sync_seq|column "sync_seq" does not exist'):
        database.execute("SELECT sync_seq FROM contact")


async def test_the_change_feed_of_a_widened_table_has_the_new_column(
    store: Store, run: Run, database: Database
) -> None:
    await deliver(store, run, [contact("a")])
    schema = schema_of(widened())
    await store.rows.commit(run, [Write(schema, [(*contact("a"), "ann@example.com")])], None, 1)
    assert database.execute("SELECT email FROM contact_changes") == [("ann@example.com",)]
    assert [row["email"] async for row in store.rows.read("contact", changes=True)] == ["ann@example.com"]


async def test_a_change_feed_that_was_dropped_is_made_again(
    store: Store, run: Run, database: Database, url: str, folder: Path
) -> None:
    await deliver(store, run, [contact("a")])
    database.execute("DROP VIEW contact_changes")
    async with Store.open(url, folder=folder) as other:
        await other.rows.prepare(CONTACT)
        assert [row["id"] async for row in other.rows.read("contact", changes=True)] == ["a"]


async def test_tables_that_others_drop_or_make_anew_are_noticed_by_a_store_that_is_open(
    store: Store, run: Run, database: Database, folder: Path
) -> None:
    await deliver(store, run, [contact("a")])
    for _ in range(2):
        assert await store.rows.tables() == [CONTACT.table]
        assert (await store.runs.saved("contacts", "acme"))[1] == [CONTACT.table]
        database.execute("DROP VIEW contact_changes")
        database.execute("DROP TABLE contact")
        assert await store.rows.tables() == []
        assert (await store.runs.saved("contacts", "acme"))[1] == []
        async with Store.open(database.url, folder=folder) as other:
            await other.rows.prepare(CONTACT)


@pytest.mark.parametrize("name", ["orgsync_run", "orgsync_extra", "sqlite_stat1"])
async def test_names_that_are_taken_are_refused(store: Store, name: str) -> None:
    class Odd(Record, table=True):
        __tablename__ = name
        title: str | None

    with pytest.raises(RecordClassInvalid, match="__tablename__"):
        await store.rows.prepare(schema_of(Odd))


async def test_odd_names_are_quoted(store: Store, run: Run) -> None:
    class Order(Record, table=True):
        select: str | None
        group: str | None

    schema = schema_of(Order)
    await store.rows.commit(run, [Write(schema, [("a", MID, False, "x", "y"), ("b", MID, False, "x", "y")])], None, 1)
    await store.rows.commit(run, [Write(schema, [("a", MID, True, "z", "y")], ["b"])], None, 1)
    assert [row["select"] async for row in store.rows.read("order", changes=True)] == ["z", "x"]
    assert await store.rows.live_count("order", "acme") == 0
