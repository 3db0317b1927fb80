"""A project begins."""

import subprocess
import sys
from pathlib import Path

import pytest

from .commandline import Command

FILES = {
    "orgsync.toml",
    "syncs/deals.py",
    "tests/test_deals.py",
    "tests/test_conformance.py",
    "cassettes/test_deals/test_every_deal_arrives_and_then_only_what_changed.yaml",
    ".github/workflows/tests.yml",
    "pyproject.toml",
    "AGENTS.md",
    ".gitignore",
}


@pytest.fixture
def folder(nowhere: Path) -> Path:
    """A folder that is no project's."""
    return nowhere


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_an_empty_folder_becomes_a_project(folder: Path, orgsync: Command) -> None:
    outcome = orgsync("init")
    assert outcome.code == 0
    assert set(files_of(folder)) == FILES
    assert "orgsync connect acme" in outcome.out
    assert "cd " not in outcome.out


def test_a_new_folder_is_made_and_the_next_step_goes_there(folder: Path, orgsync: Command) -> None:
    outcome = orgsync("init", "deep/acme data")
    assert set(files_of(folder / "deep" / "acme data")) == FILES
    assert "cd 'deep/acme data'" in outcome.out
    assert 'name = "acme-data"' in (folder / "deep" / "acme data" / "pyproject.toml").read_text()


def test_beginning_again_changes_nothing(folder: Path, orgsync: Command) -> None:
    orgsync("init")
    (folder / "orgsync.toml").write_text("# mine\n")
    before = files_of(folder)
    outcome = orgsync("init", ".")
    assert outcome.code == 0
    assert outcome.out.count("  exists   ") == len(FILES)
    assert files_of(folder) == before


def test_a_pyproject_that_is_there_is_left_alone_and_its_missing_lines_are_reported(
    folder: Path, orgsync: Command
) -> None:
    (folder / "pyproject.toml").write_text("[project]\nname = 'mine'\n")
    outcome = orgsync("init")
    assert 'asyncio_mode = "auto"' in outcome.out
    assert (folder / "pyproject.toml").read_text() == "[project]\nname = 'mine'\n"
    lines = 'asyncio_mode = "auto"\naddopts = ["-p", "orgsync.testing"]\n'
    (folder / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{lines}")
    assert "asyncio_mode" not in orgsync("init").out
    (folder / "pyproject.toml").write_text("not toml")
    assert "asyncio_mode" in orgsync("init").out


def test_a_gitignore_that_is_there_gains_the_line_that_keeps_the_key_out_of_git(folder: Path, orgsync: Command) -> None:
    (folder / ".gitignore").write_text("*.pyc")
    assert "added .orgsync/ to .gitignore" in orgsync("init").out
    assert (folder / ".gitignore").read_text() == "*.pyc\n.orgsync/\n"
    orgsync("init")
    assert (folder / ".gitignore").read_text() == "*.pyc\n.orgsync/\n"


@pytest.mark.parametrize("target", [".", "syncs", "new/deep"])
def test_a_folder_inside_a_project_does_not_become_one_unasked(
    target: str, folder: Path, orgsync: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = folder / "acme"
    orgsync("init", "acme")
    before = files_of(folder)
    monkeypatch.chdir(project / "tests")
    refused = orgsync("init", target)
    inside = (project / "tests" / target).resolve()
    assert refused.code == 2
    assert refused.problem()[0] == f"{inside} is inside the project {project}."
    assert files_of(folder) == before
    assert orgsync("init", "../../globex").code == 0
    inside.mkdir(parents=True, exist_ok=True)
    (inside / "orgsync.toml").touch()
    assert orgsync("init", target).code == 0
    assert set(files_of(folder / "globex")) == set(files_of(inside)) & FILES == FILES


def test_a_variable_that_leads_commands_to_another_project_is_named(
    folder: Path, orgsync: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not orgsync("init", "acme").err
    monkeypatch.setenv("ORGSYNC_PROJECT", str(folder / "acme"))
    made = orgsync("init", "globex")
    assert made.code == 0
    assert f"warning: ORGSYNC_PROJECT names {folder / 'acme'}: until it is unset" in made.err
    assert not orgsync("init", "acme").err


def test_a_folder_that_cannot_be_made_is_reported(folder: Path, orgsync: Command) -> None:
    (folder / "taken").write_text("a file")
    outcome = orgsync("init", "taken")
    assert outcome.code == 2
    assert "cannot be written to taken" in outcome.problem()[0]


def test_the_cassette_that_comes_with_a_project_is_scrubbed(folder: Path, orgsync: Command) -> None:
    orgsync("init")
    checked = orgsync("cassettes", "check")
    assert (checked.code, checked.err) == (0, "1 cassette checked, nothing found.\n")


def test_a_fresh_project_passes_mypy_as_strict_as_it_is(
    folder: Path, orgsync: Command, mypy_cache: tuple[str, str]
) -> None:
    orgsync("init")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", *mypy_cache, "."], cwd=folder, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout
