"""What a test can do to the org so that a copy goes wrong: formulas, fields, sharing and queries that take too long."""

import csv
import io
from collections.abc import Mapping
from datetime import date

import pytest

from orgsync.demo_org import DemoOrg, Scope
from tests.demo_org.caller import Caller
from tests.demo_org.conftest import NOW

WINDOW = {"start": "2026-03-14T12:00:00Z", "end": "2026-03-14T12:59:00Z"}


def by_bulk(api: Caller, soql: str, operation: str = "queryAll") -> list[dict[str, str]]:
    job_id = api.send("POST", "/jobs/query", {"operation": operation, "query": soql}).json()["id"]
    for _ in range(2):
        api.get(f"/jobs/query/{job_id}")
    return list(csv.DictReader(io.StringIO(api.get(f"/jobs/query/{job_id}/results").text, newline="")))


def test_a_formula_over_the_parent_changes_and_no_stamp_moves(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="x", Rating="Hot")
    contact = org.insert("Contact", LastName="x", AccountId=account)
    soql = f"SELECT Account_Rating__c, SystemModstamp FROM Contact WHERE Id = '{contact}'"
    (before,) = api.query(soql)
    org.advance(minutes=1)
    org.update("Account", account, Rating="Cold")
    (after,) = api.query(soql)
    assert (before["Account_Rating__c"], after["Account_Rating__c"]) == ("Hot", "Cold")
    assert before["SystemModstamp"] == after["SystemModstamp"]
    assert by_bulk(api, soql)[0]["Account_Rating__c"] == "Cold"
    assert org.rows("Contact")[-1]["Account_Rating__c"] == "Cold"


def test_a_formula_over_the_day_changes_with_it(api: Caller, org: DemoOrg) -> None:
    contact = org.insert("Contact", LastName="x", Birthdate="1990-03-15")
    soql = f"SELECT Age__c FROM Contact WHERE Id = '{contact}'"
    assert api.column(soql, "Age__c") == [35.0]
    org.advance(days=1)
    api.sign_in()
    assert api.column(soql, "Age__c") == [36.0]
    assert api.get(f"/sobjects/Contact/{contact}", fields="Age__c").json()["Age__c"] == 36.0


def test_a_formula_of_ones_own_is_described_read_and_filtered_and_not_written(api: Caller, org: DemoOrg) -> None:
    def days_left(row: Mapping[str, object], scope: Scope) -> float | None:
        closes = row.get("CloseDate")
        return float((closes - scope.today).days) if isinstance(closes, date) else None

    org.add_field("Opportunity", "Days_Left__c", type="double", formula=days_left)
    fields = {field["name"]: field for field in api.get("/sobjects/Opportunity/describe").json()["fields"]}
    described = fields["Days_Left__c"]
    assert (described["calculated"], described["createable"], described["updateable"]) == (True, False, False)
    deal = org.insert("Opportunity", Name="x", StageName="Open", CloseDate="2026-03-20")
    assert api.column("SELECT Id FROM Opportunity WHERE Days_Left__c = 6") == [deal]
    refused = api.send("PATCH", f"/sobjects/Opportunity/{deal}", {"Days_Left__c": 1})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


@pytest.mark.parametrize(
    ("old", "new", "value", "converted"),
    [
        ("string", "double", "12.5", 12.5),
        ("string", "double", "many", None),
        ("double", "string", 12.5, "12.5"),
        ("string", "date", "2026-01-31", "2026-01-31"),
        ("string", "boolean", "perhaps", False),
        ("boolean", "string", True, "true"),
        ("string", "email", "no address", None),
    ],
)
def test_a_fields_type_changes_and_what_it_cannot_hold_is_lost(
    api: Caller, org: DemoOrg, old: str, new: str, value: object, converted: object
) -> None:
    org.add_field("Contact", "Level__c", type=old)
    contact = org.insert("Contact", LastName="x", Level__c=value)
    stamp = org.rows("Contact")[-1]["SystemModstamp"]
    org.advance(minutes=1)
    org.change_field_type("Contact", "level__c", new)
    fields = {field["name"]: field for field in api.get("/sobjects/Contact/describe").json()["fields"]}
    assert fields["Level__c"]["type"] == new
    assert api.column(f"SELECT Level__c FROM Contact WHERE Id = '{contact}'", "Level__c") == [converted]
    assert org.rows("Contact")[-1]["SystemModstamp"] == stamp


def test_a_removed_field_is_unknown_and_its_values_do_not_come_back(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Level__c")
    org.insert("Contact", LastName="x", Level__c="Gold")
    org.remove_field("Contact", "LEVEL__c")
    assert api.refusal("SELECT Level__c FROM Contact")[0] == "INVALID_FIELD"
    assert "Level__c" not in org.rows("Contact")[0]
    org.add_field("Contact", "Level__c")
    assert all(row["Level__c"] is None for row in org.rows("Contact"))
    for lever in (org.hide_field, org.remove_field):
        with pytest.raises(KeyError):
            lever("Contact", "Nothing__c")


def test_an_object_grows_wide_at_once_and_then_is_too_wide_for_a_uri() -> None:
    with DemoOrg(contacts=250, accounts=5, now=NOW) as org, Caller(org) as api:
        names = [f"A_Field_Of_A_Wide_Object_{number:03}__c" for number in range(700)]
        for name in names:
            org.add_field("Contact", name)
        org.update("Contact", str(org.rows("Contact")[0]["Id"]), **{names[-1]: "x"})
        soql = f"SELECT Id, {', '.join(names)} FROM Contact"
        assert api.get("/query", q=soql).status_code == 414
        found = by_bulk(api, soql)
        assert len(found) == 250
        assert found[0][names[-1]] == "x"


def test_rows_that_are_not_shared_are_seen_nowhere_and_no_stamp_moves(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    hidden, shown = (org.insert("Contact", LastName="x", Key__c=key) for key in ("hidden", "shown"))
    gone = org.insert("Contact", LastName="x")
    org.delete("Contact", gone)
    stamps = {row["Id"]: row["SystemModstamp"] for row in org.rows("Contact")}
    org.advance(minutes=1)
    org.restrict_rows("Contact", [hidden, gone])
    soql = "SELECT Id FROM Contact WHERE LastName = 'x'"
    assert api.column(soql) == api.column(soql, deleted=True) == [shown]
    assert [row["Id"] for row in by_bulk(api, soql)] == [shown]
    assert api.get("/query", q="SELECT COUNT() FROM Contact").json()["totalSize"] == 26
    assert api.fetch("/sobjects/Contact/updated", WINDOW).json()["ids"] == [shown]
    assert api.fetch("/sobjects/Contact/deleted", WINDOW).json()["deletedRecords"] == []
    for method in ("GET", "PATCH", "DELETE"):
        assert api.send(method, f"/sobjects/Contact/{hidden}", {}).status_code == 404
    assert api.get("/sobjects/Contact/Key__c/hidden").status_code == 404
    assert api.get("/sobjects/Contact/Key__c/shown").json()["Id"] == shown
    assert api.send("POST", "/composite/sobjects/Contact", {"ids": [hidden], "fields": ["Id"]}).json() == [None]
    assert {row["Id"]: row["SystemModstamp"] for row in org.rows("Contact")} == stamps
    org.restrict_rows("Contact", [])
    assert set(api.column(soql, deleted=True)) == {hidden, shown, gone}


def test_a_parent_that_is_not_shared_reads_as_null_but_formulas_see_it(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Parent", Rating="Hot")
    contact = org.insert("Contact", LastName="x", AccountId=account)
    org.restrict_rows("Account", [account[:15]])
    (row,) = api.query(f"SELECT Account.Name, Account_Rating__c, AccountId FROM Contact WHERE Id = '{contact}'")
    assert (row["Account"], row["Account_Rating__c"], row["AccountId"]) == (None, "Hot", account)
    assert api.query("SELECT Id FROM Contact WHERE Account.Name = 'Parent'") == []
    org.show_everything()
    assert api.column("SELECT Id FROM Contact WHERE Account.Name = 'Parent'") == [contact]


def test_a_query_that_matches_too_many_rows_times_out_whatever_its_limit(api: Caller, org: DemoOrg) -> None:
    org.query_timeout_rows = 24
    ids = [row["Id"] for row in org.rows("Contact")]
    for soql in (
        "SELECT Id FROM Contact",
        "SELECT Id FROM Contact ORDER BY Id LIMIT 1",
        "SELECT COUNT() FROM Contact",
        "SELECT COUNT(Id) FROM Contact",
    ):
        for resource in ("/query", "/queryAll"):
            answer = api.get(resource, q=soql)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "QUERY_TIMEOUT")
    assert api.column(f"SELECT Id FROM Contact WHERE Id > '{ids[0]}' ORDER BY Id") == ids[1:]
    assert [row["Id"] for row in by_bulk(api, "SELECT Id FROM Contact")] == ids
    org.query_timeout_rows = None
    assert api.column("SELECT Id FROM Contact") == ids


def test_a_few_fields_of_the_truth_are_read_alone(org: DemoOrg) -> None:
    whole = org.rows("Contact", deleted=True)
    some = org.rows("contact", fields=["Id", "account_rating__c"], deleted=True)
    assert some == [{name: row[name] for name in ("Id", "Account_Rating__c")} for row in whole]
    with pytest.raises(KeyError, match="Nothing"):
        org.rows("Contact", fields=["Nothing"])
