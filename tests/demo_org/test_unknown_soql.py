"""SOQL that the demo org does not know is refused in its own voice; what is merely parsed changes nothing."""

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller


@pytest.mark.parametrize(
    ("soql", "what"),
    [
        ("SELECT LeadSource, COUNT(Id) FROM Contact GROUP BY LeadSource HAVING COUNT(Id) > 1", "know HAVING"),
        ("SELECT TYPEOF What WHEN Account THEN Phone END FROM Task", "know TYPEOF"),
        ("SELECT FORMAT(Amount) FROM Opportunity", "know the function FORMAT()"),
        ("SELECT toLabel(StageName) FROM Opportunity", "know the function TOLABEL()"),
        ("SELECT convertCurrency(Amount) FROM Opportunity", "know the function CONVERTCURRENCY()"),
        ("SELECT Id FROM Contact WHERE CALENDAR_YEAR(CreatedDate) = 2026", "know the date function CALENDAR_YEAR()"),
        ("SELECT Id FROM Contact USING SCOPE mine", "know USING SCOPE MINE"),
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
