"""SOQL that the demo org does not know is refused in its own voice; what is merely parsed changes nothing."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller


@pytest.mark.parametrize(
    ("soql", "what"),
    [
        ("SELECT Id FROM Contact USING SCOPE team", "know USING SCOPE TEAM"),
        ("SELECT Id FROM Account WITH DATA CATEGORY Geography__c AT usa__c", "know WITH DATA CATEGORY"),
        ("SELECT Id FROM Account WHERE DISTANCE(A__c, GEOLOCATION(1,1), 'mi') < 20", "know the function DISTANCE()"),
        ("FIND {acme} IN ALL FIELDS RETURNING Account", "know SOSL (FIND)"),
        (
            "SELECT LeadSource, COUNT(Id) FROM Contact GROUP BY ROLLUP(LeadSource)",
            "know GROUP BY ROLLUP and GROUP BY CUBE",
        ),
    ],
)
def test_soql_that_the_demo_org_does_not_know_is_refused_in_its_own_voice(
    api: Caller, org: DemoOrg, soql: str, what: str
) -> None:
    answer = api.get("/query", q=soql)
    message = f"The demo org does not {what}."
    assert (answer.status_code, answer.json()) == (501, [{"message": message, "errorCode": "NOT_IMPLEMENTED"}])
    assert org.unserved == [message]


def test_words_inside_of_a_text_are_no_unknown_soql(api: Caller, org: DemoOrg) -> None:
    assert api.refusal("SELECT Id FROM Contact WHERE LastName == 'having format(x)'")[0] == "MALFORMED_QUERY"
    assert org.unserved == []


@pytest.mark.parametrize(
    "clause",
    ["USING SCOPE everything", "WITH SECURITY_ENFORCED", "WITH USER_MODE", "FOR VIEW", "for reference", "FOR UPDATE"],
)
def test_clauses_that_change_no_rows_are_taken(api: Caller, clause: str) -> None:
    assert len(api.query(f"SELECT Id FROM Contact {clause}")) == 25


def test_all_rows_is_for_apex_alone(api: Caller) -> None:
    assert api.refusal("SELECT Id FROM Contact ALL ROWS") == (
        "MALFORMED_QUERY",
        "ALL ROWS not allowed in this context",
    )


def test_the_scope_mine_holds_what_the_user_owns(api: Caller, org: DemoOrg) -> None:
    org.insert("Contact", LastName="own", OwnerId=org.user_id)
    owned = sorted(str(row["Id"]) for row in org.rows("Contact") if row["OwnerId"] == org.user_id)
    assert sorted(api.column("SELECT Id FROM Contact USING SCOPE mine")) == owned
    assert 0 < len(owned) < len(org.rows("Contact"))
    code, message = api.refusal("SELECT Id FROM User USING SCOPE mine")
    assert (code, message) == ("MALFORMED_QUERY", "USING SCOPE mine is not supported for User")


def test_typeof_gives_each_parent_the_fields_of_its_kind(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="a", Industry="Energy")
    deal = org.insert("Opportunity", Name="o", StageName="Prospecting", CloseDate=org.now.date(), Amount=5.0)
    case = org.insert("Case", Subject="c")
    ids = [org.insert("Task", Subject="typeof", WhatId=what) for what in (account, deal, case, None)]
    found: dict[str, dict[str, Any] | None]
    start = "SELECT Id, TYPEOF What WHEN Account THEN Industry, Name WHEN Opportunity THEN Amount"
    found = {row["Id"]: row["What"] for row in api.query(f"{start} ELSE Name END FROM Task WHERE Subject = 'typeof'")}
    parents = [found[each] or {} for each in ids]
    kinds = [parent["attributes"]["type"] for parent in parents[:2]]
    shown = [{name: value for name, value in parent.items() if name != "attributes"} for parent in parents]
    number = api.column(f"SELECT CaseNumber FROM Case WHERE Id = '{case}'", "CaseNumber")[0]
    assert kinds == ["Account", "Opportunity"]
    assert shown == [{"Industry": "Energy", "Name": "a"}, {"Amount": 5.0}, {"Name": number}, {}]
    assert found[ids[3]] is None
    plain = {row["Id"]: row["What"] for row in api.query(f"{start} END FROM Task WHERE Subject = 'typeof'")}
    assert list(plain[ids[2]]) == ["attributes"]


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        (
            "SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact",
            "TYPEOF takes a relationship to several objects; 'Account' is none",
        ),
        ("SELECT TYPEOF What WHEN Contact THEN Name END FROM Task", "'What' does not refer to 'Contact'"),
    ],
)
def test_typeof_of_what_it_does_not_take_is_malformed(api: Caller, soql: str, message: str) -> None:
    assert api.refusal(soql) == ("MALFORMED_QUERY", message)


def test_bulk_refuses_typeof_and_says_that_it_does_not_know_functions(api: Caller) -> None:
    what = "SELECT TYPEOF What WHEN Account THEN Name END FROM Task"
    answer = api.send("POST", "/jobs/query", {"operation": "query", "query": what})
    assert (answer.status_code, answer.json()[0]["message"]) == (400, "TYPEOF not supported in Bulk Query")
    answer = api.send("POST", "/jobs/query", {"operation": "query", "query": "SELECT FORMAT(CreatedDate) FROM Task"})
    assert answer.status_code == 501
