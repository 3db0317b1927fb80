"""What the shell offers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from orgsync.demo_org import DemoOrg
from orgsync_cli.main import app

from .commandline import Command

Offer = Callable[[str], list[str]]


@pytest.fixture
def offered(orgsync: Command) -> Offer:
    """Ask as bash does, with the words typed so far."""

    def ask(words: str) -> list[str]:
        place = str(len(words.split()) - 1)
        asked = {"_ORGSYNC_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": place}
        outcome = CliRunner().invoke(app, [], env=asked, prog_name="orgsync")
        assert outcome.stderr == ""
        return outcome.stdout.split()

    return ask


def test_commands_are_offered(offered: Offer) -> None:
    assert offered("orgsync conn") == ["connect", "connections"]


def test_connections_and_syncs_are_offered_by_name(offered: Offer, acme: DemoOrg) -> None:
    assert offered("orgsync run con") == ["contacts"]
    assert offered("orgsync run contacts -c ac") == ["acme"]
    assert offered("orgsync doctor zz") == []


def test_an_argument_for_which_connections_are_offered_is_called_connection(
    offered: Offer, orgsync: Command, acme: DemoOrg
) -> None:
    def with_connections(group: Any, *words: str) -> Iterator[tuple[str, str, bool]]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from with_connections(command, *words, name)
                continue
            first = next((each for each in command.params if each.param_type_name == "argument"), None)
            call = " ".join([*words, name])
            if first is not None and offered(f"orgsync {call} ac") == ["acme"]:
                yield call, first.metavar.strip("[]"), first.required

    found = [each for each in with_connections(typer.main.get_command(app)) if each[0] != "connect"]  # a new name
    assert len(found) >= 8
    assert {called for _, called, _ in found} == {"CONNECTION"}
    for words in (call for call, _, required in found if required):
        assert "orgsync connections lists the connections" in orgsync(*words.split()).problem()[1]


def test_record_tables_and_their_columns_are_offered(offered: Offer, orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    assert offered("orgsync records cont") == ["contact"]
    assert offered("orgsync records contact --columns mailing_c") == ["mailing_city", "mailing_country"]
    assert offered("orgsync records Contact --columns id,ema") == ["id,email"]
    assert offered("orgsync records nothing --columns id") == []


def test_where_nothing_can_be_read_nothing_is_offered_and_nothing_is_made(offered: Offer, folder: Path) -> None:
    assert offered("orgsync run contacts -c ac") == []
    assert [each.name for each in folder.iterdir()] == ["orgsync.toml"]
    (folder / "orgsync.toml").write_text("not toml")
    assert offered("orgsync run contacts -c ac") == []
    assert offered("orgsync run con") == []
