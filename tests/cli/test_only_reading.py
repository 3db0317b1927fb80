"""Commands that only read, or can only fail, on a database in which orgsync has made nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.postgres_server import shared_server
from tests.raw_database import DATABASE_URL

from .commandline import Command

READING = {
    "webhooks list": 0,
    "webhooks deliveries": 0,
    "tokens list": 0,
    "drift": 0,
    "doctor": 2,
    "status": 0,
    "runs": 0,
    "connections": 0,
    "schedule": 0,
    "webhooks enable we_1": 2,
    "webhooks remove we_1 --yes": 2,
    "webhooks rotate we_1": 2,
    "webhooks test we_1": 2,
    "webhooks deliveries we_1": 2,
    "webhooks redeliver 17": 2,
    "tokens revoke app": 2,
    "status -c acme": 2,
    "status --sync people": 2,
}
NONE_YET = "which has no tables of orgsync's yet"


@pytest.fixture(params=["sqlite", "postgres"])
def tables(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The project's database is another application's; at the end it has the tables that it had."""
    if request.param == "sqlite":
        path = folder / "theirs.db"
        monkeypatch.setenv(DATABASE_URL, f"sqlite:///{path}")
        with closing(sqlite3.connect(path, isolation_level=None)) as theirs:
            theirs.execute("CREATE TABLE theirs (id integer)")
            theirs.execute("BEGIN IMMEDIATE")  # which is writing to it
            yield ["theirs"]
            assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
        return
    with shared_server().database(f"test_{uuid4().hex}") as url:
        monkeypatch.setenv(DATABASE_URL, url)
        with psycopg.connect(url, autocommit=True) as theirs:
            theirs.execute("CREATE TABLE theirs (id integer)")
            yield ["theirs"]
            shown = theirs.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            assert shown == [("theirs",)]


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize("words", READING)
def test_a_database_of_another_application_is_read_as_an_empty_one_and_nothing_is_made_in_it(
    words: str, orgsync: Command
) -> None:
    read = orgsync(*words.split())
    assert read.code == READING[words], read
    assert (NONE_YET in " ".join(read.out.split())) is (words == "doctor")


@pytest.mark.parametrize("words", READING)
def test_a_project_that_has_no_database_yet_is_given_none(words: str, orgsync: Command, folder: Path) -> None:
    assert orgsync(*words.split()).code == READING[words]
    assert [each.name for each in folder.iterdir()] == ["orgsync.toml"]


@pytest.mark.parametrize("words", [*READING, "connect acme --flow jwt"])
def test_a_database_in_a_folder_that_is_missing_is_an_error_of_every_command(
    words: str, orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATABASE_URL, f"sqlite:///{folder}/missing/orgsync.db")
    refused = orgsync(*words.split())
    assert refused.code != 0
    told = " ".join((refused.out + refused.err).split())
    assert "there is no folder" in told
    assert "Create the folder" in told
