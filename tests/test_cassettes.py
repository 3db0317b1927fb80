"""What is kept in cassettes/ holds nothing that must not be there."""

import re
from pathlib import Path

import pytest

from .stage import CASSETTES

FILES = sorted(CASSETTES.glob("*/*.yaml"))

FORBIDDEN = {
    "an access token": r"00D\w{12,15}!",
    "a consumer key": r"3MVG\w+",
    "a refresh token": r"5Aep\w+",
    "an Authorization header": r"(?i)authorization:|bearer [\w!.]{20,}",
    "a cookie": r"(?i)set-cookie|\bsid=",
    "a host of the machine that recorded": r"127\.0\.0\.1|localhost(?!%3A8788%2Fcallback)",
    "a signed assertion": r"eyJ[\w-]+\.eyJ",
}


def test_there_are_cassettes() -> None:
    assert len(FILES) >= 10


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_cassette_says_where_it_comes_from_and_holds_no_secret(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# Recorded over HTTP from orgsync's own demo org")
    for what, pattern in FORBIDDEN.items():
        assert not re.search(pattern, text), f"{file.name} holds {what}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_cassette_belongs_to_a_test(file: Path) -> None:
    modules = list(Path(__file__).parent.glob(f"**/{file.parent.name}.py"))
    assert len(modules) == 1
    name = file.stem.partition("[")[0]
    assert f"def {name}(" in modules[0].read_text(encoding="utf-8")
