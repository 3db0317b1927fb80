"""Text of others is shown, and nothing in it is obeyed by a terminal."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.errors import QueryRefused
from orgsync.printable import counted, escaped, excerpt, printable

HOSTILE = "a\x1b]0;title\x07b\x9b31mc\x7f\u202ed\re"


def test_control_characters_become_what_a_terminal_shows() -> None:
    assert printable(HOSTILE) == "a␛]0;title␇b�31mc␡�d␍e"
    assert printable("two\r\nlines\tand a tab") == "two\r\nlines\tand a tab"
    assert printable("Zoë 👩‍👩‍👧 ") == "Zoë 👩‍👩‍👧 "


@given(st.text())
def test_nothing_but_line_ends_and_tabs_is_left_of_them_and_no_width_changes(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert not [each for each in shown.replace("\r\n", "") if unicodedata.category(each) == "Cc" and each not in "\n\t"]


@given(st.text())
def test_json_keeps_its_meaning(text: str) -> None:
    written = escaped(json.dumps([text], ensure_ascii=False))
    assert json.loads(written) == [text]
    assert printable(written) == written


@pytest.mark.parametrize("text", ["x" * 3_000_000, "\x1b" * 300, " ".join(["word"] * 100)])
def test_an_excerpt_is_one_short_line(text: str) -> None:
    shown = excerpt(text)
    assert len(shown) <= 240
    assert shown.endswith("…")
    assert printable(shown) == shown


def test_an_excerpt_holds_no_address() -> None:
    assert excerpt("Email: invalid email address: jane.doe@customer.example") == "Email: invalid email address: …"


def test_an_error_holds_no_control_character_and_is_bounded() -> None:
    error = QueryRefused(f"Salesforce says {HOSTILE}." * 1000, HOSTILE)
    assert "\x1b" not in str(error) + error.cause + error.remedy
    assert len(error.cause) == 2000


def test_numbers_have_their_nouns() -> None:
    written = [counted(1, "row"), counted(0, "row"), counted(2000, "row"), counted(2, "copy", "copies")]
    assert written == ["1 row", "0 rows", "2,000 rows", "2 copies"]
