"""`orgsync cassettes check`: what must not be in a cassette."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from orgsync.demo_org import DemoOrg

from .commandline import Command

FILE = Path("cassettes/test_accounts/test_accounts.yaml")


@pytest.fixture
def cassette(folder: Path, orgsync: Command, acme: DemoOrg) -> Path:
    """A cassette that was recorded in a project."""
    assert orgsync("record", "accounts").code == 0
    return folder / FILE


def edited(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_what_was_recorded_is_clean(cassette: Path, orgsync: Command) -> None:
    assert orgsync("cassettes", "check") == orgsync("cassettes", "check", str(cassette))
    outcome = orgsync("cassettes", "check")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "1 cassette checked, nothing found.\n")


@pytest.mark.parametrize(
    ("stand_in", "real", "what"),
    [
        ("refresh_token: REFRESH-TOKEN-1", "refresh_token: 5Aep861TSESvWeug_xvFHRBTTbf", "a secret (refresh_token)"),
        ("https://instance-1.test", "https://acme.my.salesforce.com", "host"),
        ("00DTESTS0000001", "00D7Q00000AbCdE", ""),
    ],
)
def test_a_finding_is_reported_with_its_place_and_without_its_value(
    stand_in: str, real: str, what: str, cassette: Path, orgsync: Command
) -> None:
    edited(cassette, stand_in, real)
    outcome = orgsync("cassettes", "check")
    assert outcome.code == 1
    assert outcome.out.startswith(f"{FILE}, step 1, ")
    assert what in outcome.out
    assert real.partition(": ")[2] not in outcome.out or not real.partition(": ")[2]
    assert "https://acme" not in outcome.out
    for shown, found in zip(outcome.out.splitlines(), orgsync("cassettes", "check", "--json").objects(), strict=True):
        assert Path(str(found["file"])) == cassette
        assert shown.endswith(f", step {found['step']}, {found['where']}: {found['what']}")
    assert outcome.err.endswith("finding.\n") or outcome.err.endswith("findings.\n")


def test_fields_that_the_settings_name_are_looked_at_too(cassette: Path, folder: Path, orgsync: Command) -> None:
    (folder / "orgsync.toml").write_text('scrub = ["Account.Industry"]\n')
    outcome = orgsync("cassettes", "check")
    assert outcome.code == 1
    assert "response: Account.Industry: a personal " in outcome.out
    assert orgsync("record", "accounts").code == 0
    assert orgsync("cassettes", "check").code == 0


def test_files_and_folders_may_be_named(cassette: Path, folder: Path, orgsync: Command) -> None:
    (folder / "more" / "deep").mkdir(parents=True)
    (folder / "more/deep/it.yml").write_bytes(cassette.read_bytes())
    outcome = orgsync("cassettes", "check", "more", str(FILE))
    assert (outcome.code, outcome.err) == (0, "2 cassettes checked, nothing found.\n")


def test_a_path_that_is_not_there_is_reported(folder: Path, orgsync: Command) -> None:
    assert orgsync("cassettes", "check").code == 2
    outcome = orgsync("cassettes", "check", "none.yaml")
    assert outcome.code == 2
    assert outcome.problem() == ("none.yaml does not exist.", "Name a cassette or a folder of cassettes.")


def test_a_file_that_is_no_cassette_is_reported(cassette: Path, orgsync: Command) -> None:
    document: Any = yaml.safe_load(cassette.read_text(encoding="utf-8"))
    del document["interactions"][1]
    cassette.write_text(yaml.safe_dump(document), encoding="utf-8")
    outcome = orgsync("cassettes", "check")
    assert outcome.code == 2
    assert "is missing from" in outcome.problem()[0]
    cassette.write_text("hello", encoding="utf-8")
    outcome = orgsync("cassettes", "check")
    assert (outcome.code, outcome.problem()[1]) == (2, "Correct it, or record it again: pytest --record.")


def test_without_a_command_its_help_is_shown(orgsync: Command) -> None:
    assert "orgsync cassettes check" in orgsync("cassettes").err
