"""Token answers as Salesforce writes them, with and without the parts it leaves out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orgsync.errors import ResponseUnreadable
from orgsync.salesforce.auth.token_response import parse_token_response, same_org
from orgsync.salesforce.http.http import JSON

ORG, USER = "00DDo000000rryBMAQ", "005Do000000PVvJIAW"


def document(**changes: JSON) -> JSON:
    whole: dict[str, JSON] = {
        "access_token": "00DDo000000rryB!AQEAQ",
        "signature": "sig=",
        "scope": "refresh_token api",
        "instance_url": "https://howdy.my.salesforce.com",
        "id": f"https://login.salesforce.com/id/{ORG}/{USER}",
        "token_type": "Bearer",
        "issued_at": "1681216544357",
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def test_a_whole_answer_is_read() -> None:
    answer = parse_token_response(document(refresh_token="5Aep", expires_in=7200))
    assert answer.access_token == "00DDo000000rryB!AQEAQ"
    assert (answer.org_id, answer.user_id) == (ORG, USER)
    assert answer.instance_url == "https://howdy.my.salesforce.com"
    assert answer.scope == "refresh_token api"
    assert answer.refresh_token == "5Aep"
    assert answer.expires_in == 7200
    assert answer.issued_at == datetime(2023, 4, 11, 12, 35, 44, 357000, tzinfo=UTC)


def test_a_refresh_answer_without_a_refresh_token_has_none() -> None:
    assert parse_token_response(document()).refresh_token is None
    assert parse_token_response(document()).expires_in is None


def test_an_answer_without_an_id_is_reported_by_the_token_itself() -> None:
    answer = parse_token_response(document(id=None))
    assert answer.org_id == "00DDo000000rryB"
    assert answer.user_id is None


def test_a_token_that_is_a_jwt_tells_no_org() -> None:
    assert parse_token_response(document(id=None, access_token="eyJ0.eyJz.sig")).org_id is None


@pytest.mark.parametrize("url", ["https://howdy.my.salesforce.com/", "https://howdy.my.salesforce.com//"])
def test_a_trailing_slash_of_the_instance_url_is_dropped(url: str) -> None:
    assert parse_token_response(document(instance_url=url)).instance_url == "https://howdy.my.salesforce.com"


@pytest.mark.parametrize("stamp", [None, "", "soon", True, -1, "-5", "nan", "inf", "1e999", 10**14 * 9, [], "0"])
def test_an_instant_that_is_missing_or_garbled_is_none(stamp: JSON) -> None:
    assert parse_token_response(document(issued_at=stamp)).issued_at is None


def test_a_number_instead_of_a_string_of_digits_is_read_too() -> None:
    assert parse_token_response(document(issued_at=1681216544357)).issued_at is not None
    assert parse_token_response(document(expires_in="3600")).expires_in == 3600


@pytest.mark.parametrize("body", [None, [], "text", 1, {}, {"access_token": ""}, {"access_token": None}])
def test_an_answer_without_an_access_token_is_unreadable(body: JSON) -> None:
    with pytest.raises(ResponseUnreadable, match="neither a token nor an error"):
        parse_token_response(body)


def test_org_ids_of_15_and_18_characters_are_the_same_org_and_case_counts() -> None:
    assert same_org(ORG, ORG[:15])
    assert same_org(ORG[:15], ORG)
    assert not same_org(ORG, ORG.swapcase())
    assert not same_org(ORG, "00DDo000000rryCMAQ")


def test_a_repr_shows_no_token() -> None:
    text = repr(parse_token_response(document(refresh_token="5Aep-secret")))
    assert "AQEAQ" not in text
    assert "5Aep-secret" not in text


VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
NAMES = st.sampled_from(["access_token", "id", "issued_at", "instance_url", "refresh_token", "scope", "expires_in"])


@settings(deadline=None)
@given(body=st.dictionaries(NAMES, VALUES))
def test_any_object_is_an_answer_or_unreadable_and_nothing_else(body: dict[str, JSON]) -> None:
    try:
        assert parse_token_response(body).access_token == body["access_token"]
    except ResponseUnreadable:
        assert not isinstance(body.get("access_token"), str) or body["access_token"] == ""
