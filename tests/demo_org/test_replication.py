"""getUpdated and getDeleted: windows, visibility, and what latestDateCovered promises."""

from datetime import UTC, datetime
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg
from tests.demo_org.caller import Caller
from tests.demo_org.conftest import NOW


def asked(api: Caller, resource: str, start: str, end: str, sobject: str = "Contact") -> dict[str, Any]:
    answer = api.get(f"/sobjects/{sobject}/{resource}/", start=start, end=end)
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


def refusal(api: Caller, resource: str, **window: str) -> str:
    answer = api.fetch(f"/sobjects/Contact/{resource}", window)
    assert answer.status_code == 400
    return str(answer.json()[0]["errorCode"])


def test_changed_rows_of_the_window_are_listed(api: Caller, org: DemoOrg) -> None:
    early = org.insert("Contact", LastName="Early")
    org.advance(minutes=2)
    late = org.insert("Contact", LastName="Late")
    gone = org.insert("Contact", LastName="Gone")
    org.delete("Contact", gone)
    org.advance(minutes=2)
    both = asked(api, "updated", "2026-03-14T12:30:59Z", "2026-03-14T13:33:00+01:00")
    assert both == {"ids": [early, late], "latestDateCovered": "2026-03-14T12:33:00.000+0000"}
    second = asked(api, "updated", "2026-03-14T12:31:00Z", "2026-03-14T12:33:59.999Z")
    assert second["ids"] == [late]
    assert second["latestDateCovered"] == "2026-03-14T12:33:00.000+0000"


def test_nothing_is_covered_beyond_the_present_minute(api: Caller) -> None:
    answer = asked(api, "updated", "2026-03-14T12:00:00Z", "2026-03-15T00:00:00")
    assert answer == {"ids": [], "latestDateCovered": "2026-03-14T12:30:00.000+0000"}


def test_an_open_transaction_holds_the_covered_date_back(api: Caller, org: DemoOrg) -> None:
    with org.transaction() as transaction:
        hidden = transaction.insert("Contact", LastName="Hidden")
        org.advance(minutes=10)
        for resource in ("updated", "deleted"):
            answer = asked(api, resource, "2026-03-14T12:00:00Z", "2026-03-14T12:40:00Z")
            assert answer["latestDateCovered"] == "2026-03-14T12:30:00.000+0000"
        assert hidden not in asked(api, "updated", "2026-03-14T12:00:00Z", "2026-03-14T12:40:00Z")["ids"]
    after = asked(api, "updated", "2026-03-14T12:00:00Z", "2026-03-14T12:40:00Z")
    assert after == {"ids": [hidden], "latestDateCovered": "2026-03-14T12:40:00.000+0000"}


def test_deletions_of_every_kind_are_listed(api: Caller, org: DemoOrg) -> None:
    soft, hard, twice, back, winner, loser = (org.insert("Contact", LastName="x") for _ in range(6))
    org.delete("Contact", soft)
    org.hard_delete("Contact", hard)
    org.delete("Contact", twice)
    org.hard_delete("Contact", twice)
    org.delete("Contact", back)
    org.undelete("Contact", back)
    org.merge("Contact", winner, [loser])
    org.advance(minutes=1)
    answer = asked(api, "deleted", "2026-03-14T12:00:00Z", "2026-03-14T12:31:00Z")
    assert [record["id"] for record in answer["deletedRecords"]] == [soft, hard, twice, loser]
    assert {record["deletedDate"] for record in answer["deletedRecords"]} == {"2026-03-14T12:30:20.000+0000"}
    assert answer["earliestDateAvailable"] == "2026-02-27T12:31:00.000+0000"
    assert answer["latestDateCovered"] == "2026-03-14T12:31:00.000+0000"
    assert asked(api, "deleted", "2026-03-14T12:00:00Z", "2026-03-14T12:30:00Z")["deletedRecords"] == []
    assert asked(api, "deleted", "2026-03-14T12:00:00Z", "2026-03-14T12:31:00Z", "Account")["deletedRecords"] == []


def test_an_emptied_bin_and_a_second_deletion_leave_one_line_each(api: Caller, org: DemoOrg) -> None:
    purged, back = (org.insert("Contact", LastName="x") for _ in range(2))
    org.delete("Contact", purged)
    org.delete("Contact", back)
    org.advance(minutes=1)
    org.undelete("Contact", back)
    org.advance(minutes=1)
    org.delete("Contact", back)
    org.empty_recycle_bin("Contact")
    assert api.query("SELECT Id FROM Contact WHERE LastName = 'x'", deleted=True) == []
    org.advance(minutes=1)
    records = asked(api, "deleted", "2026-03-14T12:00:00Z", "2026-03-14T12:33:00Z")["deletedRecords"]
    assert records == [
        {"id": purged, "deletedDate": "2026-03-14T12:30:20.000+0000"},
        {"id": back, "deletedDate": "2026-03-14T12:32:20.000+0000"},
    ]
    assert asked(api, "deleted", "2026-03-14T12:30:00Z", "2026-03-14T12:31:00Z")["deletedRecords"] == records[:1]


def test_a_binned_account_takes_its_contacts_out_of_the_bin_for_good(api: Caller, org: DemoOrg) -> None:
    account = org.insert("Account", Name="Parent")
    contact = org.insert("Contact", LastName="Child", AccountId=account)
    org.delete("Account", account)
    org.empty_recycle_bin("Account")
    assert contact not in [row["Id"] for row in org.rows("Contact", deleted=True)]
    org.advance(minutes=1)
    listed = asked(api, "deleted", "2026-03-14T12:00:00Z", "2026-03-14T12:31:00Z")["deletedRecords"]
    assert [record["id"] for record in listed] == [contact]


@pytest.mark.parametrize("resource", ["updated", "deleted"])
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-03-14T12:30:00Z", "2026-03-14T12:30:59Z"),
        ("2026-03-14T12:30:00Z", "2026-03-14T12:29:00Z"),
        ("2026-02-12T12:00:00Z", "2026-03-14T12:29:00Z"),
        ("soon", "2026-03-14T12:29:00Z"),
        ("2026-03-14T12:00:00 01:00", "2026-03-14T12:29:00Z"),
    ],
)
def test_a_window_that_is_empty_reversed_too_old_or_no_date_is_refused(
    api: Caller, resource: str, start: str, end: str
) -> None:
    assert refusal(api, resource, start=start, end=end) == "INVALID_REPLICATION_DATE"


def test_deletions_reach_15_days_back_and_updates_30(api: Caller) -> None:
    assert (
        refusal(api, "deleted", start="2026-02-27T12:29:00Z", end="2026-03-14T00:00:00Z") == "INVALID_REPLICATION_DATE"
    )
    asked(api, "deleted", "2026-02-27T12:30:00Z", "2026-03-14T00:00:00Z")
    asked(api, "updated", "2026-02-13T00:00:00Z", "2026-03-14T00:00:00Z")


def test_a_purged_delete_log_reaches_back_to_the_purge(api: Caller, org: DemoOrg) -> None:
    org.delete("Contact", str(org.rows("Contact")[0]["Id"]))
    org.purge_delete_log()
    assert (
        refusal(api, "deleted", start="2026-03-14T12:29:00Z", end="2026-03-14T12:31:00Z") == "INVALID_REPLICATION_DATE"
    )
    org.advance(minutes=5)
    answer = asked(api, "deleted", "2026-03-14T12:30:00Z", "2026-03-14T12:35:00Z")
    assert answer["deletedRecords"] == []
    assert answer["earliestDateAvailable"] == "2026-03-14T12:30:00.000+0000"


def test_both_dates_must_be_given_and_the_object_must_exist(api: Caller) -> None:
    assert refusal(api, "updated", start="2026-03-14T12:30:00Z") == "MISSING_ARGUMENT"
    for resource in ("updated", "deleted"):
        assert api.get(f"/sobjects/Nothing/{resource}").status_code == 404


def test_reading_from_the_covered_date_on_misses_no_row_committed_late(api: Caller, org: DemoOrg) -> None:
    """What the watermark of a sync relies on, tried with transactions that overlap every pass."""
    seen: set[str] = set()
    watermark = NOW.replace(second=0)
    made: set[str] = set()
    for _ in range(4):
        with org.transaction() as transaction:
            made.add(transaction.insert("Contact", LastName="late"))
            org.advance(seconds=45)
            made.add(org.insert("Contact", LastName="prompt"))
            end = org.now.isoformat()
            covered = asked(api, "updated", watermark.isoformat(), "2026-03-15T00:00:00Z")["latestDateCovered"]
            assert end  # the window's end lies in the future on purpose
            seen |= set(api.column(f"SELECT Id FROM Contact WHERE SystemModstamp >= {watermark:%Y-%m-%dT%H:%M:%SZ}"))
            watermark = max(watermark, datetime.fromisoformat(covered).astimezone(UTC))
    seen |= set(api.column(f"SELECT Id FROM Contact WHERE SystemModstamp >= {watermark:%Y-%m-%dT%H:%M:%SZ}"))
    assert seen >= made
