"""Remedies for a lost key and a damaged database work when they are followed."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from orgsync.demo_org import DemoOrg

from .commandline import Command, variables_for


def connect(orgsync: Command, org: DemoOrg, patch: pytest.MonkeyPatch) -> int:
    with patch.context() as variables:
        for name, value in variables_for(org).items():
            variables.setenv(name, value)
        return orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", org.url).code


@pytest.mark.parametrize("content", [b"", b"half a k", b"\xff\xfe"])
def test_a_key_file_that_holds_no_key_is_removed_and_the_connection_made_again(
    content: bytes, orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orgsync("run", "contacts").code == 0
    key = folder / ".orgsync" / "key"
    key.write_bytes(content)
    cause, remedy = orgsync("run", "contacts").problem()
    assert "is not a Fernet key" in cause
    assert "remove the file and run `orgsync connect NAME` for every connection" in remedy
    before = len(acme.requests)
    assert connect(orgsync, acme, monkeypatch) == 2  # told before anybody has signed in
    assert len(acme.requests) == before
    key.unlink()
    assert connect(orgsync, acme, monkeypatch) == 0
    assert orgsync("run", "contacts", "--json").objects()[0]["unchanged"] >= 0


def test_with_a_foreign_key_the_connection_is_made_again(
    orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".orgsync" / "key").write_bytes(Fernet.generate_key())
    cause, remedy = orgsync("run", "contacts").problem()
    assert "encrypted with another key" in cause
    assert "credentials of every connection" in remedy
    assert connect(orgsync, acme, monkeypatch) == 0
    assert orgsync("run", "contacts").code == 0


@pytest.mark.parametrize("damaged", ["header", "pages"])
def test_a_damaged_database_is_moved_away_with_its_log_and_made_anew(
    damaged: str, orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert orgsync("run", "contacts").code == 0
    database = folder / ".orgsync" / "orgsync.db"
    whole = database.read_bytes()
    place = 0 if damaged == "header" else 100
    database.write_bytes(whole[:place] + b"\xff" * 4096 + whole[place + 4096 :])
    cause, remedy = orgsync("run", "contacts").problem()
    assert ("is not an SQLite database" if damaged == "header" else "is damaged") in cause
    assert "-wal and -shm" in remedy
    assert "Connections, runs and what scripts wrote of their own are lost" in remedy
    for each in [*database.parent.glob("orgsync.db*")]:
        each.rename(folder / each.name)
    assert connect(orgsync, acme, monkeypatch) == 0
    assert orgsync("run", "contacts", "--json").objects()[0]["added"] == 25
