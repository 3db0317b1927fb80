"""Which requests are one and the same, and where others part."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.cassettes.interaction import RecordedRequest
from orgsync.cassettes.matching import Asked, difference, likeness

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
QUERY = RecordedRequest("GET", "", "/services/data/v62.0/query", (("q", "SELECT Id FROM Case"),))


def same(one: RecordedRequest, other: RecordedRequest) -> bool:
    return Asked.by(one) == Asked.by(other)


def token_request(**form: str) -> RecordedRequest:
    return RecordedRequest("POST", "", "/services/oauth2/token", (), FORM, urlencode(form))


def posted(body: str, path: str = "/services/data/v62.0/jobs/query") -> RecordedRequest:
    return RecordedRequest("POST", "", path, (), JSON, body)


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, method="POST"),
        replace(QUERY, origin="https://api.example.org"),
        replace(QUERY, path="/services/data/v62.0/queryAll"),
        replace(QUERY, path="/services/data/v61.0/query"),
        replace(QUERY, query=(("q", "SELECT Id FROM CASE"),)),
        replace(QUERY, query=(("q", "SELECT Id  FROM Case"),)),
        replace(QUERY, query=(*QUERY.query, ("q", "SELECT Id FROM Case"))),
        replace(QUERY, query=(*QUERY.query, ("all", ""))),
        replace(QUERY, query=()),
        replace(QUERY, body="x"),
    ],
)
def test_what_asks_for_something_else_is_another_request(other: RecordedRequest) -> None:
    assert not same(QUERY, other)
    assert likeness(Asked.by(QUERY), Asked.by(other)) < 1
    assert difference(Asked.by(other), Asked.by(QUERY))


@pytest.mark.parametrize(
    "other",
    [
        replace(QUERY, headers={"accept": "text/csv"}),
        replace(QUERY, headers={"sforce-query-options": "batchSize=200"}),
    ],
)
def test_headers_make_no_difference(other: RecordedRequest) -> None:
    assert same(QUERY, other)
    assert likeness(Asked.by(QUERY), Asked.by(other)) == 1


def test_the_order_of_parameters_makes_no_difference() -> None:
    pairs = (("start", "1"), ("end", "2"))
    assert same(replace(QUERY, query=pairs), replace(QUERY, query=pairs[::-1]))


def test_the_order_of_values_of_one_parameter_does() -> None:
    pairs = (("id", "1"), ("id", "2"))
    assert not same(replace(QUERY, query=pairs), replace(QUERY, query=pairs[::-1]))


def test_secrets_of_a_sign_in_make_no_difference_but_its_grant_does() -> None:
    one = token_request(grant_type="refresh_token", refresh_token="a", client_id="b", client_secret="c")
    other = token_request(grant_type="refresh_token", refresh_token="1", client_id="2", client_secret="3")
    assert same(one, other)
    assert not same(one, token_request(grant_type="client_credentials", client_id="2", client_secret="3"))
    assert not same(one, token_request(grant_type="refresh_token", refresh_token="1", client_id="2"))


def test_a_parameter_called_code_counts_where_nobody_signs_in() -> None:
    assert not same(
        RecordedRequest("POST", "", "/services/apexrest/stock", (), FORM, "code=A1"),
        RecordedRequest("POST", "", "/services/apexrest/stock", (), FORM, "code=B2"),
    )


@pytest.mark.parametrize(
    ("real", "scrubbed"),
    [
        (
            "SELECT Id FROM Case WHERE OwnerId = '0057Q00000XyZaBQAV'",
            "SELECT Id FROM Case WHERE OwnerId = '005TESTS0000001EA0'",
        ),
        (
            "SELECT Id FROM Contact WHERE Email = 'ada@acme.com'",
            "SELECT Id FROM Contact WHERE Email = 'x1@xxx.invalid'",
        ),
    ],
)
def test_whose_record_it_is_makes_no_difference(real: str, scrubbed: str) -> None:
    assert same(replace(QUERY, query=(("q", real),)), replace(QUERY, query=(("q", scrubbed),)))
    assert same(posted(f'{{"query": "{real}"}}'), posted(f'{{"query": "{scrubbed}"}}'))


def test_json_is_compared_by_what_it_means() -> None:
    assert same(posted('{"a":1,"b":{"c":[1,2],"d":null}}'), posted('{\n  "b": {"d": null, "c": [1, 2]},\n  "a": 1\n}'))
    assert same(posted('[{"a":1,"b":2}]'), posted('[{"b": 2, "a": 1}]'))
    assert not same(posted('{"a":[1,2]}'), posted('{"a":[2,1]}'))
    assert not same(posted('{"a":1}'), posted('{"a":"1"}'))
    assert not same(posted('{"a":null}'), posted('{"a":"null"}'))
    assert not same(posted("[1]"), posted('"[1]"'))
    assert same(posted("Id,Name\n003,Ada\n"), posted("Id,Name\n003,Ada\n"))
    assert not same(posted("Id,Name\n003,Ada\n"), posted("Id,Name\n003,Bob\n"))


def test_the_first_difference_is_shown_with_what_is_around_it() -> None:
    long = "SELECT " + ", ".join(f"Field{number}" for number in range(40)) + " FROM Case"
    reported = difference(
        Asked.by(replace(QUERY, query=(("q", long.replace("Field20", "Other")),))),
        Asked.by(replace(QUERY, query=(("q", long),))),
    ).splitlines()
    at = long.index("Field20")
    assert reported[0] == f"  the first difference in q, at character {at + 1}:"
    assert reported[1].startswith("    asked:    ...")
    column = reported[3].index("^")
    assert (reported[1][column:][:5], reported[2][column:][:5]) == ("Other", "Field")


def test_a_difference_of_lines_is_shown_on_one_line() -> None:
    reported = difference(Asked.by(posted("a\nb\nc")), Asked.by(posted("a\nb\nd")))
    assert "asked:    a b c\n" in reported
    assert len(reported.splitlines()) == 4


@pytest.mark.parametrize(
    ("now", "then", "shown"),
    [
        ((), (("q", "x"),), "  the difference: in q\n    asked:    (not there)\n    recorded: x"),
        ((("q", "x"),), (), "  the difference: in q\n    asked:    x\n    recorded: (not there)"),
        (
            (("q", "xy"),),
            (("q", "x"),),
            "  the first difference in q, at character 2:\n    asked:    xy\n    recorded: x\n               ^",
        ),
    ],
)
def test_what_only_one_of_them_has_is_shown(now: Any, then: Any, shown: str) -> None:
    reported = difference(Asked.by(replace(QUERY, query=now)), Asked.by(replace(QUERY, query=then)))
    assert reported == shown


def test_a_parameter_that_stands_once_more_is_a_difference() -> None:
    once, twice = (("id", "1"), ("id", "2")), (("id", "0"), ("id", "2"))
    assert " in id" in difference(Asked.by(replace(QUERY, query=once)), Asked.by(replace(QUERY, query=twice)))


def test_another_place_is_shown_before_anything_else() -> None:
    reported = difference(Asked.by(replace(QUERY, path="/services/data/v62.0/limits", query=())), Asked.by(QUERY))
    assert "asked:    GET /services/data/v62.0/limits" in reported.replace("...", "")
    assert "recorded: GET /services/data/v62.0/query" in reported.replace("...", "")


REQUESTS = st.builds(
    RecordedRequest,
    st.sampled_from(["GET", "POST"]),
    st.just(""),
    st.sampled_from(["/a", "/b", "/services/oauth2/token"]),
    st.lists(st.tuples(st.sampled_from(["q", "id"]), st.sampled_from(["1", "2", "x y"])), max_size=3).map(tuple),
    st.sampled_from([FORM, JSON, {}]),
    st.sampled_from(["", "a=1&b=2", "code=1", '{"a": 1}', '{"b": 1, "a": 2}', "[]", "text"]),
)


@given(REQUESTS, REQUESTS)
def test_a_difference_is_shown_just_where_there_is_one(one: RecordedRequest, other: RecordedRequest) -> None:
    now, then = Asked.by(one), Asked.by(other)
    assert bool(difference(now, then)) == (now != then)
    assert (likeness(now, then) == 1) == (now == then)
    assert 0 <= likeness(now, then) == likeness(then, now) <= 1


@pytest.mark.parametrize(
    ("then", "now", "fits"),
    [
        ("SELECT Id FROM Contact WHERE LastName = 'Xxxxx1'", "SELECT Id FROM Contact WHERE LastName = 'Smith'", True),
        ("SELECT Id FROM Contact WHERE LastName = 'Xxxxx1'", "SELECT Id FROM Contact WHERE LastName = 'a\\'b'", True),
        (
            "SELECT Id FROM Contact WHERE LastName = 'Xxxxx1'",
            "SELECT Id FROM Contact WHERE LastName = 'a' OR 'b'",
            False,
        ),
        ("SELECT Id FROM Contact WHERE LastName = 'Xxxxx1'", "SELECT Id FROM Contact WHERE FirstName = 'Smith'", False),
        ("SELECT Id FROM Contact WHERE Title = 'Boss'", "SELECT Id FROM Contact WHERE Title = 'Clerk'", False),
        ("WHERE Birthdate > 1700-01-02", "WHERE Birthdate > 1990-05-06", True),
        ("WHERE Phone = '+0 000 000 0001'", "WHERE Phone = '+46 70 123 45 67'", True),
        ("WHERE Code__c = '12'", "WHERE Code__c = '13'", False),
        ("Xxxxx1", "Smith", True),
    ],
)
def test_any_value_may_stand_where_a_stand_in_was_recorded(then: str, now: str, fits: bool) -> None:
    recorded, asked = (Asked.by(RecordedRequest("GET", "", "/query", (("q", text),))) for text in (then, now))
    assert recorded.fits(asked) is fits
