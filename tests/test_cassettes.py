"""What is kept in cassettes/ holds nothing that must not be there, and belongs to a test."""

from pathlib import Path

import pytest

from orgsync.cassettes import leaks, read_cassette
from orgsync.demo_org import DemoOrg

from .conftest import BEGAN

HERE = Path(__file__).parent
FILES = sorted((HERE.parent / "cassettes").glob("*/*.yaml"))

each_cassette = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


@pytest.fixture(scope="module")
def known() -> set[str]:
    """What the demo org that the cassettes are recorded from must not be known by."""
    org = DemoOrg(contacts=30, accounts=5, page_size=20, now=BEGAN)
    people = {str(row[name]) for row in org.rows("Contact") for name in ("Email", "Phone", "MobilePhone") if row[name]}
    secrets = {org.client_id, org.client_secret, org.refresh_token}
    return {*people, *secrets, org.org_id[:15], org.user_id[:15], org.username, "127.0.0.1"}


def test_there_are_cassettes() -> None:
    assert len(FILES) >= 10


@each_cassette
def test_a_cassette_says_where_it_comes_from(file: Path) -> None:
    assert "not from Salesforce" in file.read_text(encoding="utf-8").partition("\nversion:")[0]


@each_cassette
def test_a_cassette_holds_nothing_that_identifies_the_org_or_anybody_in_it(file: Path, known: set[str]) -> None:
    text = file.read_text(encoding="utf-8")
    assert not [value for value in known if value in text]
    assert leaks(read_cassette(file).interactions) == []


@each_cassette
def test_a_cassette_belongs_to_a_test(file: Path) -> None:
    modules = list(HERE.glob(f"**/{file.parent.name}.py"))
    assert len(modules) == 1
    name = file.stem.partition("[")[0]
    assert f"def {name}(" in modules[0].read_text(encoding="utf-8")
