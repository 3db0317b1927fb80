"""`orgsync move`: to PostgreSQL and back, and what the command says of it."""

from pathlib import Path
from uuid import uuid4

import pytest

from orgsync.demo_org import DemoOrg
from tests.postgres_server import PASSWORD, empty_database, shared_server

from .commandline import Command

pytestmark = pytest.mark.sqlite_alone(reason="it names its databases itself")


@pytest.fixture
def postgres() -> str:
    """A new database, reached with a password in its URL."""
    name = f"test_{uuid4().hex}"
    empty_database(name)
    return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{shared_server().port}/{name}"


def test_the_copy_moves_there_and_back_and_no_password_is_shown(
    orgsync: Command, acme: DemoOrg, folder: Path, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orgsync("run", "contacts").code == 0
    done = orgsync("move", "--to", postgres)
    assert done.code == 0, done
    assert done.out.startswith("Moved to postgresql://postgres@127.0.0.1:")
    assert "compared on both sides" in done.out
    assert "Set ORGSYNC_DATABASE_URL, or database_url in orgsync.toml" in done.err
    for command in (
        ["up"],
        ["run", "contacts"],
        ["records", "contact"],
        ["status"],
        ["connections"],
        ["move", "--to", postgres],
    ):
        refused = orgsync(*command)
        assert refused.code == 2, command
        assert "was moved to postgresql://postgres@127.0.0.1:" in refused.problem()[0]
        assert "orgsync move --undo" in refused.problem()[1]
        assert PASSWORD not in refused.out + refused.err
    [error] = orgsync("run", "contacts", "--json").objects()
    assert error["error"]["code"] == "store_moved"
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", postgres)
    acme.insert("Contact", LastName="Later")
    assert "1 added" in orgsync("run", "contacts").out
    [back] = orgsync("move", "--to", "sqlite:///back.db", "--json").objects()
    assert (back["target"], back["tables"]["contact"]["rows"]) == (f"sqlite:///{folder}/back.db", 26)
    assert PASSWORD not in done.out + done.err + str(back)
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", "sqlite:///back.db")
    acme.insert("Contact", LastName="Latest")
    assert "1 added" in orgsync("run", "contacts").out


def test_the_database_that_was_moved_can_be_used_again(
    orgsync: Command, acme: DemoOrg, folder: Path, postgres: str
) -> None:
    assert "was not moved" in orgsync("move", "--undo", "--yes").problem()[0]
    assert orgsync("move", "--to", postgres).code == 0
    assert orgsync("move", "--undo", answers="n\n").code == 1
    assert orgsync("run", "contacts").code == 2
    assert orgsync("move", "--undo", "--yes").code == 0
    assert orgsync("run", "contacts").code == 0


def test_what_cannot_be_moved_is_refused_with_a_remedy(orgsync: Command, folder: Path, postgres: str) -> None:
    assert "There is no database yet" in orgsync("move", "--to", postgres).problem()[0]
    assert "either --to or --undo" in orgsync("move").problem()[0]
    assert not (folder / ".orgsync").exists()
