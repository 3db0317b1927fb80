"""What the machine can do to a database, and what the operator is told."""

import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import select

import orgsync
from orgsync.errors import KeyUnusable, SettingInvalid, StoreReplaced, StoreUnavailable
from orgsync.records import Position, Row
from orgsync.store import Connection, Run, Store
from orgsync.store.sqlite.errors import errors_explained
from tests.store.contacts import CONTACT, Contact, contact, deliver, names
from tests.store.running import running

NOBODY = 65534


async def opened(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder):
        pass


@contextmanager
def ordinary_user() -> Generator[Path]:
    """Give a folder to a user whom permissions bind; root is none."""
    with TemporaryDirectory() as name:
        if os.geteuid():
            yield Path(name)
            return
        os.chown(name, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            if not os.access(orgsync.__file__, os.R_OK, effective_ids=True):
                pytest.skip("an ordinary user of this machine cannot read orgsync's own files where they lie")
            yield Path(name)
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("replaced", [False, True])
async def test_nothing_is_committed_to_a_file_that_was_deleted_or_replaced(tmp_path: Path, *, replaced: bool) -> None:
    path = tmp_path / "x.db"
    async with Store.open(f"sqlite:///{path}", folder=tmp_path) as store, running(store) as run:
        await deliver(store, run, [contact("1")])
        for each in tmp_path.glob("x.db*"):
            each.rename(tmp_path / f"away{each.name}")
        if replaced:
            path.touch()
        with pytest.raises(StoreReplaced, match="replaced by another file" if replaced else "was deleted"):
            await deliver(store, run, [contact("2")])
        with pytest.raises(StoreReplaced):
            await store.connections.save(Connection(name="acme"), {"client_secret": "x"})
    with closing(sqlite3.connect(tmp_path / "awayx.db")) as away:
        assert away.execute("SELECT count(*) FROM contact").fetchone() == (1,)


async def everything_imported(folder: Path) -> None:
    """Use the store once, for what is imported late may be closed to an ordinary user, and stays failed once it has."""
    async with Store.open(f"sqlite:///{folder}/first.db", folder=folder) as store:
        await store.connections.save(Connection(name="acme"), {"client_secret": "x"})
        await store.connections.secrets("acme")
        async with running(store):
            pass
        async with store.lock("x", timeout=0):
            pass


@contextmanager
def full_disk(pages: int) -> Generator[None]:
    """Let every database that is opened grow to so many pages and no further."""

    def limit(connection: Any, _record: Any) -> None:
        connection.cursor().execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


@pytest.mark.parametrize(
    ("url", "reported"),
    [
        ("mysql://ann:s3cret@localhost/db", "'mysql' are not supported"),
        ("s3cret", "cannot be read"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file::memory:?uri=true", "names no file"),
    ],
)
async def test_an_address_that_is_no_sqlite_file_is_refused_without_showing_it(
    url: str, reported: str, folder: Path
) -> None:
    with pytest.raises(SettingInvalid, match=reported) as caught:
        await opened(url, folder)
    assert "s3cret" not in str(caught.value)


async def test_a_missing_folder_of_the_database_is_reported(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(
        StoreUnavailable, match=r"nowhere/x\.db cannot be created: there is no folder .*nowhere\. Create"
    ):
        await opened(f"sqlite:///{tmp_path}/nowhere/x.db", folder)


async def test_a_directory_in_place_of_the_file_is_reported(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match="is a folder"):
        await opened(f"sqlite:///{tmp_path}", folder)


async def test_a_file_in_place_of_the_folder_is_reported(url: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable, match=r"file cannot be created"):
        await opened(url, tmp_path / "file")


async def test_a_file_that_is_no_database_is_reported_and_left_alone(url: str, folder: Path, tmp_path: Path) -> None:
    text = b"id,name\n" * 1000
    (tmp_path / "orgsync.db").write_bytes(text)
    with pytest.raises(StoreUnavailable, match="is not an SQLite database"):
        await opened(url, folder)
    assert (tmp_path / "orgsync.db").read_bytes() == text


async def test_a_damaged_database_is_reported(url: str, folder: Path, tmp_path: Path) -> None:
    async with Store.open(url, folder=folder) as store, running(store) as run:
        await deliver(store, run, [contact(f"{number:05}") for number in range(3000)])
    path = tmp_path / "orgsync.db"
    whole = path.read_bytes()
    page = 4096 * (len(whole) // 4096 // 2)  # among the rows, behind the control tables
    path.write_bytes(whole[:page] + b"\xff" * 4096 * 40 + whole[page + 4096 * 40 :])
    async with Store.open(url, folder=folder) as store:
        with pytest.raises(StoreUnavailable, match="is damaged"):
            await names(store)


async def test_a_database_locked_by_another_is_reported_and_works_again_when_it_is_free(
    url: str, folder: Path, tmp_path: Path
) -> None:
    async with Store.open(f"{url}?timeout=0.05", folder=folder) as store, running(store) as run:
        await store.rows.prepare(CONTACT)
        other = sqlite3.connect(tmp_path / "orgsync.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="is locked by another process"):
            await deliver(store, run, [contact("a")])
        with pytest.raises(StoreUnavailable, match="is locked by another process"):
            await store.connections.save(Connection(name="acme"), {})
        assert await names(store) == {}
        other.close()
        await deliver(store, run, [contact("a")])
        assert await names(store) == {"a": "Ann"}


async def test_a_database_opened_read_only_is_read_and_its_writer_reported(
    url: str, folder: Path, tmp_path: Path
) -> None:
    async with Store.open(url, folder=folder) as store, running(store) as run:
        await deliver(store, run, [contact("a")])
    async with Store.open(f"sqlite:///file:{tmp_path}/orgsync.db?mode=ro&uri=true", folder=folder) as store:
        assert await names(store) == {"a": "Ann"}
        with pytest.raises(StoreUnavailable, match="is read-only"):
            await store.runs.begin("contacts", "acme").__aenter__()
        with pytest.raises(StoreUnavailable, match="is read-only"):
            await store.require_writable()
    async with Store.open(url, folder=folder) as store:
        await store.require_writable()


async def test_a_file_that_this_user_may_not_write_is_reported(tmp_path: Path) -> None:
    await everything_imported(tmp_path)
    with ordinary_user() as home:
        url = f"sqlite:///{home}/orgsync.db"
        async with Store.open(url, folder=home) as store, running(store):
            pass
        (home / "orgsync.db").chmod(0o400)
        async with Store.open(url, folder=home) as store:
            assert len(await store.runs.list()) == 1
            with pytest.raises(StoreUnavailable, match="is read-only"):
                await store.runs.begin("contacts", "acme").__aenter__()
        (home / "orgsync.db").chmod(0o000)
        with pytest.raises(StoreUnavailable, match="cannot be opened"):
            await opened(url, home)


async def test_folders_that_this_user_may_not_write_are_reported(tmp_path: Path) -> None:
    await everything_imported(tmp_path)
    with ordinary_user() as home:
        async with Store.open(f"sqlite:///{home}/orgsync.db", folder=home) as store:
            home.chmod(0o500)
            with pytest.raises(StoreUnavailable, match=r"key file .* cannot be written"):
                await store.connections.save(Connection(name="acme"), {})
            home.chmod(0o700)
            (home / "locks").chmod(0o500)
            with pytest.raises(StoreUnavailable, match="locks cannot be written"):
                async with store.lock("x", timeout=0):
                    pass
            (home / "locks").chmod(0o700)
            await store.connections.save(Connection(name="acme"), {})
            (home / "key").chmod(0o000)
        async with Store.open(f"sqlite:///{home}/orgsync.db", folder=home) as store:
            with pytest.raises(KeyUnusable, match=r"key file .* cannot be read"):
                await store.connections.secrets("acme")
        home.chmod(0o500)
        with pytest.raises(StoreUnavailable, match="cannot be created"):
            await opened(f"sqlite:///{home}/other.db", home)
        with pytest.raises(StoreUnavailable, match="cannot be created"):
            await opened(f"sqlite:///{home}/orgsync.db", home / "deeper")
        home.chmod(0o700)


async def test_a_full_disk_is_reported_and_loses_nothing_that_was_committed(url: str, folder: Path) -> None:
    rows: list[Row] = [contact(f"{number:05}", name="x" * 200) for number in range(5000)]
    async with Store.open(url, folder=folder) as store, running(store) as run:
        await deliver(store, run, rows[:100])
    with full_disk(60):
        async with Store.open(url, folder=folder) as store, running(store) as run:
            with pytest.raises(StoreUnavailable, match="the disk is full"):
                await deliver(store, run, rows)
            assert len(await names(store)) == 100
            await store.rows.commit(run, [], Position("contact", None, {"page": 1}), 1)
    async with Store.open(url, folder=folder) as store, running(store) as again:
        assert [each.added for each in await store.runs.list()] == [0, 0, 100]
        assert (await deliver(store, again, rows)).added == 4900


async def test_a_disk_without_shared_memory_is_reported(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot keep a write-ahead log"):
        await opened(f"sqlite:///file:{tmp_path}/orgsync.db?vfs=unix-dotfile&uri=true", folder)


async def test_the_database_and_its_folder_are_for_their_owner_alone(store: Store, run: Run, tmp_path: Path) -> None:
    await deliver(store, run, [contact("a")])
    modes = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / ".orgsync", tmp_path / "orgsync.db")}
    assert modes == {".orgsync": "0o700", "orgsync.db": "0o600"}
    assert (tmp_path / "orgsync.db-wal").stat().st_mode & 0o777 == 0o600


def test_a_used_up_pool_is_reported() -> None:
    with pytest.raises(StoreUnavailable, match="is in use"), errors_explained(Path("x.db")):
        raise PoolTimeout


def test_an_error_without_a_code_is_not_explained_away() -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="closed"), errors_explained(Path("x.db")):
        raise sqlite3.ProgrammingError("closed")


async def add_to(store: Store, connection: Connection) -> None:
    async with store.session() as session:
        session.add(connection)
        await session.commit()


async def test_a_fault_shows_no_value(store: Store) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        await add_to(store, Connection(name="acme", username="ann@example.com"))
    shown, error = "", caught.value.__cause__
    while error is not None:
        shown, error = shown + str(error), error.__cause__ or error.__context__
    assert "readonly" in shown
    assert "ann@example.com" not in shown


async def test_an_error_in_a_users_query_shows_no_value(store: Store) -> None:
    async with store.session() as session:
        with pytest.raises(OperationalError) as caught:
            await session.exec(select(Contact).where(Contact.name == "Ann Secret"))
    assert "no such table" in str(caught.value)
    assert "Ann Secret" not in str(caught.value)
