"""An object that a test makes in one line is described, written by every way in, queried and searched."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, NewField, formula, key, lookup, picklist
from tests.demo_org.caller import Caller
from tests.demo_org.ingest import ingested, refusal


@pytest.fixture
def invoices(org: DemoOrg) -> DemoOrg:
    org.add_object(
        "Invoice__c",
        Key__c=key(),
        Total__c=NewField(type="currency", precision=8, scale=2),
        Status__c=picklist("Draft", "Sent"),
        Due__c="date",
        Paid__c="boolean",
        Notes__c="textarea",
        Account__c=lookup("Account", "Invoices__r"),
        Code__c=NewField(required=True, length=5),
        Doubled__c=formula(lambda row, _: 2.0 * float(str(row["Total__c"] or 0)), "currency"),
    )
    org.add_object("Line__c", Invoice__c=lookup("Invoice__c", "Lines__r", required=True, cascades=True))
    return org


def test_it_is_described(api: Caller, invoices: DemoOrg) -> None:
    about: Any = api.get("/sobjects/Invoice__c/describe").json()
    fields = {field["name"]: field for field in about["fields"]}
    told = fields["Key__c"]
    assert (told["externalId"], told["unique"], told["idLookup"], told["length"]) == (True, True, True, 255)
    told = fields["Total__c"]
    assert (told["type"], told["precision"], told["scale"], told["nillable"]) == ("currency", 8, 2, True)
    assert [each["value"] for each in fields["Status__c"]["picklistValues"]] == ["Draft", "Sent"]
    assert fields["Status__c"]["restrictedPicklist"] is True
    assert (fields["Account__c"]["referenceTo"], fields["Account__c"]["relationshipName"]) == (
        ["Account"],
        "Account__r",
    )
    assert (fields["Doubled__c"]["calculated"], fields["Doubled__c"]["createable"]) == (True, False)
    assert (fields["Code__c"]["nillable"], fields["Code__c"]["length"]) == (False, 5)
    (child,) = about["childRelationships"]
    assert (child["childSObject"], child["relationshipName"], child["cascadeDelete"]) == ("Line__c", "Lines__r", True)


def test_it_is_written_one_by_one_and_queried_with_its_parents_and_children(api: Caller, invoices: DemoOrg) -> None:
    account = str(invoices.rows("Account")[0]["Id"])
    fields = {"Total__c": 12.5, "Status__c": "Sent", "Due__c": "2026-04-01", "Account__c": account, "Code__c": "a"}
    made = api.send("PATCH", "/sobjects/Invoice__c/Key__c/I-1", fields).json()["id"]
    invoices.insert("Line__c", Name="One", Invoice__c=made)
    soql = "SELECT Key__c, Doubled__c, Due__c, Paid__c, Account__r.Name, (SELECT Name FROM Lines__r) FROM Invoice__c"
    (found,) = api.query(soql)
    assert (found["Key__c"], found["Doubled__c"], found["Due__c"], found["Paid__c"]) == (
        "I-1",
        25.0,
        "2026-04-01",
        False,
    )
    assert found["Account__r"]["Name"] == invoices.rows("Account")[0]["Name"]
    assert [line["Name"] for line in found["Lines__r"]["records"]] == ["One"]
    (parent,) = api.query("SELECT (SELECT Key__c FROM Invoices__r) FROM Account WHERE Id = '" + account + "'")
    assert parent["Invoices__r"]["records"][0]["Key__c"] == "I-1"
    assert api.send("DELETE", f"/sobjects/Invoice__c/{made}").status_code == 204
    assert invoices.rows("Line__c") == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"Status__c": "Lost"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Total__c": 1_000_000}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"Code__c": "longer"}, "STRING_TOO_LONG"),
        ({"Code__c": None}, "REQUIRED_FIELD_MISSING"),
        ({"Doubled__c": 1}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Key__c": "taken"}, "DUPLICATE_VALUE"),
        ({"Account__c": "003Dn0000000001AAA"}, "MALFORMED_ID"),
    ],
)
def test_its_values_are_checked(api: Caller, invoices: DemoOrg, wrong: dict[str, object], code: str) -> None:
    invoices.insert("Invoice__c", Key__c="taken", Code__c="a")
    answer = api.send("POST", "/sobjects/Invoice__c", {"Code__c": "a", **wrong})
    assert refusal(answer)[:2] == (400, code)


def test_it_is_written_by_bulk_and_as_a_tree_and_found_by_a_search(api: Caller, invoices: DemoOrg) -> None:
    invoices.add_field("Account", "Number__c", external_id=True)
    account = invoices.insert("Account", Name="Acme", Number__c="7")
    text = "Key__c,Code__c,Account__r.Number__c,Notes__c,Paid__c\nI-1,a,7,Zanzibar,true\nI-2,a,8,,\n"
    results = ingested(api, "Invoice__c", "upsert", text, externalIdFieldName="Key__c")
    assert (len(results.successful), len(results.failed)) == (1, 1)
    (row,) = invoices.rows("Invoice__c")
    assert (row["Account__c"], row["Paid__c"], row["Notes__c"]) == (account, True, "Zanzibar")
    (found,) = api.get("/search", q="FIND {zanzibar} RETURNING Invoice__c(Key__c)").json()["searchRecords"]
    assert found["Key__c"] == "I-1"
    line = {"attributes": {"type": "Line__c", "referenceId": "l"}, "Name": "One"}
    invoice = {
        "attributes": {"type": "Invoice__c", "referenceId": "i"},
        "Code__c": "b",
        "Lines__r": {"records": [line]},
    }
    assert api.send("POST", "/composite/tree/Invoice__c", {"records": [invoice]}).status_code == 201
    assert len(invoices.rows("Line__c")) == 1


def test_a_parent_must_be_there(org: DemoOrg) -> None:
    with pytest.raises(KeyError, match="nowhere__c"):
        org.add_object("Line__c", Invoice__c=lookup("Nowhere__c"))
    org.add_object("Node__c", Parent__c=lookup("Node__c", "Nodes__r"))
