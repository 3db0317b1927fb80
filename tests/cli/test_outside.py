"""Outside of a project."""

from pathlib import Path

import pytest

from .commandline import Command

IN_A_PROJECT = [
    *("run contacts", "up", "up --once", "runs", "records contact", "connections", "connections list"),
    *("connections show acme", "connections remove acme --yes", "connections rename acme b", "connections test acme"),
    *("connect acme --flow jwt", "doctor", "new sync Lead", "record contacts", "syncs", "api GET limits"),
    "cassettes check",
]


@pytest.fixture
def folder(nowhere: Path) -> Path:
    """A folder that is no project's."""
    return nowhere


@pytest.mark.parametrize("words", IN_A_PROJECT)
def test_a_command_that_needs_a_project_says_that_there_is_none_and_makes_nothing(
    words: str, orgsync: Command, folder: Path
) -> None:
    refused = orgsync(*words.split())
    cause, remedy = refused.problem()
    assert refused.code == 2
    assert "no orgsync.toml here or above" in cause
    assert "orgsync init" in remedy
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", ["--version", "--help", "run --help", "connections show --help", "demo --help"])
def test_what_needs_no_project_works_anywhere_and_makes_nothing(words: str, orgsync: Command, folder: Path) -> None:
    assert orgsync(*words.split()).code == 0
    assert list(folder.iterdir()) == []


def test_cassettes_that_are_named_are_checked_anywhere(orgsync: Command, folder: Path) -> None:
    (folder / "x.yaml").write_text("not a cassette")
    assert "x.yaml" in orgsync("cassettes", "check", "x.yaml").problem()[0]


def test_a_folder_that_a_variable_names_is_a_project(
    orgsync: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "data").mkdir()
    monkeypatch.setenv("ORGSYNC_PROJECT", "data")
    assert orgsync("runs").code == 0


def test_a_wrong_call_is_reported_before_anything_else(orgsync: Command) -> None:
    assert "SYNC" in orgsync("run").err
