"""Numbers of changes: beyond a transaction's million, and after a restore into a server that has counted less."""

from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from orgsync.store import Store, Write, open_view
from orgsync.store.backends import open_backend
from orgsync.store.postgres import change_numbers, holding_back
from tests.store.contacts import CONTACT, contact, deliver, feed
from tests.store.databases import PostgresDatabase
from tests.store.running import running


async def test_a_transaction_of_more_changes_than_it_has_places_keeps_their_order(
    database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_numbers, "_PLACES", 4)
    async with open_backend(database.url, tmp_path) as backend:
        async with backend.writing() as on:
            await on.tables.make(CONTACT)
            await on.tables.make_feed("contact")
        async with backend.writing() as on:
            for batch in range(6):
                await on.rows.write("acme", [Write(CONTACT, [contact(f"{batch}{row}") for row in range(3)])])
        async with backend.writing() as on:
            await on.rows.write("acme", [Write(CONTACT, [contact("later")])])
        async with backend.reading() as on:
            found = await on.rows.changes("contact", connection=None, after=0, limit=99)
    assert [row["id"] for row in found] == [*(f"{batch}{row}" for batch in range(6) for row in range(3)), "later"]
    assert len({row["sync_seq"] for row in found}) == 19


async def test_after_a_restore_into_a_server_that_has_counted_less_numbers_go_on_growing(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path / "a") as store, running(store) as run:
        await deliver(store, run, [contact("old")])
    database.execute("UPDATE contact SET sync_number = sync_number + (1000000::bigint << 20)")  # as of a busier server
    [(before,)] = database.execute("SELECT sync_number FROM contact")
    async with Store.open(database.url, folder=tmp_path / "b") as store:
        assert [key for key, *_ in await feed(store)] == ["old"]
        async with running(store) as run:
            await deliver(store, run, [contact("new")])
        assert [key for key, *_ in await feed(store, after=before)] == ["new"]
    async with Store.open(database.url, folder=tmp_path / "c") as store:
        assert await store.rows.last_change() < before + (1 << 40), "what is opened again is not moved again"


async def test_a_reader_who_asks_the_table_by_the_feeds_number_gets_an_error(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path / "a") as store, running(store) as run:
        await deliver(store, run, [contact("a")])
    with pytest.raises(Exception, match='column "sync_seq" does not exist'):
        database.execute("SELECT * FROM contact WHERE sync_seq > 0")
    assert database.execute("SELECT id FROM contact_changes WHERE sync_seq > 0") == [("a",)]


async def test_an_open_transaction_holds_the_feed_back_and_nothing_is_lost(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with Store.open(database.url, folder=tmp_path / "a") as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        async with open_backend(database.url, tmp_path) as other, other.writing() as on:
            await on.runs.start("slow", "acme", 1)
            await deliver(store, run, [contact("b")])
            assert [key for key, *_ in await feed(store)] == ["a"]
        assert [key for key, *_ in await feed(store)] == ["a", "b"]


async def test_what_holds_the_feed_back_is_named_with_what_to_do(
    database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding_back, "_SECONDS", 0)
    async with Store.open(database.url, folder=tmp_path / "a") as store:
        assert await store.held_back() == ""
        with psycopg.connect(database.url, application_name="nightly") as other:
            other.execute("UPDATE orgsync_sequence SET value = value")
            said, pid = await store.held_back(), other.info.backend_pid
        assert f"process {pid} (postgres, " in said
        assert "nightly, idle in transaction)" in said
        assert f"pg_terminate_backend({pid})" in said


async def test_what_holds_the_feed_back_is_named_to_a_role_that_may_not_see_how_long(
    empty_database: PostgresDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding_back, "_SECONDS", 0)
    role = f"role_{uuid4().hex}"
    empty_database.execute(f"CREATE ROLE {role} LOGIN")
    empty_database.execute(f"GRANT USAGE, CREATE ON SCHEMA public TO {role}")
    url = empty_database.url.replace("postgres@", f"{role}@")
    with psycopg.connect(empty_database.url, application_name="nightly") as other:
        other.execute("CREATE TABLE anything ()")
        pid = other.info.backend_pid
        async with Store.open(url, folder=tmp_path) as store, running(store) as run:
            assert await store.held_back() == "", "no change waits"
            await deliver(store, run, [contact("a")])
            said = await store.held_back()
            with open_view(url, folder=tmp_path) as view:
                assert f"pg_terminate_backend({pid})" in view.held_back()
    assert f"process {pid} (postgres, " in said
    assert "nightly, in a state unknown to this role)" in said
