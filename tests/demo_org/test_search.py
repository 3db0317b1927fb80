"""SOSL, parameterized search and the recent records."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller
from tests.demo_org.ingest import refusal


@pytest.fixture
def people(org: DemoOrg) -> DemoOrg:
    org.insert("Account", Name="Quixotic Pumps", Phone="555-0100", Description="Largest maker of zebra pumps")
    org.insert("Contact", LastName="Quixote", FirstName="Alonso", Email="alonso@zebra.example", Title="Knight")
    org.insert("Contact", LastName="Panza", FirstName="Sancho", Title="Squire of Quixote")
    org.insert("Lead", LastName="Quixote", Company="La Mancha")
    return org


def found(api: Caller, sosl: str) -> list[Any]:
    answer = api.get("/search", q=sosl)
    assert answer.status_code == 200, answer.text
    records: list[Any] = answer.json()["searchRecords"]
    return records


def kinds(records: list[Any]) -> list[str]:
    return [record["attributes"]["type"] for record in records]


def test_a_search_without_objects_returns_ids_of_all_kinds(api: Caller, people: DemoOrg) -> None:
    records = found(api, "FIND {quixote}")
    assert kinds(records) == ["Contact", "Contact", "Lead"]
    assert {*records[0]} == {"attributes", "Id"}
    assert "queryid" in api.get("/search", q="FIND {quixote}").headers


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        ("quix*", ["Panza", "Quixote"]),
        ("quix*te", ["Panza", "Quixote"]),
        ("quixot?", ["Panza", "Quixote"]),
        ("quixote AND sancho", ["Panza"]),
        ("quixote sancho", ["Panza"]),
        ("sancho OR alonso", ["Panza", "Quixote"]),
        ("quixote AND NOT (sancho OR pancho)", ["Quixote"]),
        ('"squire of quixote"', ["Panza"]),
        ('"quixote squire"', []),
        ("alonso@zebra.example", ["Quixote"]),
        ("quixo", []),
    ],
)
def test_words_phrases_wildcards_and_operators(api: Caller, people: DemoOrg, terms: str, names: list[str]) -> None:
    records = found(api, f"FIND {{{terms}}} RETURNING Contact(LastName ORDER BY LastName)")
    assert [record["LastName"] for record in records] == names


def test_groups_of_fields_and_clauses_narrow_a_search(api: Caller, people: DemoOrg) -> None:
    sosl = (
        "FIND {quixote} IN NAME FIELDS RETURNING Contact(FirstName, Account.Name WHERE Title != null LIMIT 5), Lead(Id)"
    )
    records = found(api, sosl)
    assert kinds(records) == ["Contact", "Contact", "Lead"]
    assert {*records[0]} == {"attributes", "FirstName", "Account"}
    assert kinds(found(api, "FIND {zebra} IN EMAIL FIELDS RETURNING Account, Contact")) == ["Contact"]
    assert kinds(found(api, "FIND {zebra} RETURNING Account, Contact LIMIT 1")) == ["Account"]
    assert len(found(api, "FIND {quixote} RETURNING Contact(Id ORDER BY LastName LIMIT 1 OFFSET 1)")) == 1


def test_no_more_than_the_share_of_an_object_is_returned(api: Caller, org: DemoOrg) -> None:
    for number in range(260):
        org.insert("Contact", LastName=f"Rocinante {number}")
    assert len(found(api, "FIND {rocinante} RETURNING Contact")) == 250
    assert len(found(api, "FIND {rocinante} RETURNING Contact(Id LIMIT 255)")) == 255


@pytest.mark.parametrize(
    ("sosl", "status", "code"),
    [
        ("FIND quixote", 400, "MALFORMED_SEARCH"),
        ("FIND {q}", 400, "MALFORMED_SEARCH"),
        ("FIND {*uixote}", 400, "MALFORMED_SEARCH"),
        ("FIND {(quixote}", 400, "MALFORMED_SEARCH"),
        ("FIND {quixote} RETURNING", 400, "MALFORMED_SEARCH"),
        ("FIND {quixote} RETURNING Contact(Id", 400, "MALFORMED_SEARCH"),
        ("FIND {quixote} IN SOME FIELDS", 400, "MALFORMED_SEARCH"),
        ("FIND {quixote} RETURNING Contact(Nme)", 400, "INVALID_FIELD"),
        ("FIND {quixote} RETURNING ContactHistory", 400, "INVALID_TYPE"),
        ("FIND {quixote} WITH SNIPPET", 501, "NOT_IMPLEMENTED"),
        ("FIND {quixote} RETURNING Contact(Id USING ListView=Mine)", 501, "NOT_IMPLEMENTED"),
    ],
)
def test_what_is_no_search_is_refused(api: Caller, org: DemoOrg, sosl: str, status: int, code: str) -> None:
    assert refusal(api.get("/search", q=sosl))[:2] == (status, code)


def test_a_parameterized_search_says_the_same(api: Caller, people: DemoOrg) -> None:
    url = "/parameterizedSearch?q=quixote&sobject=Contact&sobject=Lead&Contact.fields=Id,LastName&Contact.limit=1"
    records = api.get(url).json()["searchRecords"]
    assert kinds(records) == ["Contact", "Lead"]
    assert {*records[0]} == {"attributes", "Id", "LastName"}
    asked = {
        "q": "quixote",
        "in": "NAME",
        "fields": ["Id"],
        "sobjects": [{"name": "Contact", "fields": ["FirstName"], "where": "Title LIKE 'Kn%'"}, {"name": "Lead"}],
        "overallLimit": 5,
    }
    records = api.send("POST", "/parameterizedSearch", asked).json()["searchRecords"]
    assert kinds(records) == ["Contact", "Lead"]
    assert records[0]["FirstName"] == "Alonso"
    assert refusal(api.send("POST", "/parameterizedSearch", {"q": "quixote", "snippet": 1}))[0] == 501
    assert refusal(api.get("/parameterizedSearch"))[1] == "MALFORMED_SEARCH"


def test_what_a_user_has_viewed_is_recent(api: Caller, org: DemoOrg) -> None:
    assert api.get("/recent").json() == []
    someone, account = org.insert("Contact", LastName="Seen", FirstName="Ann"), org.insert("Account", Name="Acme")
    for sobject, record_id in (("Contact", someone), ("Account", account), ("Contact", someone)):
        org.view(sobject, record_id)
    first, second = api.get("/recent").json()
    assert (first["Id"], first["Name"], first["attributes"]["type"]) == (someone, "Ann Seen", "Contact")
    assert second["Id"] == account
    assert len(api.get("/recent", limit="1").json()) == 1
    assert api.get("/recent", limit="none").status_code == 400
    assert [each["Id"] for each in api.get("/sobjects/Account").json()["recentItems"]] == [account]
    org.delete("Contact", someone)
    assert [each["Id"] for each in api.get("/recent").json()] == [account]
