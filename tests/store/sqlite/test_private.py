"""What lies on disk is for its owner alone, and is where it seems to be."""

import os
import sqlite3
import stat
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from structlog.testing import capture_logs

from orgsync.errors import StoreUnavailable
from orgsync.logs import CLOSED_TO_OTHERS
from orgsync.store import Connection, Store, open_view
from orgsync.store.sqlite.private import require_private_database

SECRETS = {"refresh_token": "t0ken"}


def mode(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


async def kept(url: str, folder: Path) -> None:
    async with Store.open(url, folder=folder) as store:
        await store.connections.save(Connection(name="acme"), SECRETS)


@pytest.mark.parametrize("place", ["folder", "database", "key"])
async def test_a_symbolic_link_is_refused_and_what_it_leads_to_left_alone(
    place: str, url: str, folder: Path, tmp_path: Path
) -> None:
    await kept(url, folder)
    path = {"folder": folder, "database": tmp_path / "orgsync.db", "key": folder / "key"}[place]
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    before = elsewhere.stat().st_mtime_ns
    with pytest.raises(StoreUnavailable, match="is a symbolic link") as caught:
        async with Store.open(url, folder=folder) as store:
            await store.connections.secrets("acme")
    assert caught.value.remedy
    assert (path.is_symlink(), elsewhere.stat().st_mtime_ns) == (True, before)


def test_a_database_that_is_a_link_is_not_looked_at_either(url: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "orgsync.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable, match="is a symbolic link"), open_view(url, folder=folder):
        pass


async def test_what_is_open_to_others_is_closed_with_a_word(url: str, folder: Path, tmp_path: Path) -> None:
    await kept(url, folder)
    places = [folder, tmp_path / "orgsync.db", folder / "key"]
    for path, open_mode in zip(places, (0o755, 0o666, 0o644), strict=True):
        path.chmod(open_mode)
    with capture_logs() as said:
        async with Store.open(url, folder=folder) as store:
            assert await store.connections.secrets("acme") == SECRETS
    assert [mode(path) for path in places] == ["0o750", "0o660", "0o600"]
    assert {each["file"] for each in said if each["event"] == CLOSED_TO_OTHERS} == {str(path) for path in places}
    with capture_logs() as said:
        await kept(url, folder)
    assert said == []


async def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(url: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "orgsync.db"
    path.write_text("127.0.0.1 localhost\n" * 100)
    path.chmod(0o644)
    with pytest.raises(StoreUnavailable, match="not an SQLite database"):
        await kept(url, folder)
    with pytest.raises(StoreUnavailable, match="not an SQLite database"), open_view(url, folder=folder):
        pass
    assert (mode(path), path.read_text()[:9]) == ("0o644", "127.0.0.1")
    path.write_text("")
    await kept(url, folder)
    assert mode(path) == "0o640"


async def test_a_folder_that_is_named_as_a_database_stays_open_to_others(
    url: str, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "orgsync.db"
    path.mkdir()
    path.chmod(0o755)
    with pytest.raises(StoreUnavailable, match=r"orgsync\.db is a folder\. Name a file"):
        await kept(url, folder)
    with pytest.raises(StoreUnavailable, match=r"orgsync\.db is a folder\. Name a file"), open_view(url, folder=folder):
        pass
    assert mode(path) == "0o755"


async def test_another_applications_database_stays_open_to_others_until_there_are_tables_of_ours(
    url: str, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "orgsync.db"
    with closing(sqlite3.connect(path)) as on:
        on.execute("CREATE TABLE theirs (id)")
    path.chmod(0o664)
    with open_view(url, folder=folder) as view:
        assert not view.has_tables
    assert mode(path) == "0o664"
    await kept(url, folder)
    path.chmod(0o664)
    with open_view(url, folder=folder) as view:
        assert view.has_tables
    assert mode(path) == "0o660"


async def test_a_folder_that_is_missing_is_named_whoever_opens_the_database(folder: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/missing/orgsync.db"
    missing = f"there is no folder {tmp_path}/missing"
    with pytest.raises(StoreUnavailable, match=missing):
        await kept(url, folder)
    with pytest.raises(StoreUnavailable, match=missing), open_view(url, folder=folder):
        pass
    with open_view(f"sqlite:///{tmp_path}/new/orgsync.db", folder=tmp_path / "new") as view:
        assert not view.has_tables


@pytest.mark.parametrize("is_damaged", [False, True])
async def test_a_database_is_closed_to_others_while_this_process_keeps_its_locks(
    is_damaged: bool, tmp_path: Path
) -> None:
    path = tmp_path / "it.db"
    beside = [Path(f"{path}{ending}") for ending in ("-wal", "-shm")]
    try_to_write = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"
    with closing(sqlite3.connect(path, isolation_level=None)) as on:
        on.execute("CREATE TABLE it (id)")
        if is_damaged:
            with path.open("r+b") as file:
                file.seek(100)
                file.write(b"\xff" * 200)
        on.execute("BEGIN EXCLUSIVE")
        for each in beside:
            each.touch()
        for each in (path, *beside):
            each.chmod(0o644)
        require_private_database(path)
        assert [mode(each) for each in (path, *beside)] == ["0o640"] * 3
        tried = await anyio.run_process([sys.executable, "-c", try_to_write, str(path)], check=False)
        assert b"locked" in tried.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another user's")
async def test_what_another_user_holds_open_is_refused() -> None:
    with TemporaryDirectory() as name:
        home = Path(name)
        url = f"sqlite:///{home}/orgsync.db"
        await kept(url, home / ".orgsync")
        (home / "orgsync.db").chmod(0o666)
        home.chmod(0o777)
        os.seteuid(65534)
        try:
            with pytest.raises(StoreUnavailable, match=r"open to others.*chmod 660"), open_view(url, folder=home):
                pass
        finally:
            os.seteuid(0)
