"""`orgsync keys rotate`."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from orgsync.demo_org import DemoOrg

from .commandline import Command


def test_the_key_file_is_exchanged_and_the_connection_still_works(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    key = folder / ".orgsync" / "key"
    old = key.read_text()
    done = orgsync("keys", "rotate")
    assert done.code == 0, done
    assert done.out == "The first key of .orgsync/key now encrypts everything: changed 1 connection.\n"
    assert key.read_text() != old
    assert old not in done.out + done.err + key.read_text()
    assert orgsync("run", "contacts").code == 0


def test_without_anything_encrypted_the_key_file_is_exchanged_all_the_same(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    key = folder / ".orgsync" / "key"
    assert orgsync("connections", "remove", "acme", "--yes").code == 0
    old = key.read_text()
    assert orgsync("keys", "rotate").out == ("Nothing is encrypted yet. The first key of .orgsync/key is a new one.\n")
    assert key.read_text() != old
    key.unlink()
    assert orgsync("keys", "rotate").out == "Nothing is encrypted yet. There is nothing to change.\n"


def test_the_variable_s_keys_are_exchanged_step_by_step(
    orgsync: Command, secrets: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("ORGSYNC_KEY", old)
    assert orgsync("connect", "acme", "--flow", "refresh-token", "--login-url", secrets.url).code == 0
    monkeypatch.setenv("ORGSYNC_KEY", f"{new},{old}")
    first = orgsync("keys", "rotate")
    assert "Run this again before you remove" in first.err
    second = orgsync("keys", "rotate", "--json")
    expected = {
        "connections": 0,
        "sign_ins": 0,
        "webhooks": 0,
        "unchanged": 1,
        "place": "ORGSYNC_KEY",
        "keys": 2,
        "is_complete": True,
    }
    assert second.objects() == [expected]
    assert "not needed any more" in orgsync("keys", "rotate").err
    monkeypatch.setenv("ORGSYNC_KEY", new)
    assert orgsync("connections", "test", "acme").code == 0
    monkeypatch.setenv("ORGSYNC_KEY", old)
    cause, remedy = orgsync("keys", "rotate").problem()
    assert "'acme' cannot be decrypted" in cause
    assert "ORGSYNC_KEY" in remedy
