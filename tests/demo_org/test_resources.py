"""Which resources are served, and in whose voice the demo org speaks of those that are not."""

import json
import re
from typing import Any

import httpx
import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import BASE, Caller

UNREADABLE = (
    "/query",
    "/queryAll",
    "/batch",
    "/graph",
    "/composite/sobjects",
    "/tree",
    "/search",
    "/parameterizedSearch",
)
"""Links that want a query, or something to write."""


def links(text: str) -> set[str]:
    """Find the paths of the API in the JSON of an answer, the templates among them left out."""
    return {link for link in re.findall(rf'"({BASE}/[^"]*)"', text) if "{" not in link}


def test_every_link_that_is_offered_is_served(api: Caller, org: DemoOrg) -> None:
    org.add_object("Invoice__c", fields={"Total__c": "currency"})
    offered, seen = {f"{BASE}/"}, set[str]()
    while offered - seen:
        link = (offered - seen).pop()
        seen.add(link)
        answer = api.get(link)
        if not link.endswith(UNREADABLE):
            assert answer.status_code == 200, (link, answer.text)
            offered |= links(answer.text)
        assert answer.status_code not in {404, 501} or link.endswith("/tree"), link
    assert {"query", "queryAll", "sobjects", "limits", "jobs", "composite"} <= {link.split("/")[4] for link in seen}
    assert f"{BASE}/sobjects/Invoice__c/describe/layouts" in seen
    assert len(seen) > 50


@pytest.mark.parametrize(
    "path",
    [
        f"{BASE}/tooling/query?q=SELECT+Id+FROM+ApexClass",
        f"{BASE}/search/layout",
        f"{BASE}/actions/standard/emailSimple",
        f"{BASE}/tabs",
        f"{BASE}/jobs/bulk",
        f"{BASE}/ui-api/object-info",
        f"{BASE}/sobjects/Contact/describe/namedLayouts/Some",
        f"{BASE}/sobjects/Contact/003Dn0000000001AAA/Account",
        f"{BASE}/sobjects/Invoice__c/a00Dn0000000001AAA/Owner__r",
        "/services/Soap/u/66.0",
        "/services/async/66.0/job",
        "/services/apexrest/mine",
        "/services/oauth2/register",
        "/.well-known/openid-configuration",
    ],
)
def test_what_salesforce_has_and_the_demo_org_has_not_it_says_itself(api: Caller, path: str) -> None:
    for method in ("GET", "POST"):
        answer = api.http.request(method, path)
        (error,) = answer.json()
        assert (answer.status_code, error["errorCode"]) == (501, "NOT_IMPLEMENTED")
        assert error["message"] == f"The demo org does not serve {path.partition('?')[0].removeprefix(BASE)}."


@pytest.mark.parametrize("path", ["/nothing", "/sobjects/Nothing/describe", "/sobjects/Contact/accountnumber/x"])
def test_what_salesforce_has_not_is_not_found(api: Caller, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_xml_is_neither_read_nor_written(api: Caller) -> None:
    asked: list[httpx.Response] = [
        api.get("/limits", headers={"Accept": "application/xml"}),
        api.get("/limits.xml"),
        api.http.post(f"{BASE}/sobjects/Contact", content="<Contact/>", headers={"Content-Type": "application/xml"}),
        api.http.post(f"{BASE}/composite/sobjects", files={"entity_document": "x"}),
    ]
    for answer in asked:
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "NOT_IMPLEMENTED")
    assert api.get("/limits", headers={"Accept": "text/html, application/xml;q=0.9, */*"}).status_code == 200


@pytest.mark.parametrize("grant", ["password", "device", "urn:ietf:params:oauth:grant-type:saml2-bearer"])
def test_a_grant_that_salesforce_knows_is_refused_in_the_demo_orgs_own_voice(api: Caller, grant: str) -> None:
    answer = api.http.post("/services/oauth2/token", data={"grant_type": grant})
    assert answer.status_code == 501
    assert answer.json() == {
        "error": "not_implemented",
        "error_description": f"The demo org does not take the grant type {grant}.",
    }


def test_a_response_type_that_salesforce_knows_goes_back_in_the_demo_orgs_own_voice(org: DemoOrg) -> None:
    asked = {"response_type": "token", "client_id": org.client_id, "redirect_uri": org.callback_urls[0]}
    location = httpx.get(f"{org.url}/services/oauth2/authorize", params=asked).headers["location"]
    assert httpx.URL(location).params["error"] == "not_implemented"


def test_a_client_that_cannot_patch_posts_and_names_the_method(api: Caller, org: DemoOrg) -> None:
    contact = str(org.rows("Contact")[0]["Id"])
    answer = api.send("POST", f"/sobjects/Contact/{contact}", {"Title": "CEO"}, _HttpMethod="PATCH")
    assert answer.status_code == 204
    assert org.rows("Contact")[0]["Title"] == "CEO"


def test_layouts_show_the_fields_that_the_user_sees(api: Caller, org: DemoOrg) -> None:
    org.hide_field("Contact", "Email")
    whole = api.get("/sobjects/Contact/describe/layouts").json()
    (mapping,) = whole["recordTypeMappings"]
    (layout,) = whole["layouts"]
    assert mapping["layoutId"] == layout["id"]
    assert api.get(mapping["urls"]["layout"]).json() == layout
    shown, edited = (values(layout[name]) for name in ("detailLayoutSections", "editLayoutSections"))
    assert {"LastName", "AccountId", "CreatedDate"} <= shown
    assert edited < shown
    assert "Email" not in shown
    assert "CreatedDate" not in edited


def values(sections: Any) -> set[str]:
    items = [item for section in sections for row in section["layoutRows"] for item in row["layoutItems"]]
    return {component["value"] for item in items for component in item["layoutComponents"]}


def test_a_compact_layout_shows_the_name(api: Caller) -> None:
    whole = api.get("/sobjects/Contact/describe/compactLayouts").json()
    (layout,) = whole["compactLayouts"]
    assert (layout["name"], layout["objectType"]) == ("SYSTEM", "Contact")
    assert [item["layoutComponents"][0]["value"] for item in layout["fieldItems"]] == ["Name"]
    assert api.get(whole["urls"]["primary"]).json() == layout
    assert api.get(whole["recordTypeCompactLayoutMappings"][0]["urls"]["compactLayout"]).json() == layout


@pytest.mark.parametrize(
    "path",
    [
        "/sobjects/AccountShare/describe/layouts",
        "/sobjects/Contact/describe/layouts/012000000000001AAA",
        "/sobjects/Contact/describe/compactLayouts/012000000000001AAA",
    ],
)
def test_what_has_no_layout_is_not_found(api: Caller, path: str) -> None:
    assert api.get(path).status_code == 404


def test_the_columns_of_a_query_are_described_in_place_of_its_rows(api: Caller) -> None:
    soql = "SELECT Id, Name, NumberOfEmployees, Owner.Name, Owner.Id, (SELECT LastName FROM Contacts) FROM Account"
    answer = api.get("/query", columns="true", q=soql).json()
    about = [answer[name] for name in ("entityName", "idSelected", "keyPrefix", "groupBy")]
    assert about == ["Account", True, "001", False]
    assert outline(answer["columnMetadata"]) == [
        "Id", "Name", "NumberOfEmployees", ["Owner", "Name", "Id"], ["Contacts", "LastName"],
    ]  # fmt: skip
    first, second, third, owner, children = answer["columnMetadata"]
    assert (first["apexType"], second["apexType"], third["apexType"]) == ("Id", "String", "Integer")
    assert (second["textType"], second["numberType"], third["numberType"]) == (True, False, True)
    assert (owner["foreignKeyName"], owner["aggregate"]) == ("OwnerId", False)
    assert (children["foreignKeyName"], children["aggregate"]) == (None, True)


def test_the_columns_of_a_parents_parent_are_columns_of_the_parent(api: Caller) -> None:
    answer = api.get("/query", columns="true", q="SELECT Account.Owner.Name, Account.Name FROM Contact").json()
    assert outline(answer["columnMetadata"]) == [["Account", ["Owner", "Name"], "Name"]]


def outline(columns: Any) -> list[Any]:
    return [
        [column["columnName"], *outline(column["joinColumns"])] if column["joinColumns"] else column["columnName"]
        for column in columns
    ]


def test_the_columns_of_aggregates_have_the_names_that_rows_give_them(api: Caller) -> None:
    soql = "SELECT Rating, COUNT(Id), MAX(CreatedDate) latest, MIN(Name) FROM Account GROUP BY Rating LIMIT 1"
    answer = api.get("/query", columns="true", q=soql).json()
    (row,) = api.query(soql)
    assert answer["groupBy"] is True
    assert [column["columnName"] for column in answer["columnMetadata"]] == [
        name for name in row if name != "attributes"
    ]
    assert answer["columnMetadata"][1]["displayName"] == "count(Id)"


def test_columns_of_a_query_that_is_refused_are_refused(api: Caller) -> None:
    answer = api.get("/query", columns="true", q="SELECT Nme FROM Account")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")


def test_a_query_is_explained_and_not_run(api: Caller, org: DemoOrg) -> None:
    gone = org.insert("Contact", LastName="gone")
    org.delete("Contact", gone)
    soql = "SELECT Id FROM contact WHERE LastName = 'gone'"
    for resource, cardinality in (("/query/", 0), ("/queryAll", 1)):
        answer = api.get(resource, explain=soql).json()
        (plan,) = answer["plans"]
        assert answer["sourceQuery"] == soql
        assert (plan["sobjectType"], plan["leadingOperationType"]) == ("Contact", "TableScan")
        assert (plan["cardinality"], plan["sobjectCardinality"]) == (cardinality, 26)
    assert api.get("/query", explain="SELECT").status_code == 400
    assert api.get("/query", explain="00ODn0000000001").status_code == 501


def test_a_collection_is_upserted_by_an_external_id_in_the_order_of_its_items(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    known = org.insert("Contact", LastName="known", Key__c="k1")
    for _ in range(2):
        org.insert("Contact", LastName="twin", Key__c="k2")
    items = [
        {"attributes": {"type": "Contact"}, "Key__c": "k1", "Title": "CEO"},
        {"attributes": {"type": "Contact"}, "Key__c": "k2", "Title": "CEO"},
        {"attributes": {"type": "Contact"}, "Key__c": "k3", "LastName": "new"},
        {"attributes": {"type": "Contact"}, "LastName": "without a key"},
        {"attributes": {"type": "Account"}, "Name": "of another type"},
    ]
    results = api.send("PATCH", "/composite/sobjects/Contact/key__c", {"records": items}).json()
    assert [result["success"] for result in results] == [True, False, True, False, False]
    assert (results[0]["id"], results[0]["created"], results[2]["created"]) == (known, False, True)
    codes = [result["errors"][0]["statusCode"] for result in results if not result["success"]]
    assert codes == ["DUPLICATE_EXTERNAL_ID", "MISSING_ARGUMENT", "INVALID_TYPE"]
    titles = {str(row["Key__c"]): row["Title"] for row in org.rows("Contact") if row["Key__c"]}
    assert titles == {"k1": "CEO", "k2": None, "k3": None}
    assert api.send("PATCH", "/composite/sobjects/Contact/LastName", {"records": items}).status_code == 404
    by_id = [{"attributes": {"type": "Contact"}, "Id": record_id, "LastName": "by Id"} for record_id in (known, None)]
    results = api.send("PATCH", "/composite/sobjects/Contact/Id", {"records": by_id}).json()
    assert [(result["success"], result["created"]) for result in results] == [(True, False), (True, True)]


def test_an_atomic_upsert_that_fails_in_one_item_writes_none(api: Caller, org: DemoOrg) -> None:
    org.add_field("Contact", "Key__c", external_id=True)
    items: list[dict[str, object]] = [
        {"attributes": {"type": "Contact"}, "Key__c": "k1", "LastName": "new"},
        {"attributes": {"type": "Contact"}, "Key__c": "k2"},
    ]
    body = json.dumps({"records": items, "allOrNone": True})
    answer = api.http.patch(
        f"{BASE}/composite/sobjects/Contact/Key__c", content=body, headers={"Content-Type": "application/json"}
    )
    assert [result["success"] for result in answer.json()] == [False, False]
    assert not [row for row in org.rows("Contact") if row["Key__c"]]


def test_an_instance_url_may_end_in_a_slash(api: Caller, org: DemoOrg) -> None:
    for path in ("//services/data", f"/{BASE}/limits"):
        answer = api.http.get(f"{org.instance_url}{path}")
        assert answer.status_code == 200
