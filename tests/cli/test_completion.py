"""What the shell offers."""

from collections.abc import Callable
from pathlib import Path

import pytest
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
