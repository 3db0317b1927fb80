"""Describe, the list of objects, limits, counts, versions, and the data that a new org holds."""

import builtins
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, lookup
from orgsync.demo_org import grammar as grammar_module
from orgsync.demo_org import people as people_module
from orgsync.errors import PackageMissing
from tests.demo_org.caller import BASE, Caller
from tests.demo_org.conftest import NOW


def fields(api: Caller, sobject: str = "Contact") -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in api.get(f"/sobjects/{sobject}/describe").json()["fields"]}


def test_fields_that_find_rows_are_those_of_real_orgs(org: DemoOrg, api: Caller) -> None:
    found = {
        (name, field["name"])
        for name in ("Account", "Case", "Contact", "Lead", "Opportunity")
        for field in api.get(f"/sobjects/{name}/describe").json()["fields"]
        if field["idLookup"] and field["name"] != "Id"
    }
    assert found == {("Case", "CaseNumber"), ("Contact", "Email"), ("Lead", "Email"), ("Opportunity", "Name")}


def test_describe_is_not_sent_again_to_who_has_it(api: Caller) -> None:
    path = "/sobjects/Contact/describe"
    answer = api.get(path, headers={"Accept-Encoding": "identity"})
    tag, modified = answer.headers["etag"], answer.headers["last-modified"]
    assert modified == "Fri, 13 Mar 2026 12:30:20 GMT"
    zipped = api.get(path).headers["etag"]
    assert zipped == f'{tag[:-1]}--gzip"'
    for headers in ({"If-None-Match": tag}, {"If-None-Match": zipped}, {"If-Modified-Since": modified}):
        same = api.get(path, headers=headers)
        assert (same.status_code, same.content) == (304, b"")
        assert "content-type" not in same.headers
    for headers in ({"If-None-Match": '"other"'}, {"If-Modified-Since": "nonsense"}):
        assert api.get(path, headers=headers).status_code == 200


def test_a_changed_schema_is_sent_again_even_within_one_second(api: Caller, org: DemoOrg) -> None:
    path = "/sobjects/Contact/describe"
    changes: list[Callable[[], None]] = [
        lambda: org.hide_field("Contact", "Email"),
        lambda: org.add_field("Contact", "Level__c"),
        lambda: org.change_field_type("Contact", "Level__c", "double"),
        lambda: org.remove_field("Contact", "Level__c"),
        org.show_everything,
    ]
    for change in changes:
        modified = api.get(path).headers["last-modified"]
        change()
        assert api.get(path, headers={"If-Modified-Since": modified}).status_code == 200
    modified = api.get(path).headers["last-modified"]
    org.insert("Contact", LastName="a row is no change of the schema")
    assert api.get(path, headers={"If-Modified-Since": modified}).status_code == 304


def test_hidden_things_are_left_out_and_new_ones_are_in(api: Caller, org: DemoOrg) -> None:
    org.hide_field("Contact", "email")
    org.add_field("Contact", "Level__c", type="picklist", values=("Gold",))
    described = fields(api)
    assert "Email" not in described
    assert described["Level__c"]["custom"]
    assert described["Level__c"]["picklistValues"][0]["value"] == "Gold"
    org.hide_object("account")
    assert api.get("/sobjects/Account/describe").status_code == 404
    names = {sobject["name"] for sobject in api.get("/sobjects").json()["sobjects"]}
    assert "Account" not in names
    assert names > {"Contact", "Opportunity", "User"}


def test_types_and_flags_are_those_of_real_fields(api: Caller) -> None:
    contact, opportunity = fields(api), fields(api, "Opportunity")
    assert (contact["Id"]["type"], contact["Id"]["soapType"], contact["Id"]["nillable"]) == ("id", "tns:ID", False)
    assert contact["AccountId"]["referenceTo"] == ["Account"]
    assert contact["AccountId"]["relationshipName"] == "Account"
    assert contact["Description"]["filterable"] is contact["Description"]["sortable"] is False
    assert contact["Name"]["createable"] is False
    assert contact["MailingCity"]["compoundFieldName"] == "MailingAddress"
    assert opportunity["Account_Rating__c"]["calculated"] is True
    assert opportunity["Account_Rating__c"]["calculatedFormula"] == "TEXT(Account.Rating)"
    assert opportunity["Amount"]["calculated"] is False
    assert "IsDeleted" not in fields(api, "User")


def test_the_brief_description_and_child_relationships(api: Caller) -> None:
    brief = api.get("/sobjects/Account").json()
    assert brief["objectDescribe"]["keyPrefix"] == "001"
    children = api.get("/sobjects/Account/describe").json()["childRelationships"]
    found = {(child["childSObject"], child["relationshipName"], child["cascadeDelete"]) for child in children}
    assert found >= {("Contact", "Contacts", True), ("Opportunity", "Opportunities", True)}


def test_limits_count_this_call(api: Caller, org: DemoOrg) -> None:
    api.get("/limits")
    limits = api.get("/limits").json()
    assert limits["DailyApiRequests"]["Max"] - limits["DailyApiRequests"]["Remaining"] == org.api_used == 2
    assert isinstance(limits["DailyApiRequests"]["CPQ Integration User Connected App"], dict)
    assert limits["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 10_000}


def test_record_counts_leave_empty_objects_out() -> None:
    with DemoOrg(contacts=3, accounts=0) as org, Caller(org) as api:
        org.delete("Contact", str(org.rows("Contact")[0]["Id"]))
        counts = api.get("/limits/recordCount", sObjects="Account,Contact,Nothing").json()
        assert counts == {"sObjects": [{"count": 2, "name": "Contact"}]}
        everything = api.get("/limits/recordCount").json()["sObjects"]
        named = {each["name"] for each in everything}
        assert {"Contact", "User", "UserPreference"} <= named
        assert not {"Account", "ContactHistory", "Opportunity"} & named


def test_record_counts_leave_shares_and_histories_out_and_may_be_refused(api: Caller, org: DemoOrg) -> None:
    org.update("Contact", str(org.rows("Contact")[0]["Id"]), Title="Counted nowhere")
    assert api.get("/limits/recordCount", sObjects="ContactHistory,AccountShare").json() == {"sObjects": []}
    org.record_count_refused = True
    refused = api.get("/limits/recordCount", sObjects="Contact")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


def test_versions_and_resources_are_listed(api: Caller, org: DemoOrg) -> None:
    versions = api.get("/services/data").json()
    assert versions[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert versions[-2] == {"label": "Winter '26", "url": "/services/data/v65.0", "version": "65.0"}
    assert versions[-1] == {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"}
    resources = api.get("/").json()
    assert resources["query"] == f"{BASE}/query"
    assert resources["identity"] == f"{org.login_url}/id/{org.org_id}/{org.user_id}"


def test_a_new_org_holds_what_was_asked_for_and_the_default_is_thousands() -> None:
    org = DemoOrg()
    sizes = {name: len(org.rows(name, deleted=True)) for name in ("Contact", "Account", "Opportunity", "User")}
    assert sizes == {"Contact": 2500, "Account": 400, "Opportunity": 40, "User": 3}


def test_the_same_seed_and_clock_make_the_same_rows_and_another_seed_others() -> None:
    one, same, other = (DemoOrg(contacts=300, accounts=50, seed=seed, now=NOW) for seed in (1, 1, 2))
    for sobject in ("Contact", "Account", "Opportunity", "User"):
        assert one.rows(sobject) == same.rows(sobject)
    assert one.rows("Contact") != other.rows("Contact")
    assert (one.org_id, one.client_id) == (same.org_id, same.client_id)


def test_the_rows_are_awkward_on_purpose() -> None:
    rows = DemoOrg(now=NOW).rows("Contact")
    texts = "".join(str(value) for row in rows for value in row.values())
    for awkward in ("'", '"', "\n", "🎪", "東", "ł", "null"):
        assert awkward in texts
    assert all(any(row[name] is None for row in rows) for name in ("Email", "AccountId", "FirstName", "Title"))
    assert not any(value == "" for row in rows for value in row.values())


def test_chunks_of_rows_share_a_second_and_nothing_is_newer_than_an_hour() -> None:
    rows = DemoOrg(now=NOW).rows("Contact")
    stamps = [row["SystemModstamp"] for row in rows if isinstance(row["SystemModstamp"], datetime)]
    assert len(stamps) == 2500
    assert max(stamps) <= NOW - timedelta(hours=1)
    assert all(stamp.tzinfo is UTC and stamp.microsecond == 0 for stamp in stamps)
    assert len(set(stamps)) < 1000
    created = {str(row["CreatedDate"]) for row in rows}
    assert len(created) == 13
    for row in rows:
        made, changed, stamped = (str(row[name]) for name in ("CreatedDate", "LastModifiedDate", "SystemModstamp"))
        assert made <= changed <= stamped


def test_without_the_demo_packages_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name in {"lark", "mimesis"}:
            raise ImportError(name)
        return real(name, *rest, **more)

    people_module.pool.cache_clear()
    grammar_module.parser.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    for module in ("lark", "mimesis"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(PackageMissing, match=r"Install it: pip install 'orgsync\[demo\]'"):
        DemoOrg()
    with pytest.raises(PackageMissing, match="needs packages that are not installed"):
        grammar_module.parser()


def test_the_children_of_an_object_follow_changes_of_the_schema(api: Caller, org: DemoOrg) -> None:
    def children() -> set[str]:
        described = api.get("/sobjects/Account/describe").json()["childRelationships"]
        return {f"{each['childSObject']}.{each['field']}" for each in described}

    before = children()
    org.add_object("Line__c", Firm__c=lookup("Account", "Lines__r"))
    assert children() - before == {"Line__c.Firm__c"}
    org.hide_field("Contact", "AccountId")
    assert before - children() == {"Contact.AccountId"}
