"""Objects that lack what others have: no SystemModstamp, no stamp at all, no replication, no recycle bin."""

from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, Refusal
from tests.demo_org.caller import Caller

WINDOW = {"start": "2026-03-14T12:00:00Z", "end": "2026-03-14T12:59:00Z"}


def described(api: Caller, sobject: str) -> tuple[dict[str, Any], set[str]]:
    """Return an object's description, and the names of its fields."""
    answer: dict[str, Any] = api.get(f"/sobjects/{sobject}/describe").json()
    return answer, {field["name"] for field in answer["fields"]}


@pytest.mark.parametrize(
    ("sobject", "stamps", "replicateable", "associated"),
    [
        ("Contact", {"SystemModstamp", "LastModifiedDate", "CreatedDate"}, True, None),
        ("ContactHistory", {"CreatedDate"}, True, "History"),
        ("AccountShare", {"LastModifiedDate"}, False, "Share"),
        ("UserPreference", set[str](), False, None),
    ],
)
def test_objects_carry_the_stamps_and_flags_of_their_kind(
    api: Caller, sobject: str, stamps: set[str], replicateable: bool, associated: str | None
) -> None:
    about, names = described(api, sobject)
    assert names & {"SystemModstamp", "LastModifiedDate", "CreatedDate"} == stamps
    assert about["replicateable"] is replicateable
    assert about["associateEntityType"] == associated
    assert about["queryable"] is True
    assert ("IsDeleted" in names) is (sobject != "UserPreference")


def test_changes_of_tracked_fields_leave_history_and_others_do_not(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="New owner of the contact")
    contact = org.insert("Contact", LastName="Before", Title="CEO")
    org.advance(seconds=5)
    org.update("Contact", contact, LastName="After", Title=None, Department="Sales", AccountId=account)
    soql = f"SELECT Field, OldValue, NewValue, CreatedDate FROM ContactHistory WHERE ContactId = '{contact}'"
    found = {
        (row["Field"], row["OldValue"], row["NewValue"], row["CreatedDate"][17:19])
        for row in api.query(f"{soql} ORDER BY CreatedDate")
    }
    assert found == {
        ("created", None, None, "20"),
        ("LastName", "Before", "After", "25"),
        ("Title", "CEO", None, "25"),
        ("Account", None, account, "25"),
    }


def test_old_values_cannot_be_filtered_or_sorted(api: Caller) -> None:
    for clause in ("WHERE OldValue = 'x'", "ORDER BY NewValue"):
        assert api.get("/query", q=f"SELECT Id FROM ContactHistory {clause}").status_code == 400


def test_ids_of_all_histories_share_a_prefix_and_are_not_the_same(api: Caller, org: DemoOrg) -> None:
    org.insert("Contact", LastName="x")
    org.insert("Account", Name="x")
    ids = api.column("SELECT Id FROM ContactHistory") + api.column("SELECT Id FROM AccountHistory")
    assert [record_id[:3] for record_id in ids] == ["017", "017"]
    assert len(set(ids)) == 2
    assert described(api, "ContactHistory")[0]["keyPrefix"] is None


def test_updated_histories_are_listed_by_their_creation(api: Caller, org: DemoOrg) -> None:
    org.insert("Contact", LastName="x")
    org.advance(minutes=1)
    answer = api.fetch("/sobjects/ContactHistory/updated", WINDOW).json()
    assert answer["ids"] == api.column("SELECT Id FROM ContactHistory")


def test_deleted_histories_of_any_object_are_reported_with_those_of_all(api: Caller, org: DemoOrg) -> None:
    contact, account = org.insert("Contact", LastName="x"), org.insert("Account", Name="x")
    histories = api.column("SELECT Id FROM ContactHistory") + api.column("SELECT Id FROM AccountHistory")
    org.hard_delete("Contact", contact)
    org.delete("Account", account)
    org.advance(minutes=1)
    for sobject in ("ContactHistory", "AccountHistory"):
        records = api.fetch(f"/sobjects/{sobject}/deleted", WINDOW).json()["deletedRecords"]
        assert sorted(record["id"] for record in records) == sorted(histories)


def test_history_and_shares_go_to_the_bin_and_come_back_with_their_record(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="x")
    org.delete("Account", account)
    for sobject in ("AccountHistory", "AccountShare"):
        soql = f"SELECT IsDeleted FROM {sobject} WHERE AccountId = '{account}'"
        assert api.query(soql) == []
        assert [row["IsDeleted"] for row in api.query(soql, deleted=True)] == [True]
    org.undelete("Account", account)
    for sobject in ("AccountHistory", "AccountShare"):
        assert len(api.query(f"SELECT Id FROM {sobject} WHERE AccountId = '{account}'")) == 1


def test_history_of_a_merged_record_goes_with_it(api: Caller, org: DemoOrg) -> None:
    winner, loser = org.insert("Contact", LastName="w"), org.insert("Contact", LastName="l")
    org.merge("Contact", winner, [loser])
    rows = api.query("SELECT ContactId, IsDeleted FROM ContactHistory ORDER BY Id", deleted=True)
    assert [(row["ContactId"], row["IsDeleted"]) for row in rows] == [(winner, False), (loser, True)]


def test_every_account_is_shared_with_its_owner_and_the_share_follows_the_owner(api: Caller, org: DemoOrg) -> None:
    soql = "SELECT AccountId, UserOrGroupId, RowCause FROM AccountShare ORDER BY AccountId"
    account = org.insert("Account", Name="x")
    owners = {row["Id"]: row["OwnerId"] for row in org.rows("Account")}
    assert {row["AccountId"]: row["UserOrGroupId"] for row in api.query(soql)} == owners
    other = next(str(row["Id"]) for row in org.rows("User") if row["Id"] != org.user_id)
    org.advance(minutes=1)
    org.update("Account", account, OwnerId=other)
    (share,) = api.query(f"SELECT UserOrGroupId, LastModifiedDate FROM AccountShare WHERE AccountId = '{account}'")
    assert (share["UserOrGroupId"], share["LastModifiedDate"]) == (other, "2026-03-14T12:31:20.000+0000")


def test_what_cannot_be_replicated_is_refused(api: Caller) -> None:
    for sobject in ("AccountShare", "UserPreference"):
        for resource in ("updated", "deleted"):
            answer = api.fetch(f"/sobjects/{sobject}/{resource}", WINDOW)
            assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE_FOR_OPERATION")


def test_history_cannot_be_written(api: Caller, org: DemoOrg) -> None:
    org.insert("Contact", LastName="x")
    (history,) = api.column("SELECT Id FROM ContactHistory")
    for method, path in (
        ("POST", ""),
        ("PATCH", f"/{history}"),
        ("DELETE", f"/{history}"),
    ):
        answer = api.send(method, f"/sobjects/ContactHistory{path}", {"Field": "x"})
        assert answer.json()[0]["errorCode"] == "INVALID_TYPE_FOR_OPERATION"


def test_a_row_without_a_recycle_bin_is_gone_when_deleted(api: Caller, org: DemoOrg) -> None:
    before = org.rows("UserPreference")
    org.delete("UserPreference", str(before[0]["Id"]))
    left = api.column("SELECT Id FROM UserPreference", deleted=True)
    assert left == [row["Id"] for row in before[1:]]
    with pytest.raises(Refusal, match="INVALID_CROSS_REFERENCE_KEY"):
        org.delete("UserPreference", str(before[0]["Id"]))


@pytest.mark.parametrize(
    ("stage", "closed", "won"),
    [("Prospecting", False, False), ("Closed Lost", True, False), ("Closed Won", True, True)],
)
def test_a_deal_is_closed_and_won_by_its_stage(api: Caller, org: DemoOrg, stage: str, closed: bool, won: bool) -> None:
    deal = org.insert("Opportunity", Name="x", StageName=stage, CloseDate="2026-01-31", Type="New Customer")
    [found] = api.query(f"SELECT IsClosed, IsWon, Type, NextStep FROM Opportunity WHERE Id = '{deal}'")
    assert (found["IsClosed"], found["IsWon"]) == (closed, won)
    assert (found["Type"], found["NextStep"]) == ("New Customer", None)
