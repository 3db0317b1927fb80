"""A table belongs to one sync, on all connections, until that is reset."""

from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from orgsync.errors import AlreadyRunning, NameUnknown, RecordClassInvalid
from orgsync.records import Position, Record, Schema, schema_of
from orgsync.store import Store, Write
from orgsync.store.versions import MIGRATIONS
from tests.store.contacts import CONTACT, NEW, OLD, contact, deliver, feed, names
from tests.store.databases import ON_SQLITE_ALONE, Database
from tests.store.running import running


class Shouted(Record, table=True):
    __tablename__ = "CONTACT"

    name: str | None


class Wider(Record, table=True):
    __tablename__ = "contact"

    shoe_size: str | None


class Own(Record, table=True):
    name: str | None


def write(schema: Schema, *ids: str) -> Sequence[Write]:
    return [Write(schema, [(each, NEW, False, "x") for each in ids])]


async def test_the_first_sync_that_writes_to_a_table_owns_it_on_every_connection(store: Store) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
    assert await store.rows.owners() == {"contact": "contacts"}
    for connection in ("acme", "beta"):
        async with running(store, "customers", connection) as other:
            with pytest.raises(RecordClassInvalid, match="The table contact belongs to the sync contacts") as caught:
                await deliver(store, other, [contact("b")])
            assert "customers" in caught.value.cause
            assert "orgsync reset contacts" in caught.value.remedy
    async with running(store, "contacts", "beta") as run:
        await deliver(store, run, [contact("c")])
    assert set(await names(store)) == {"a", "c"}


async def test_a_refused_sync_neither_widens_the_table_nor_keeps_its_position(store: Store, folder: Path) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
    async with running(store, "customers") as other:
        with pytest.raises(RecordClassInvalid, match="belongs to the sync contacts"):
            await store.rows.commit(other, write(schema_of(Wider), "b"), Position("contact", None, {}), 0)
    [row] = [row async for row in store.rows.read("contact")]
    assert "shoe_size" not in row
    assert await store.runs.checkpoints("customers", "acme") == {}


async def test_an_empty_batch_makes_a_table_a_syncs_own(store: Store) -> None:
    async with running(store) as run:
        await deliver(store, run, [])
    assert await store.rows.owners() == {"contact": "contacts"}


async def test_the_case_of_a_tables_name_makes_no_other_table(store: Store) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
    async with running(store, "customers") as other:
        with pytest.raises(RecordClassInvalid, match="belongs to the sync contacts"):
            await store.rows.commit(other, write(schema_of(Shouted), "b"), None, 0)
        with pytest.raises(RecordClassInvalid, match="belongs to the sync contacts"):
            await store.rows.require_owner(other, ["CONTACT"])


async def test_a_table_whose_name_its_owner_wrote_in_capitals_is_the_same(store: Store) -> None:
    async with running(store, "customers") as run:
        await store.rows.commit(run, write(schema_of(Shouted), "a"), None, 0)
    async with running(store) as other:
        with pytest.raises(RecordClassInvalid, match="belongs to the sync customers"):
            await store.rows.require_owner(other, ["contact"])
        with pytest.raises(RecordClassInvalid, match="belongs to the sync customers"):
            await deliver(store, other, [contact("b")])


async def test_of_two_processes_that_write_at_once_one_owns_the_table(store: Store, url: str, folder: Path) -> None:
    refused: list[str] = []

    async def first_write(at: Store, sync: str) -> None:
        async with running(at, sync) as run:
            await at.rows.require_owner(run, ["contact"])
            ready.append(sync)
            while len(ready) < 2:
                await anyio.lowlevel.checkpoint()
            try:
                await deliver(at, run, [contact(sync)])
            except RecordClassInvalid:
                refused.append(sync)

    ready: list[str] = []
    async with Store.open(url, folder=folder) as other, anyio.create_task_group() as both:
        both.start_soon(first_write, store, "contacts")
        both.start_soon(first_write, other, "customers")
    [owner] = (await store.rows.owners()).values()
    assert {owner, *refused} == {"contacts", "customers"}
    assert set(await names(store)) == {owner}


@ON_SQLITE_ALONE
async def test_what_one_sync_alone_had_read_into_was_its_own_before_tables_had_owners(
    url: str, folder: Path, tmp_path: Path
) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for sync, stream in (("a", "one"), ("a", "both"), ("b", "both"), ("b", "")):
            connection.exec_driver_sql(
                f"INSERT INTO orgsync_checkpoint VALUES ('{sync}', 'acme', '{stream}', NULL, '{{}}', '{NEW}')"
            )
    engine.dispose()
    async with Store.open(url, folder=folder) as store:
        assert await store.rows.owners() == {"one": "a"}


async def test_a_reset_gives_up_rows_positions_seen_ids_and_the_table(store: Store) -> None:
    async with running(store) as run:
        await store.rows.commit(
            run, [Write(CONTACT, [contact("a"), contact("b")])], Position("contact", None, {"n": 1}), 0
        )
        await store.copy("acme", sync="contacts").mark_seen(CONTACT, ["a", "b"])
    async with running(store, "own") as run:
        await store.rows.commit(run, write(schema_of(Own), "z"), Position("own", None, {}), 0)
    last = await store.rows.last_change()
    planned = await store.rows.of_sync("contacts")
    assert (planned.rows, planned.checkpoints) == ({"contact": 2}, 1)
    assert await store.rows.reset("contacts") == planned
    assert await store.rows.tables() == ["own"]
    assert await store.rows.owners() == {"own": "own"}
    assert await store.runs.checkpoints("contacts", "acme") == {}
    assert await store.runs.checkpoints("own", "acme") != {}
    assert [run.sync for run in await store.runs.list()] == ["own", "contacts"], "what was run stays listed"
    async with running(store, "customers") as run:
        await deliver(store, run, [contact("a")])
        assert await store.copy("acme", sync="contacts").unseen(CONTACT, limit=9, upto_seq=2**62) == ["a"]
    changes = [(key, change) for key, change, number in await feed(store) if number > last]
    assert changes == [(None, "cleared"), ("a", "added")], "the change feed goes on counting"


async def test_a_reset_of_one_connection_leaves_the_others(store: Store) -> None:
    for connection in ("acme", "beta"):
        async with running(store, connection=connection) as run:
            await store.rows.commit(run, [Write(CONTACT, [contact("a")])], Position("contact", None, {}), 0)
            await store.copy(connection, sync="contacts").mark_seen(CONTACT, ["a"])
    assert (await store.rows.reset("contacts", "acme")).rows == {"contact": 1}
    assert [row["connection"] async for row in store.rows.read("contact")] == ["beta"]
    assert await store.runs.checkpoints("contacts", "acme") == {}
    assert await store.runs.checkpoints("contacts", "beta") != {}
    assert await store.rows.owners() == {"contact": "contacts"}
    assert await store.copy("beta", sync="contacts").unseen(CONTACT, limit=9, upto_seq=2**62) == []


async def test_a_reset_waits_for_no_run_and_breaks_none(store: Store, url: str, folder: Path) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
        for connection in (None, "acme"):
            with pytest.raises(AlreadyRunning, match=r"has been running since .*, in process"):
                await store.rows.reset("contacts", connection)
        assert set(await names(store)) == {"a"}
        await deliver(store, run, [contact("b")])


async def test_a_run_whose_lease_had_run_out_before_the_reset_writes_nothing_after_it(
    store: Store, database: Database
) -> None:
    async with store.runs.begin("contacts", "acme", ttl=3600) as run:
        await deliver(store, run, [contact("a")])
        database.execute("UPDATE orgsync_lease SET expires_at = ?", OLD)  # as of a process that was stopped for long
        await store.rows.reset("contacts")
        with pytest.raises(AlreadyRunning, match="has lost its lease"):
            await deliver(store, run, [contact("b")])
    assert await store.rows.tables() == []
    assert (await store.runs.list())[0].status == "failed"


async def test_a_table_that_another_process_has_reset_is_made_anew(store: Store, url: str, folder: Path) -> None:
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
    async with Store.open(url, folder=folder) as other:
        await other.rows.reset("contacts")
    async with running(store) as run:
        await deliver(store, run, [contact("b")])
    assert set(await names(store)) == {"b"}


async def test_a_misspelt_sync_or_connection_gets_the_nearest_name(store: Store) -> None:
    with pytest.raises(NameUnknown, match="no copy of a sync 'contacts'"):
        await store.rows.reset("contacts")
    async with running(store) as run:
        await deliver(store, run, [contact("a")])
    with pytest.raises(NameUnknown, match="did you mean 'contacts'"):
        await store.rows.reset("contcats")
    with pytest.raises(NameUnknown, match="no connection 'amce'"):
        await store.rows.reset("contacts", "amce")
    assert (await store.rows.reset("contacts", "acme")).rows == {"contact": 1}, "rows of a connection that is gone, too"
