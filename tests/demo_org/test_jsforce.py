"""A client in JavaScript that is not ours, jsforce, makes its ordinary calls to the demo org."""

from collections.abc import Iterator

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.conftest import NOW

from .jsforce_client import JsforceClient, jsforce_at, with_jsforce

WINDOW = ("2026-03-14T12:00:00Z", "2026-03-14T12:31:00Z")


pytestmark = with_jsforce


@pytest.fixture(scope="module")
def org() -> Iterator[DemoOrg]:
    with DemoOrg(contacts=450, accounts=30, now=NOW, page_size=200) as org:
        org.add_field("Contact", "Key__c", external_id=True)
        org.bulk_polls = 1
        yield org


@pytest.fixture(scope="module")
def client(org: DemoOrg) -> Iterator[JsforceClient]:
    with jsforce_at(org.url, org.access_token()) as client:
        yield client


def live(org: DemoOrg) -> list[object]:
    return [row["Id"] for row in org.rows("Contact")]


def test_it_reads_all_pages_of_a_query(org: DemoOrg, client: JsforceClient) -> None:
    soql = "SELECT Id, LastName, Account.Name FROM Contact ORDER BY Id"
    found = client("queryEveryPage", soql, False)
    assert [record["Id"] for record in found["records"]] == live(org)
    assert len(client("queryEveryPage", soql, True)["records"]) == len(org.rows("Contact", deleted=True))
    first = client("query", soql)
    assert (first["done"], len(first["records"])) == (False, 200)


def test_it_builds_queries_and_has_them_explained(client: JsforceClient) -> None:
    found = client("find", "Contact", {"LastName": {"$like": "A%"}}, ["Id", "LastName"])
    assert all(record["LastName"].startswith("A") for record in found)
    (plan,) = client("explain", "SELECT Id FROM Account")["plans"]
    assert plan["cardinality"] == 30


def test_it_describes(client: JsforceClient) -> None:
    assert {"Account", "Contact"} <= {sobject["name"] for sobject in client("describeGlobal")["sobjects"]}
    assert client("describe", "Contact")["fields"][0]["name"] == "Id"
    assert client("layouts", "Contact")["layouts"]
    assert client("compactLayouts", "Contact")["compactLayouts"][0]["objectType"] == "Contact"
    assert client("approvalLayouts", "Contact") == {"approvalLayouts": []}
    assert client("listviews", "Contact")["listviews"] == []
    assert client("recent", "Contact") == client("recent") == []
    assert "query" in client("resources")


def test_it_writes_one_record_and_reads_it(org: DemoOrg, client: JsforceClient) -> None:
    made = client("create", "Contact", {"LastName": "O'Neil 🎈"})
    assert made["success"] is True
    assert client("update", "Contact", {"Id": made["id"], "Title": "CEO"})["success"] is True
    assert client("retrieve", "Contact", made["id"])["Title"] == "CEO"
    assert client("upsert", "Contact", {"Key__c": "one", "LastName": "new"}, "Key__c")["created"] is True
    assert client("upsert", "Contact", {"Key__c": "one", "LastName": "again"}, "Key__c")["created"] is False
    assert client("destroy", "Contact", made["id"])["success"] is True
    assert made["id"] not in live(org)
    refused = client.answer("retrieve", "Contact", made["id"])
    assert refused["error"] == "NOT_FOUND"


def test_it_writes_collections_and_reads_them(org: DemoOrg, client: JsforceClient) -> None:
    made = client("create", "Contact", [{"LastName": "a"}, {"LastName": "b"}, {"Title": "without a name"}])
    assert [each["success"] for each in made] == [True, True, False]
    ids = [each["id"] for each in made[:2]]
    assert all(each["success"] for each in client("update", "Contact", [{"Id": one, "Title": "CEO"} for one in ids]))
    assert [row["Title"] for row in client("retrieve", "Contact", ids)] == ["CEO", "CEO"]
    several = [{"Key__c": "m1", "LastName": "a"}, {"Key__c": "m2", "LastName": "b"}]
    assert [each["success"] for each in client("upsert", "Contact", several, "Key__c")] == [True, True]
    assert {"m1", "m2"} <= {str(row["Key__c"]) for row in org.rows("Contact")}
    assert all(each["success"] for each in client("destroy", "Contact", ids))
    assert not {*ids} & {*live(org)}


def test_it_asks_for_updated_and_deleted_ids(org: DemoOrg, client: JsforceClient) -> None:
    kept, gone = org.insert("Account", Name="kept"), org.insert("Account", Name="gone")
    org.delete("Account", gone)
    assert kept in client("updated", "Account", *WINDOW)["ids"]
    assert gone in [each["id"] for each in client("deleted", "Account", *WINDOW)["deletedRecords"]]


def test_it_queries_by_bulk(org: DemoOrg, client: JsforceClient) -> None:
    found = client("bulkQuery", "SELECT Id, LastName FROM Contact")
    assert {record["Id"] for record in found} == {*live(org)}


def test_it_writes_by_composite_requests(org: DemoOrg, client: JsforceClient) -> None:
    base = "/services/data/v66.0"
    account = {"method": "POST", "url": f"{base}/sobjects/Account", "referenceId": "a", "body": {"Name": "By jsforce"}}
    person = {"LastName": "By jsforce", "AccountId": "@{a.id}"}
    contact = {"method": "POST", "url": f"{base}/sobjects/Contact", "referenceId": "c", "body": person}
    found = client("post", "/composite", {"allOrNone": True, "compositeRequest": [account, contact]})
    ids = [each["body"]["id"] for each in found["compositeResponse"]]
    (row,) = [row for row in org.rows("Contact") if row["Id"] == ids[1]]
    assert row["AccountId"] == ids[0]


def test_it_writes_by_bulk(org: DemoOrg, client: JsforceClient) -> None:
    records = [{"Key__c": f"bulk{number}", "LastName": f"Bulk {number}"} for number in range(30)]
    found = client("bulkLoad", "Contact", "insert", None, [*records, {"Title": "without a name"}])
    assert {row["Key__c"] for row in found["successfulResults"]} == {record["Key__c"] for record in records}
    (failed,) = found["failedResults"]
    assert failed["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    changed = [{"Key__c": "bulk1", "LastName": "Changed"}, {"Key__c": "bulk99", "LastName": "Made"}]
    found = client("bulkLoad", "Contact", "upsert", "Key__c", changed)
    created = {row["Key__c"]: row["sf__Created"] for row in found["successfulResults"]}
    assert created == {"bulk1": "false", "bulk99": "true"}
    ids = [row["Id"] for row in org.rows("Contact") if str(row["Key__c"]).startswith("bulk")]
    found = client("bulkLoad", "Contact", "delete", None, [{"Id": one} for one in ids])
    assert len(found["successfulResults"]) == len(ids) == 31
    assert found["unprocessedRecords"] == []


def test_it_reads_limits_and_who_it_is(org: DemoOrg, client: JsforceClient) -> None:
    assert client("limits")["DailyApiRequests"]["Max"] == org.api_limit
    assert client("identity")["organization_id"] == client("userinfo")["organization_id"] == org.org_id


def test_it_meets_errors_by_their_codes(client: JsforceClient) -> None:
    assert client.answer("query", "SELECT Nme FROM Contact")["error"] == "INVALID_FIELD"
    for call, arguments in (("tabs", ()), ("search", ("FIND {xy} UPDATE VIEWSTAT",))):
        refused = client.answer(call, *arguments)
        assert refused["error"] == "NOT_IMPLEMENTED"
        assert refused["message"].startswith("The demo org does not")
