"""Archived activities: queryAll gives them as live rows, query does not."""

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller
from tests.demo_org.test_levers import by_bulk


@pytest.mark.parametrize("sobject", ["Task", "Event"])
def test_an_archived_row_comes_by_query_all_alone_and_no_stamp_moves(api: Caller, org: DemoOrg, sobject: str) -> None:
    old, new = (org.insert(sobject, Subject="Call", Description="archive test") for _ in range(2))
    (before,) = api.query(f"SELECT FIELDS(STANDARD) FROM {sobject} WHERE Id = '{old}'")
    org.advance(minutes=1)
    org.archive(sobject, old[:15])
    soql = f"SELECT Id, IsDeleted, IsArchived FROM {sobject} WHERE Id IN ('{old}', '{new}') ORDER BY Id"
    assert api.column(soql) == [new]
    found = {row["Id"]: (row["IsDeleted"], row["IsArchived"]) for row in api.query(soql, deleted=True)}
    assert found == {old: (False, True), new: (False, False)}
    assert [row["Id"] for row in by_bulk(api, soql)] == [old, new]
    assert [row["Id"] for row in by_bulk(api, soql, "query")] == [new]
    after = api.get(f"/sobjects/{sobject}/{old}").json()
    assert {name for name in before if before[name] != after[name]} == {"IsArchived"}


def test_archived_rows_are_left_out_of_record_counts(api: Caller, org: DemoOrg) -> None:
    task = org.insert("Task", Subject="Call")

    def count() -> int:
        return int(api.get("/limits/recordCount", sObjects="Task").json()["sObjects"][0]["count"])

    org.insert("Task", Subject="Stay")
    before = count()
    org.archive("Task", task)
    assert count() == before - 1


def test_only_activities_can_be_archived(org: DemoOrg) -> None:
    with pytest.raises(ValueError, match="Contact are never archived"):
        org.archive("Contact", str(org.rows("Contact")[0]["Id"]))


def test_a_task_refers_to_records_of_several_kinds_by_what_they_share(api: Caller, org: DemoOrg) -> None:
    account, lead = org.insert("Account", Name="Acme"), org.insert("Lead", LastName="Doe", Company="Acme")
    contact = org.insert("Contact", LastName="Roe", FirstName="Ann", AccountId=account)
    ids = [
        org.insert("Task", Subject="1", WhatId=account, WhoId=lead),
        org.insert("Task", Subject="2", WhoId=contact),
        org.insert("Task", Subject="3"),
    ]
    rows = api.query(
        "SELECT Who.Name, Who.Type, What.Name, What.Type, Account.Name FROM Task "
        f"WHERE Id IN ('{ids[0]}', '{ids[1]}', '{ids[2]}') ORDER BY Subject"
    )
    assert [row["Who"] and (row["Who"]["Type"], row["Who"]["Name"]) for row in rows] == [
        ("Lead", "Doe"),
        ("Contact", "Ann Roe"),
        None,
    ]
    assert rows[0]["What"] == {
        "attributes": {"type": "Name", "url": f"/services/data/v66.0/sobjects/Account/{account}"},
        "Name": "Acme",
        "Type": "Account",
    }
    assert [row["Account"] and row["Account"]["Name"] for row in rows] == ["Acme", "Acme", None]
    assert api.column("SELECT Id FROM Task WHERE What.Type = 'Account' AND What.Name = 'Acme'") == [ids[0]]
    assert api.refusal("SELECT What.Industry FROM Task") == (
        "INVALID_FIELD",
        "No such column 'Industry' on entity 'Name'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names.",
    )
    fields = {field["name"]: field for field in api.get("/sobjects/Task/describe").json()["fields"]}
    assert (fields["WhoId"]["referenceTo"], fields["WhoId"]["namePointing"]) == (["Contact", "Lead"], True)


def test_tasks_are_deleted_with_what_they_are_about(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Acme")
    task = org.insert("Task", Subject="x", WhatId=account)
    org.delete("Account", account)
    assert api.column(f"SELECT IsDeleted FROM Task WHERE Id = '{task}'", "IsDeleted", deleted=True) == [True]
    with pytest.raises(Exception, match="id value of incorrect type"):
        org.insert("Task", Subject="x", WhatId=org.user_id)
