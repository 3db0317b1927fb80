"""The control tables' version: made once, read cheaply, never taken back."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from orgsync.errors import StoreUnavailable
from orgsync.store import Store
from orgsync.store.control import METADATA
from orgsync.store.statements import VERSION_TABLE
from orgsync.store.versions import KNOWN_VERSIONS, MIGRATIONS

OPEN_TWICE = """
import asyncio, pathlib, sys
from orgsync.store import Store

async def go(url, folder):
    async with Store.open(url, folder=pathlib.Path(folder)) as store:
        await store.runs()
    print("alembic" in sys.modules)

asyncio.run(go(*sys.argv[1:]))
"""


async def test_the_migrations_make_the_tables_that_the_classes_declare(store: Store, tmp_path: Path) -> None:
    assert await store.connections() == []
    engine = create_engine(f"sqlite:///{tmp_path / 'orgsync.db'}")
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)
    engine.dispose()
    assert differences == []


def test_the_versions_known_are_those_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(revisions)) == KNOWN_VERSIONS


def test_alembic_is_imported_for_a_new_database_and_not_for_a_current_one(url: str, folder: Path) -> None:
    command = [sys.executable, "-c", OPEN_TWICE, url, str(folder)]
    seen = [subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() for _ in range(2)]
    assert seen == ["True", "False"]


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
        async with Store.open(url, folder=folder) as store:
            await store.start_run("contacts", f"c{number}")

    async with anyio.create_task_group() as tasks:
        for number in range(8):
            tasks.start_soon(open_and_start, number)
    async with Store.open(url, folder=folder) as store:
        assert len(await store.runs()) == 8


async def test_an_upgrade_that_fails_leaves_nothing_behind(url: str, folder: Path, tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "orgsync.db")
    raw.execute("CREATE TABLE orgsync_run (mine TEXT)")
    raw.commit()
    with pytest.raises(OperationalError, match="already exists"):
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
        assert await store.tables() == []
    assert raw.execute("SELECT * FROM mine").fetchall() == [(1, "x")]
    raw.close()
