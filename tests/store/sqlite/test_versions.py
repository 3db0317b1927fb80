"""The control tables' version: made once, read cheaply, never taken back."""

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from orgsync.errors import AlreadyRunning, StoreUnavailable
from orgsync.store import Store
from orgsync.store.creation import METADATA
from orgsync.store.versions import KNOWN_VERSIONS, MIGRATIONS, VERSION_TABLE
from tests.store.contacts import CONTACT, contact, deliver, feed
from tests.store.running import running

OPEN = """
import asyncio, pathlib, sys
from orgsync.store import Store

async def go(url, folder):
    async with Store.open(url, folder=pathlib.Path(folder)) as store:
        await store.runs.list()
    print("alembic" in sys.modules)

asyncio.run(go(*sys.argv[1:]))
"""


def migrated(path: Path, version: str = "head") -> Path:
    """Make a database by the migrations up to a version."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    engine.dispose()
    return path


def test_the_migrations_make_the_tables_that_the_classes_declare(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{migrated(tmp_path / 'migrated.db')}")
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    engine.dispose()
    assert differences == []


async def test_a_new_database_is_as_the_migrations_make_one(url: str, folder: Path, tmp_path: Path) -> None:
    async with Store.open(url, folder=folder):
        pass
    made, by_migrations = tmp_path / "orgsync.db", migrated(tmp_path / "migrated.db")
    assert schema_in(made) == schema_in(by_migrations)
    assert rows_in(made) == rows_in(by_migrations)
    assert rows_in(made)["orgsync_sequence"] == [("change", 0)]


def test_the_versions_known_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == KNOWN_VERSIONS


def test_alembic_is_imported_for_a_database_of_an_older_version_alone(url: str, folder: Path, tmp_path: Path) -> None:
    def imported(url: str) -> list[str]:
        opening = [sys.executable, "-c", OPEN, url, str(folder)]
        return [subprocess.run(opening, check=True, capture_output=True, text=True).stdout.strip() for _ in range(2)]

    assert imported(url) == ["False", "False"]
    assert imported(f"sqlite:///{migrated(tmp_path / 'old.db', KNOWN_VERSIONS[-2])}") == ["True", "False"]


async def test_a_database_of_the_first_version_is_upgraded_and_keeps_its_runs(
    url: str, folder: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(migrated(tmp_path / "orgsync.db", "0001"))) as raw, raw:
        raw.execute(
            "INSERT INTO orgsync_run "
            "(sync, connection, status, started_at, added, updated, deleted, unchanged, api_calls) "
            "VALUES ('contacts', 'acme', 'running', '2026-01-01T00:00:00.000Z', 1, 2, 3, 4, 5)"
        )
    async with Store.open(url, folder=folder) as store:
        [old] = await store.runs.list()
        assert (old.epoch, old.status, old.added, old.api_calls) == (0, "running", 1, 5)
        with pytest.raises(AlreadyRunning, match="lost its lease"):
            await deliver(store, old, [contact("a")])
        async with running(store) as run:
            await deliver(store, run, [contact("a")])
        await store.copy("acme", sync="contacts").mark_seen(CONTACT, ["a"])
        assert [(each.epoch, each.status) for each in await store.runs.list()] == [(1, "running"), (0, "failed")]
    assert schema_in(tmp_path / "orgsync.db") == await fresh_schema(tmp_path / "fresh")


OLD_CONTACT = (
    'CREATE TABLE "contact" (connection VARCHAR NOT NULL, id VARCHAR NOT NULL, name VARCHAR, age INTEGER, score FLOAT, '
    "active BOOLEAN, amount__exact VARCHAR, "
    "amount NUMERIC GENERATED ALWAYS AS (CAST(amount__exact AS NUMERIC)) VIRTUAL, "
    "seen_at VARCHAR, labels JSON, system_modstamp VARCHAR, is_deleted BOOLEAN NOT NULL, sync_change VARCHAR NOT NULL, "
    "sync_seq INTEGER NOT NULL, sync_changed_at VARCHAR NOT NULL, sync_first_seen_at VARCHAR NOT NULL, "
    "PRIMARY KEY (connection, id))",
    'CREATE INDEX "contact_sync_seq" ON "contact" (sync_seq, sync_change)',
    "INSERT INTO contact (connection, id, name, amount__exact, is_deleted, sync_change, sync_seq, sync_changed_at, "
    "sync_first_seen_at) VALUES ('acme', 'a', 'Ann', '10.50', 0, 'added', 7, '2026-01-01', '2026-01-01')",
    "UPDATE orgsync_sequence SET value = 7",
    "CREATE TABLE mine (id TEXT, sync_seq INTEGER)",
)


def make_version_six(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(migrated(path, "0006"))) as raw, raw:
        for statement in statements:
            raw.execute(statement)


async def test_record_tables_of_the_sixth_version_get_a_change_feed_and_keep_their_rows(
    url: str, folder: Path, tmp_path: Path
) -> None:
    make_version_six(tmp_path / "orgsync.db", *OLD_CONTACT)
    async with Store.open(url, folder=folder) as store:
        assert await store.rows.tables() == ["contact"]
        assert await store.rows.prepare(CONTACT) == []
        assert await feed(store) == [("a", "added", 7)]
        async with running(store) as run:
            assert (await deliver(store, run, [contact("a", name="Bea")])).updated == 1
        assert await feed(store) == [("a", "updated", 8)]
        await store.rows.prepare(CONTACT)
    with closing(sqlite3.connect(tmp_path / "orgsync.db")) as raw:
        made = raw.execute("SELECT name FROM sqlite_master WHERE tbl_name = 'contact' OR type = 'view'").fetchall()
        assert {name for (name,) in made} >= {"contact", "contact_sync_number", "contact_changes"}
        assert "contact_sync_seq" not in {name for (name,) in made}
        assert [name for _, name, *_ in raw.execute("PRAGMA table_info(mine)")] == ["id", "sync_seq"]


async def test_an_upgrade_does_not_destroy_a_users_table_with_the_name_of_a_change_feed(
    url: str, folder: Path, tmp_path: Path
) -> None:
    make_version_six(tmp_path / "orgsync.db", *OLD_CONTACT, "CREATE TABLE contact_changes (mine TEXT)")
    with pytest.raises(StoreUnavailable, match=r"name contact_changes, .* ALTER TABLE .* RENAME TO"):
        async with Store.open(url, folder=folder):
            pass
    with closing(sqlite3.connect(tmp_path / "orgsync.db")) as raw, raw:
        assert raw.execute("SELECT version_num FROM orgsync_version").fetchall() == [("0006",)]
        raw.execute("ALTER TABLE contact_changes RENAME TO my_contact_changes")
    async with Store.open(url, folder=folder) as store:
        assert await feed(store) == [("a", "added", 7)]


async def test_an_upgrade_names_an_index_that_is_in_its_way(url: str, folder: Path, tmp_path: Path) -> None:
    make_version_six(tmp_path / "orgsync.db", *OLD_CONTACT, "CREATE INDEX contact_sync_number ON mine (id)")
    with pytest.raises(StoreUnavailable, match=r"name contact_sync_number, .* index has to be dropped"):
        async with Store.open(url, folder=folder):
            pass


@pytest.mark.parametrize(
    ("broken", "drop"),
    [
        ("CREATE VIEW lost AS SELECT id FROM account", 'DROP VIEW "lost"'),
        ("CREATE TRIGGER lost AFTER UPDATE ON mine BEGIN DELETE FROM account; END", 'DROP TRIGGER "lost"'),
    ],
)
async def test_an_upgrade_names_a_view_or_trigger_that_is_about_a_table_that_is_gone(
    url: str, folder: Path, tmp_path: Path, broken: str, drop: str
) -> None:
    make_version_six(tmp_path / "orgsync.db", *OLD_CONTACT, broken)
    with pytest.raises(StoreUnavailable, match=rf"(view|trigger) lost .* no such table: main\.account\..* {drop}\."):
        async with Store.open(url, folder=folder):
            pass
    with closing(sqlite3.connect(tmp_path / "orgsync.db")) as raw, raw:
        assert raw.execute("SELECT version_num FROM orgsync_version").fetchall() == [("0006",)]
        raw.execute(drop)
    async with Store.open(url, folder=folder) as store:
        assert await feed(store) == [("a", "added", 7)]


def schema_in(path: Path) -> dict[str, set[str]]:
    """Read how each control table and index is declared: its columns, keys and options, in any order."""
    with closing(sqlite3.connect(path)) as raw:
        found = raw.execute("SELECT name, sql FROM sqlite_master WHERE name LIKE 'orgsync%'").fetchall()
    return {name: parts_of(sql) for name, sql in found if sql}


def parts_of(sql: str) -> set[str]:
    """Split a declaration into what stands around its parentheses, and each part between them."""
    plain = " ".join(sql.replace('"', "").split())
    head, between, tail = (
        plain.partition("(")[0],
        plain[plain.index("(") + 1 : plain.rindex(")")],
        plain.rpartition(")")[2],
    )
    return {head.strip(), tail.strip()} | {part.strip() for part in re.split(r",(?![^()]*\))", between)}


def rows_in(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as raw:
        names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'orgsync%'").fetchall()
        return {name: raw.execute(f"SELECT * FROM {name}").fetchall() for (name,) in names}


async def fresh_schema(folder: Path) -> dict[str, set[str]]:
    folder.mkdir()
    async with Store.open(f"sqlite:///{folder}/orgsync.db", folder=folder):
        return schema_in(folder / "orgsync.db")


async def test_a_newer_database_is_refused_and_not_touched(url: str, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "orgsync.db"
    async with Store.open(url, folder=folder):
        pass
    raw = sqlite3.connect(path)
    raw.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9000'")
    raw.commit()
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="version 9000, newer"):
        async with Store.open(url, folder=folder):
            pass
    assert path.read_bytes() == before


async def test_many_may_open_a_new_database_at_once(url: str, folder: Path) -> None:
    async def open_and_start(number: int) -> None:
        async with Store.open(url, folder=folder) as store, running(store, connection=f"c{number}"):
            pass

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(open_and_start, number)
    async with Store.open(url, folder=folder) as store:
        assert len(await store.runs.list()) == 8


async def test_an_upgrade_that_fails_leaves_nothing_behind(url: str, folder: Path, tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "orgsync.db")
    raw.execute("CREATE TABLE orgsync_run (mine TEXT)")
    raw.commit()
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        async with Store.open(url, folder=folder):
            pass
    assert raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [("orgsync_run",)]
    raw.close()


async def test_the_users_own_tables_stay(url: str, folder: Path, tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "orgsync.db")
    raw.execute("CREATE TABLE mine (id INTEGER, sync TEXT)")
    raw.execute("INSERT INTO mine VALUES (1, 'x')")
    raw.commit()
    async with Store.open(url, folder=folder) as store:
        assert await store.rows.tables() == []
    assert raw.execute("SELECT * FROM mine").fetchall() == [(1, "x")]
    raw.close()
