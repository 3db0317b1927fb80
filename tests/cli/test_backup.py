"""The database, copied to a file while it is in use."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import anyio
import anyio.from_thread
import pytest

import orgsync as application
from orgsync.demo_org import DemoOrg
from orgsync.project.backup import back_up
from orgsync.settings import load_settings

from .commandline import Command

DATABASE = Path(".orgsync/orgsync.db")


@pytest.fixture
def copied(orgsync: Command, acme: DemoOrg) -> DemoOrg:
    assert orgsync("run", "contacts").code == 0
    return acme


def read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(sql)


def test_a_backup_is_a_database_that_stands_alone_and_is_its_owners(
    orgsync: Command, copied: DemoOrg, folder: Path
) -> None:
    made = orgsync("backup", "kept.db")
    assert made.code == 0
    assert made.out.startswith("The database is in kept.db (")
    assert ".orgsync/key" in made.err
    kept = folder / "kept.db"
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "kept.db", "orgsync.toml"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for sql in ("SELECT * FROM contact", "SELECT secrets FROM orgsync_connection", "SELECT * FROM orgsync_checkpoint"):
        assert read(kept, sql) == read(DATABASE, sql)
    assert copied.refresh_token.encode() not in kept.read_bytes()
    assert read(kept, "PRAGMA journal_mode") == [("delete",)]


def test_nobody_holds_a_lease_in_a_backup(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    change(DATABASE, "UPDATE orgsync_lease SET holder = 'somebody', expires_at = '2999-01-01T00:00:00.000Z'")
    assert orgsync("backup", "kept.db").code == 0
    (folder / "kept.db").replace(DATABASE)
    for suffix in ("-wal", "-shm"):
        DATABASE.with_name(f"orgsync.db{suffix}").unlink(missing_ok=True)
    copied.insert("Contact", LastName="Later")
    assert "1 added" in orgsync("run", "contacts").out


def test_a_backup_is_one_state_while_others_write(
    copied: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.store.sqlite.state_copy._PAGES_A_STEP", 1)
    steps: list[int] = []

    def write(copied: int, total: int) -> None:
        steps.append(copied)
        change(DATABASE, f"UPDATE contact SET title = 'step {len(steps)}'")

    back_up(folder / "kept.db", load_settings(), progress=write)
    assert steps == list(range(1, len(steps) + 1))  # it never began anew
    assert read(folder / "kept.db", "SELECT 1 FROM contact WHERE title LIKE 'step %'") == []
    assert read(DATABASE, "SELECT DISTINCT title FROM contact") == [(f"step {len(steps)}",)]


def test_a_file_that_is_there_is_replaced_only_when_asked(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    kept = folder / "kept.db"
    kept.write_text("mine")
    kept.chmod(0o644)
    assert "kept.db already" in orgsync("backup", "kept.db").problem()[0]
    assert kept.read_text() == "mine"
    [made] = orgsync("backup", "kept.db", "--overwrite", "--json").objects()
    assert made == {"file": "kept.db", "bytes": kept.stat().st_size}
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("place", "reported"),
    [
        (".orgsync/orgsync.db", "is the database itself"),
        (".orgsync/orgsync.db-wal", "is the database itself"),
        (".orgsync/kept.db", "which is orgsync's own"),
        ("link.db", "is the database itself"),
        ("missing/kept.db", "there is no folder missing"),
        (".", "is a folder"),
        ("used.db", "is a database that is in use: used.db-wal is beside it"),
    ],
)
def test_a_place_that_would_lose_something_is_refused(
    place: str, reported: str, orgsync: Command, copied: DemoOrg, folder: Path
) -> None:
    (folder / "link.db").symlink_to(folder / DATABASE)
    (folder / "used.db").touch()
    (folder / "used.db-wal").touch()
    before = sorted(path.name for path in folder.rglob("*"))
    refused = orgsync("backup", place, "--overwrite")
    assert refused.code == 2
    assert reported in refused.problem()[0]
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_the_database_is_found_out_wherever_it_is(
    orgsync: Command, copied: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DATABASE.rename(folder / "elsewhere.db")
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", "sqlite:///elsewhere.db")
    assert "is the database itself" in orgsync("backup", "elsewhere.db", "--overwrite").problem()[0]
    refused = orgsync("records", "contact", "--to", "elsewhere.db", "--format", "csv", "--overwrite")
    assert "is the database itself" in refused.problem()[0]
    assert orgsync("backup", "kept.db").code == 0


def test_without_a_database_there_is_nothing_to_back_up_and_none_is_made(orgsync: Command, folder: Path) -> None:
    cause, remedy = orgsync("backup", "kept.db").problem()
    assert "There is no database of orgsync" in cause
    assert "ORGSYNC_PROJECT" in remedy
    assert [path.name for path in folder.rglob("*")] == ["orgsync.toml"]


def test_a_damaged_database_makes_no_backup(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    with closing(sqlite3.connect(DATABASE)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(page,)] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'contact'").fetchall()
        [(size,)] = database.execute("PRAGMA page_size").fetchall()
    with DATABASE.open("r+b") as file:
        file.seek((page - 1) * size + 8)
        file.write(b"\xff" * 200)
    refused = orgsync("backup", "kept.db")
    assert refused.code == 2
    assert "damaged" in refused.problem()[0]
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "orgsync.toml"]


def test_an_interrupted_backup_leaves_no_file(copied: DemoOrg, folder: Path) -> None:
    def interrupt(_copied: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(folder / "kept.db", load_settings(), progress=interrupt)
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "orgsync.toml"]


def test_an_application_makes_a_backup_and_may_cancel_it(
    copied: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.store.sqlite.state_copy._PAGES_A_STEP", 1)
    go_on = anyio.from_thread.check_cancelled

    async def make() -> application.Backup:
        with anyio.CancelScope() as scope:

            def cancel() -> None:
                anyio.from_thread.run_sync(scope.cancel)
                go_on()

            with monkeypatch.context() as patched:
                patched.setattr("anyio.from_thread.check_cancelled", cancel)
                await application.backup("cancelled.db")
        assert scope.cancelled_caught
        return await application.backup("kept.db")

    made = anyio.run(make)
    assert (made.path, made.size) == (Path("kept.db"), (folder / "kept.db").stat().st_size)
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "kept.db", "orgsync.toml"]


def test_a_place_that_is_taken_while_the_backup_is_made_is_not_overwritten(copied: DemoOrg, folder: Path) -> None:
    kept = folder / "kept.db"

    def take(_copied: int, _total: int) -> None:
        kept.write_text("theirs")

    with pytest.raises(application.OrgsyncError, match="already"):
        back_up(kept, load_settings(), progress=take)
    assert kept.read_text() == "theirs"
