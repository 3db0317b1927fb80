"""Objects around opportunities and cases: who belongs to whom, and what a change leaves behind."""

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.demo_org.refusal import Refusal

from .caller import Caller


def test_a_post_on_a_case_is_in_its_feed_under_the_same_id_and_one_on_an_account_is_not(
    api: Caller, org: DemoOrg
) -> None:
    case, account = org.insert("Case", Subject="Loud"), str(org.rows("Account")[0]["Id"])
    post = org.insert("FeedItem", ParentId=case, Type="TextPost", Body="Hello")
    org.insert("FeedItem", ParentId=account, Type="TextPost", Body="Elsewhere")
    assert api.query(f"SELECT Id, Body FROM CaseFeed WHERE ParentId = '{case}'")[0]["Id"] == post
    assert api.query(f"SELECT Id FROM CaseFeed WHERE ParentId = '{account}'") == []
    org.delete("FeedItem", post)
    assert api.query(f"SELECT Id FROM CaseFeed WHERE ParentId = '{case}'") == []
    assert api.query(f"SELECT Id FROM CaseFeed WHERE ParentId = '{case}'", deleted=True) != []


def test_a_post_may_be_deleted_through_the_feed_and_both_are_in_the_delete_log(api: Caller, org: DemoOrg) -> None:
    case = org.insert("Case", Subject="Loud")
    post = org.insert("FeedItem", ParentId=case, Type="TextPost", Body="Hello")
    org.advance(minutes=2)
    org.hard_delete("CaseFeed", post)
    assert [row["Id"] for row in org.rows("FeedItem", deleted=True) if row["Id"] == post] == []
    start, end = "2026-03-14T12:00:00Z", "2026-03-14T12:59:00Z"
    for name in ("FeedItem", "CaseFeed"):
        answer = api.get(f"/sobjects/{name}/deleted", start=start, end=end).json()
        assert [each["id"] for each in answer["deletedRecords"]] == [post]


def test_a_change_of_a_cases_status_is_a_post_and_other_changes_are_none(org: DemoOrg) -> None:
    case = org.insert("Case", Subject="Loud")
    org.update("Case", case, Priority="High")
    assert [row for row in org.rows("CaseFeed") if row["ParentId"] == case] == []
    org.update("Case", case, Status="Closed")
    assert [row["Type"] for row in org.rows("CaseFeed") if row["ParentId"] == case] == ["TrackedChange"]


def test_what_belongs_to_a_deal_goes_and_comes_back_with_it(org: DemoOrg) -> None:
    deal = org.insert("Opportunity", Name="Pumps", StageName="Prospecting", CloseDate="2026-06-30")
    entry = org.rows("PricebookEntry")[0]
    item = org.insert(
        "OpportunityLineItem", OpportunityId=deal, PricebookEntryId=entry["Id"], Quantity=3, UnitPrice=10.5
    )
    made = next(row for row in org.rows("OpportunityLineItem") if row["Id"] == item)
    assert (made["TotalPrice"], made["Product2Id"]) == (31.5, entry["Product2Id"])
    org.delete("Opportunity", deal)
    assert item not in {str(row["Id"]) for row in org.rows("OpportunityLineItem")}
    org.undelete("Opportunity", deal)
    assert item in {str(row["Id"]) for row in org.rows("OpportunityLineItem")}


def test_a_price_has_the_name_of_its_product(api: Caller, org: DemoOrg) -> None:
    names = {row["Id"]: row["Name"] for row in org.rows("Product2")}
    prices = api.query("SELECT Name, Product2Id, Pricebook2.Name FROM PricebookEntry")
    assert prices
    assert all(row["Name"] == names[row["Product2Id"]] for row in prices)


def test_knowledge_is_there_when_it_is_enabled(api: Caller, org: DemoOrg) -> None:
    assert api.get("/sobjects/Knowledge__kav/describe").status_code == 404
    published = org.enable_knowledge()[:2]
    assert api.column("SELECT Id FROM Knowledge__kav WHERE PublishStatus = 'Online'") == published
    assert api.get(
        "/sobjects/Knowledge__kav/updated", start="2026-03-14T12:00:00Z", end="2026-03-14T12:59:00Z"
    ).is_error
    with pytest.raises(ValueError, match="called Knowledge__kav already"):
        org.enable_knowledge()


def test_the_setups_log_is_written_by_the_org_alone(api: Caller, org: DemoOrg) -> None:
    made = org.log_setup("changedPassword", "Manage Users", "Changed password")
    [entry] = api.query(
        "SELECT Id, Display, CreatedDate FROM SetupAuditTrail WHERE Action = 'changedPassword' "
        "AND CreatedDate >= 2026-03-14T00:00:00Z"
    )
    assert (entry["Id"], entry["Display"]) == (made, "Changed password")
    assert api.send("POST", "/sobjects/SetupAuditTrail", {"Action": "x"}).is_error
    with pytest.raises(Refusal, match="does not support delete"):
        org.delete("SetupAuditTrail", made)


def test_comments_count_among_records_and_feeds_do_not(api: Caller, org: DemoOrg) -> None:
    counted = api.get("/limits/recordCount", sObjects="CaseComment,CaseFeed,OpportunityFieldHistory").json()["sObjects"]
    assert [each["name"] for each in counted] == ["CaseComment"]
