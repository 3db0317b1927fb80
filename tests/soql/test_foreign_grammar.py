"""Every SOQL text that orgsync sends is valid for an independent parser, and means to it what orgsync intends."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsync.cassettes import read_cassette
from orgsync.soql import bind
from tests.soql.foreign import Grammar, grammar, with_grammar
from tests.soql.sent import BINDS, RUNS, Run

CASSETTES = Path(__file__).parents[2] / "cassettes"

pytestmark = with_grammar


GAPS = {
    "\u2028": "a line separator: its pattern for text says . where JavaScript means no end of a line",
    "\u2029": "a paragraph separator: the same",
}
"""Characters in text that the parser refuses, each for a reason that is its own."""


@pytest.fixture(scope="module")
def foreign() -> Iterator[Grammar]:
    with grammar() as started:
        yield started


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
async def test_what_a_run_sends_is_soql(tmp_path: Path, foreign: Grammar, run: Run) -> None:
    texts = list(dict.fromkeys(await run(tmp_path)))
    assert any(re.search(RUNS[run], text) for text in texts), "\n".join(text[-200:] for text in texts)
    assert foreign.refused(texts) == {}


def test_what_cassettes_hold_is_soql(foreign: Grammar) -> None:
    texts = [soql for path in sorted(CASSETTES.rglob("*.yaml")) for soql in recorded(path)]
    assert len(texts) > 5
    assert foreign.refused(dict.fromkeys(texts)) == {}


def recorded(cassette: Path) -> Iterator[str]:
    for each in read_cassette(cassette).interactions:
        yield from (value for name, value in each.request.query if name == "q")


def test_what_is_no_soql_is_refused(foreign: Grammar) -> None:
    wrong = [
        "SELECT FROM Contact",
        "SELECT Id FROM Contact WHERE Name = 'O'Brien'",
        "SELECT Id FROM Contact WHERE",
        "x",
    ]
    assert list(foreign.refused(wrong)) == wrong


@pytest.mark.parametrize("name", BINDS)
def test_a_bound_value_is_one_condition_and_nothing_more(foreign: Grammar, name: str) -> None:
    operator = "IN" if isinstance(BINDS[name], list | tuple) else "="
    left = only_condition(foreign, bind(f"SELECT Id FROM Contact WHERE Name {operator} :value", {"value": BINDS[name]}))
    assert (left["field"], left["operator"]) == ("Name", operator)


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="".join(GAPS))))
@settings(max_examples=150, deadline=None)
def test_any_text_that_is_bound_is_read_as_that_text(foreign: Grammar, text: str) -> None:
    left = only_condition(foreign, bind("SELECT Id FROM Contact WHERE Name = :value", {"value": text}))
    assert left["literalType"] == "STRING"
    assert unescaped(left["value"]) == text


@pytest.mark.parametrize("character", GAPS, ids=ascii)
def test_what_the_parser_is_known_to_refuse_it_still_refuses(foreign: Grammar, character: str) -> None:
    assert "unexpected character" in foreign.parse(f"SELECT Id FROM Contact WHERE Name = '{character}'")["error"]


def only_condition(foreign: Grammar, soql: str) -> dict[str, Any]:
    parsed = foreign.parse(soql)
    assert "error" not in parsed, (soql, parsed["error"])
    assert parsed["query"].keys() == {"fields", "sObject", "where"}
    assert parsed["query"]["where"].keys() == {"left"}
    left: dict[str, Any] = parsed["query"]["where"]["left"]
    return left


def unescaped(literal: str) -> str:
    """Read a quoted text as Salesforce documents its escapes."""
    meant = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
    assert literal[0] == literal[-1] == "'"
    return re.sub(r"\\(.)", lambda match: meant.get(match[1], match[1]), literal[1:-1], flags=re.DOTALL)
