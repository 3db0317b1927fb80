"""JSON that is laid out means what it meant, to the token."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.cassettes.json_layout import laid_out

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s"]')
NUMBERS = st.sampled_from(["1.10", "1E+2", "-0.0", "3.0", "0", "1.23456789E9", "12345678901234567890", "1e-7"])
STRINGS = st.one_of(
    st.text(max_size=8).map(json.dumps), st.sampled_from(['"\\u00e9"', '"\\/"', '"Ω \\n"', '"é"', '"{"', '"[,]"'])
)
SPACES = st.sampled_from(["", " ", "\n", "\r\n\t"])
VALUES: st.SearchStrategy[str] = st.recursive(
    st.one_of(NUMBERS, STRINGS, st.sampled_from(["true", "false", "null"])),
    lambda inner: st.one_of(
        st.tuples(SPACES, st.lists(inner, max_size=3)).map(lambda made: f"[{made[0]}{','.join(made[1])}{made[0]}]"),
        st.tuples(SPACES, st.lists(st.tuples(STRINGS, inner), max_size=3)).map(
            lambda made: "{" + made[0] + ",".join(f"{name}{made[0]}:{value}" for name, value in made[1]) + made[0] + "}"
        ),
    ),
    max_leaves=12,
)


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


@given(VALUES)
def test_every_token_stays_in_its_place(text: str) -> None:
    assert tokens(laid_out(text)) == tokens(text)


@given(VALUES)
def test_what_is_laid_out_stays_so(text: str) -> None:
    assert laid_out(laid_out(text)) == laid_out(text)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ('{"done":1,"records":[{"Id":"a","b":{"c":1.10}},{"Id":"b"}]}',
         ["{", '  "done": 1,', '  "records": [', '    {"Id": "a", "b": {"c": 1.10}},', '    {"Id": "b"}', "  ]", "}"]),
        ('[{"errorCode":"NOT_FOUND"}]', ["[", '  {"errorCode": "NOT_FOUND"}', "]"]),
        ("[1,2,3]", ["[1, 2, 3]"]),
        ('{"ids":["a","b"],"more":[]}', ["{", '  "ids": ["a", "b"],', '  "more": []', "}"]),
        ("{}", ["{}"]),
        (' [ { "a" : 1 } ] ', ["[", '  {"a": 1}', "]"]),
    ],
)  # fmt: skip
def test_each_key_and_each_object_of_a_list_has_its_line(text: str, lines: list[str]) -> None:
    assert laid_out(text).splitlines() == lines


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "plain", "<html>{}</html>", '"Id","Name"\r\n', '{"a": 1', '{"a": 1} more', "{'a': 1}", "5", '"b"',
        '{"a": NaN}', "[1,]", "\ufeff{}", '{"\ud800": 1}', '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
)  # fmt: skip
def test_what_is_no_object_and_no_list_stays_as_it_is(text: str) -> None:
    assert laid_out(text) == text


def test_a_key_that_stands_twice_stays_twice() -> None:
    assert tokens(laid_out('{"a":1,"b":2,"a":3}')) == tokens('{"a":1,"b":2,"a":3}')


def test_it_means_the_same() -> None:
    text = '{"totalSize": 2, "records": [{"Name": "Ω\\u00e9", "Amount": 1E+2}]}'
    assert json.loads(laid_out(text)) == json.loads(text)
