"""A connection that is cut around a commit: what was committed is not done again, what was not is."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from orgsync.errors import StoreUnavailable
from orgsync.records import Position
from orgsync.store import Connection, Counts, Store, Write
from tests.postgres_server import shared_server
from tests.store.contacts import CONTACT, contact, deliver, feed, names
from tests.store.databases import PostgresDatabase
from tests.store.running import running

from .cutting_proxy import Cut, Proxy, proxy


def proxied(database: PostgresDatabase) -> AbstractAsyncContextManager[Proxy]:
    """Run a proxy before the server."""
    return proxy(shared_server(), database.url)


def cut_next(before: Proxy, statement: bytes, how: Cut, *, times: int = 1) -> None:
    """Cut the connections on which a statement comes next."""
    until = before.cuts + times
    before.cut = lambda text: how if statement in text and before.cuts < until else None


@pytest.mark.parametrize("how", ["before", "after"])
async def test_a_batch_is_written_once_whether_its_commit_or_the_answer_is_lost(
    database: PostgresDatabase, tmp_path: Path, how: Cut
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("first"), contact("second")])
        cut_next(before, b"COMMIT", how)
        position = Position("contact", None, {"page": 1})
        counts = await store.rows.commit(
            run, [Write(CONTACT, [contact("a"), contact("first", name="Bo")])], position, 3
        )
        assert before.cuts == 1
        assert counts == Counts(added=1, updated=1)
        assert await deliver(store, run, [contact("b")]) == Counts(added=1)
        kept = await store.runs.get(run.id)
        assert (kept.added, kept.updated, kept.unchanged, kept.api_calls) == (4, 1, 0, 0)
        assert (await store.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 1}
        assert set(await names(store)) == {"first", "second", "a", "b"}
        assert sorted(key for key, _, _ in await feed(store)) == ["a", "b", "first", "second"]


@pytest.mark.parametrize("how", ["before", "after"])
async def test_a_run_begins_and_ends_once_whether_a_commit_or_its_answer_is_lost(
    database: PostgresDatabase, tmp_path: Path, how: Cut
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store:
        await store.connections.save(Connection(name="acme"), {"refresh_token": "kept"})
        cut_next(before, b"COMMIT", how)
        async with running(store) as run:
            assert before.cuts == 1
            await deliver(store, run, [contact("a")])
            cut_next(before, b"COMMIT", how)
            ended = await store.runs.finish(run, status="done", api_calls=2)
            assert before.cuts == 2
        assert (ended.id, ended.status, ended.added, ended.api_calls) == (run.id, "done", 1, 2)
        assert [each.id for each in await store.runs.list()] == [run.id]
        assert not await store.runs.is_running("contacts", "acme")
        async with running(store) as later:  # the lease is free
            assert later.id > run.id


@pytest.mark.parametrize("how", ["before", "after"])
async def test_an_action_ends_once_whether_its_commit_or_the_answer_is_lost(
    database: PostgresDatabase, tmp_path: Path, how: Cut
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store:
        run = await store.runs.start_action("close_case", "acme")
        cut_next(before, b"COMMIT", how)
        ended = await store.runs.finish_action(run, status="done", api_calls=2)
        assert before.cuts == 1
        assert ended.status == "done"
        assert ended == await store.runs.get(run.id)


@pytest.mark.parametrize("how", ["before", "after"])
async def test_a_position_without_rows_is_saved_whether_its_commit_or_the_answer_is_lost(
    database: PostgresDatabase, tmp_path: Path, how: Cut
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        cut_next(before, b"COMMIT", how)
        counts = await store.rows.commit(run, [Write(CONTACT)], Position("contact", None, {"page": 2}), 5)
        assert (before.cuts, counts) == (1, Counts())
        kept = await store.runs.get(run.id)
        assert (kept.added, kept.api_calls) == (1, 5)
        assert (await store.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 2}


@pytest.mark.parametrize("how", ["before", "after"])
async def test_credentials_are_changed_whether_a_commit_or_its_answer_is_lost(
    database: PostgresDatabase, tmp_path: Path, how: Cut
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store:
        await store.connections.save(Connection(name="acme", tags=["old"]), {"refresh_token": "first"})
        cut_next(before, b"COMMIT", how)
        await store.connections.update("acme", secrets={"refresh_token": "second"}, remove_tags=["old"])
        assert before.cuts == 1
        assert await store.connections.secrets("acme") == {"refresh_token": "second"}
        assert (await store.connections.get("acme")).tags == []


async def test_what_is_read_is_read_again_where_its_connection_is_cut(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
        cut_next(before, b"is_deleted", "after", times=3)
        assert await names(store) == {"a": "Ann"}
        assert before.cuts == 3


async def test_an_answer_that_is_lost_for_good_is_told_and_the_next_run_finds_out(
    database: PostgresDatabase, tmp_path: Path
) -> None:
    async with proxied(database) as before, Store.open(before.url, folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("first")])
        cut_next(before, b"COMMIT", "after")
        lost = before.cut
        before.cut = lambda text: lost(text) or ("before" if before.cuts and b"BEGIN" in text else None)
        with pytest.raises(StoreUnavailable, match="it may have been done or not"):
            await store.rows.commit(run, [Write(CONTACT, [contact("a")])], Position("contact", None, {"page": 1}), 0)
        before.cut = lambda _: None
    async with Store.open(database.url, folder=tmp_path) as store:
        assert (await store.runs.checkpoints("contacts", "acme"))["contact"].position == {"page": 1}
        assert set(await names(store)) == {"first", "a"}
