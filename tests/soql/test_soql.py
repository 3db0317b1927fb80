"""SOQL text: no value becomes syntax, and nothing is left unbound."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgsync.errors import QueryRefused
from orgsync.soql import bind, condition_of, contains, literal, select


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        ("O'Neil", r"'O\'Neil'"),
        ("a\\b\n\t\r", r"'a\\b\n\t\r'"),
        (7, "7"),
        (1.5, "1.5"),
        (1e21, "1000000000000000000000"),
        (Decimal("0.10"), "0.10"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 10, 15, tzinfo=UTC), "2026-01-31T10:15:00Z"),
        (datetime(2026, 1, 31, 10, 15, 0, 5000, tzinfo=UTC), "2026-01-31T10:15:00.005Z"),
        (datetime(2026, 1, 31, 10, 15, tzinfo=timezone(timedelta(hours=1))), "2026-01-31T09:15:00Z"),
        (["a", "b"], "('a', 'b')"),
        ((1, 2), "(1, 2)"),
    ],
)
def test_python_values_have_soql_literals(value: object, written: str) -> None:
    assert literal(value) == written


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (datetime(2026, 1, 1), "without a time zone"),  # the mistake that is tested
        ([], "empty list"),
        ({"a": 1}, "type dict"),
        (b"x", "type bytes"),
        (object(), "type object"),
    ],
)
def test_what_soql_has_no_literal_for_is_refused(value: object, cause: str) -> None:
    with pytest.raises(QueryRefused, match=cause):
        literal(value)


@given(st.text())
def test_no_text_can_end_its_own_quotes(text: str) -> None:
    quoted = literal(text)
    body = quoted[1:-1].replace("\\\\", "").replace("\\'", "")
    assert quoted[0] == quoted[-1] == "'"
    assert "'" not in body
    assert not body.endswith("\\")


def test_binds_take_their_values_and_quoted_text_is_left_alone() -> None:
    soql = "SELECT Id FROM Case WHERE Status=:status AND Subject = 'at :status' AND Id IN :ids AND CreatedDate > :since"
    bound = bind(soql, {"status": "New' OR Name != '", "ids": ["500"], "since": datetime(2026, 1, 1, tzinfo=UTC)})
    assert bound == (
        "SELECT Id FROM Case WHERE Status='New\\' OR Name != \\'' AND Subject = 'at :status' "
        "AND Id IN ('500') AND CreatedDate > 2026-01-01T00:00:00Z"
    )


def test_the_colons_of_literals_are_not_binds() -> None:
    soql = "SELECT Id FROM Case WHERE CreatedDate > 2026-01-01T10:15:00Z AND CreatedDate = LAST_N_DAYS:30"
    assert bind(soql, {}) == soql


def test_a_name_without_a_value_is_refused() -> None:
    with pytest.raises(QueryRefused, match="has :status, but no value"):
        bind("SELECT Id FROM Case WHERE Status = :status", {})


def test_a_value_without_a_place_is_refused() -> None:
    with pytest.raises(QueryRefused, match="no place for stauts"):
        bind("SELECT Id FROM Case", {"stauts": "New"})


@pytest.mark.parametrize("where", ["Name IN :names", "NOT Name not  in:names", "Kinds__c INCLUDES :names"])
def test_one_value_in_the_place_of_a_list_is_refused(where: str) -> None:
    with pytest.raises(QueryRefused, match="takes a list, but the value of names is of type str") as caught:
        bind(f"SELECT Id FROM Account WHERE {where}", {"names": "Acme"})
    assert "names=[...]" in caught.value.remedy


@pytest.mark.parametrize(
    ("where", "remedy"),
    [
        ("Name = :names", "Write IN :names, or"),
        ("Name LIKE :names", "Write IN :names, or"),
        ("Name IN (:names)", "without parentheses"),
    ],
)
def test_a_list_in_the_place_of_one_value_is_refused(where: str, remedy: str) -> None:
    with pytest.raises(QueryRefused, match="names is a list, but :names stands where SOQL takes one value") as caught:
        bind(f"SELECT Id FROM Account WHERE {where}", {"names": ["Acme"]})
    assert remedy in caught.value.remedy


def test_values_one_by_one_in_parentheses_are_bound() -> None:
    bound = bind("SELECT Id FROM Account WHERE Name IN (:one, :two)", {"one": "A", "two": "B"})
    assert bound.endswith("IN ('A', 'B')")


def test_conditions_are_joined_in_parentheses() -> None:
    assert select(["Id"], "Case") == "SELECT Id FROM Case"
    assert select(["Id", "Name"], "Case", where=[None, "A = 1"], order_by=["Id"]) == (
        "SELECT Id, Name FROM Case WHERE A = 1 ORDER BY Id"
    )
    assert select(["Id"], "Case", where=["A = 1 OR B = 2", "C = 3"]) == (
        "SELECT Id FROM Case WHERE (A = 1 OR B = 2) AND (C = 3)"
    )


def test_contains_lists_ids() -> None:
    assert contains("Id", ["a", "b"]) == "Id IN ('a', 'b')"


@pytest.mark.parametrize(
    ("condition", "parents"),
    [
        (None, []),
        ("Name = 'Account.Name'", []),
        ("Account.Industry = 'X' AND Account.Owner.Name = 'Y'", ["Account", "Account.Owner"]),
        ("Contact.Name = 'X'", []),
        ("Amount > 1.5", []),
    ],
)
def test_a_condition_names_the_parents_that_it_looks_through(condition: str | None, parents: list[str]) -> None:
    assert condition_of(condition, "Contact").parents == parents
