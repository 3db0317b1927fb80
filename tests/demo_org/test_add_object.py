"""An object that is added answers as the org's own do: described, queried, replicated, counted, exported."""

import csv
import io
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller

START, END = "2026-03-14T12:00:00Z", "2026-03-14T12:59:00Z"


@pytest.fixture
def sites(org: DemoOrg) -> DemoOrg:
    """An org with regions, and sites that lie in them."""
    org.add_object("Region__c", label="Region", fields={"Code__c": "string"})
    org.add_object("Site__c", fields={"Area__c": "double", "IsOpen__c": "boolean"})
    org.add_lookup("Site__c", "Region__c", "Region__c")
    org.add_lookup("Site__c", "AccountId", "Account")
    return org


def test_it_is_described_with_what_every_object_has(api: Caller, sites: DemoOrg) -> None:
    about: Any = api.get("/sobjects/Region__c/describe").json()
    fields = {field["name"]: field for field in about["fields"]}
    stamps = ["CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"]
    assert [*fields] == ["Id", "Name", "IsDeleted", "OwnerId", *stamps, "Code__c"]
    assert (about["custom"], about["replicateable"], about["label"]) == (True, True, "Region")
    assert fields["Code__c"]["custom"] is True
    assert "Region__c" in [each["name"] for each in api.get("/sobjects").json()["sobjects"]]


def test_its_rows_have_ids_of_their_own_prefix(api: Caller, sites: DemoOrg) -> None:
    region, site = sites.insert("Region__c", Name="North"), sites.insert("Site__c", Name="Quay")
    prefixes = {each["name"]: each["keyPrefix"] for each in api.get("/sobjects").json()["sobjects"]}
    assert (region[:3], site[:3]) == (prefixes["Region__c"], prefixes["Site__c"])
    assert len(set(prefixes.values())) == len([name for name in prefixes if not name.endswith(("History", "Feed"))]) + 1


def test_queries_follow_its_lookups(api: Caller, sites: DemoOrg) -> None:
    account = sites.insert("Account", Name="Acme")
    region = sites.insert("Region__c", Name="North", Code__c="N")
    sites.insert("Site__c", Name="Quay", Region__c=region, AccountId=account, Area__c=-1.5)
    sites.insert("Site__c", Name="Nowhere")
    soql = "SELECT Name, Area__c, IsOpen__c, Region__r.Code__c, Region__r.Owner.Name, Account.Name FROM Site__c"
    quay, nowhere = api.query(f"{soql} ORDER BY Name DESC")
    assert (quay["Name"], quay["Area__c"], quay["IsOpen__c"]) == ("Quay", -1.5, False)
    assert (quay["Region__r"]["Code__c"], quay["Account"]["Name"]) == ("N", "Acme")
    assert quay["Region__r"]["Owner"]["Name"] == "Ada Admin"
    assert (nowhere["Region__r"], nowhere["Account"]) == (None, None)
    assert api.column("SELECT Name FROM Site__c WHERE Region__r.Code__c = 'N'", "Name") == ["Quay"]


def test_its_changes_and_deletions_are_replicated_and_counted(api: Caller, sites: DemoOrg) -> None:
    kept, gone = sites.insert("Region__c", Name="North"), sites.insert("Region__c", Name="South")
    sites.delete("Region__c", gone)
    assert api.get("/sobjects/Region__c/updated", start=START, end=END).json()["ids"] == [kept]
    deleted = api.get("/sobjects/Region__c/deleted", start=START, end=END).json()["deletedRecords"]
    assert [each["id"] for each in deleted] == [gone]
    counts = api.get("/limits/recordCount", sObjects="Region__c").json()
    assert counts == {"sObjects": [{"count": 1, "name": "Region__c"}]}
    assert api.column("SELECT Id FROM Region__c WHERE IsDeleted = true", deleted=True) == [gone]
    sites.undelete("Region__c", gone)
    assert api.column("SELECT Id FROM Region__c ORDER BY Id") == sorted([kept, gone])


def test_bulk_exports_it_and_rest_writes_it(api: Caller, sites: DemoOrg) -> None:
    made = api.send("POST", "/sobjects/Site__c", {"Name": "Quay", "Area__c": 2.5}).json()
    job = api.send("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id, Area__c FROM Site__c"}).json()
    while api.get(f"/jobs/query/{job['id']}").json()["state"] != "JobComplete":
        pass
    rows = [*csv.DictReader(io.StringIO(api.get(f"/jobs/query/{job['id']}/results").text))]
    assert [(row["Id"], float(row["Area__c"])) for row in rows] == [(made["id"], 2.5)]


def test_one_without_changes_has_no_stamps_and_is_not_replicated(api: Caller, org: DemoOrg) -> None:
    org.add_object("QueueSetting", fields={"Value": "string"}, changes=False)
    org.insert("QueueSetting", Value="57")
    about: Any = api.get("/sobjects/QueueSetting/describe").json()
    assert [field["name"] for field in about["fields"]] == ["Id", "Name", "Value"]
    assert about["replicateable"] is False
    assert about["custom"] is False
    assert api.get("/sobjects/QueueSetting/updated", start=START, end=END).status_code == 400
    assert api.column("SELECT Value FROM QueueSetting", "Value") == ["57"]


def test_an_object_is_added_once(sites: DemoOrg) -> None:
    with pytest.raises(ValueError, match="an object called REGION__C already"):
        sites.add_object("REGION__C")
