"""Objects that are read by another field than SystemModstamp: the watermark stays behind the org's clock."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from orgsync import Record
from orgsync.demo_org import DemoOrg
from tests.extract.extracting import jobs_made, reading, values
from tests.projects import project_at

NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)


class ContactHistory(Record, table=True):
    """What changed in contacts: rows that never change themselves, with CreatedDate only."""

    contact_id: str | None
    new_value: str | None


class AccountShare(Record, table=True):
    """Who may see accounts; LastModifiedDate only, and not replicateable."""

    account_id: str | None
    account_access_level: str | None


@pytest.fixture
def org() -> Iterator[DemoOrg]:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=10, accounts=6, page_size=4, now=NOW) as org:
        yield org


def ids(org: DemoOrg, sobject: str) -> set[str]:
    return {str(row["Id"]) for row in org.rows(sobject)}


async def test_history_is_read_by_its_creation(tmp_path: Path, org: DemoOrg) -> None:
    contacts = sorted(ids(org, "Contact"))
    async with project_at(tmp_path, org, lag=600) as project:
        org.update("Contact", contacts[0], Email="a@example.com")
        run = await project.run(reading(ContactHistory))
        assert run.added == 1
        assert run.watermark == NOW - timedelta(minutes=10)
        with org.transaction() as late:
            late.update("Contact", contacts[1], Email="late@example.com")
            org.advance(minutes=5)
            org.update("Contact", contacts[2], Email="b@example.com")
            assert (await project.run(reading(ContactHistory))).added == 1
        org.advance(minutes=1)
        assert (await project.run(reading(ContactHistory))).added == 1, "a late row within the lag is not lost"
        assert (await project.live("contact_history")).keys() == ids(org, "ContactHistory")
        assert all("CreatedDate >=" in query for query in project.queries)


async def test_shares_are_read_by_their_last_change(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org, lag=600) as project:
        run = await project.run(reading(AccountShare))
        assert (run.added, run.watermark) == (6, NOW - timedelta(minutes=10))
        assert "updated" not in project.calls
        org.advance(minutes=30)
        share = sorted(ids(org, "AccountShare"))[0]
        org.update("AccountShare", share, ContactAccessLevel="Read", AccountAccessLevel="Read")
        run = await project.run(reading(AccountShare))
        assert (run.updated, run.watermark) == (1, NOW + timedelta(minutes=20))
        assert "deleted" not in project.calls


async def test_what_went_for_good_is_found_by_comparing(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(AccountShare))
        org.advance(minutes=30)
        org.hard_delete("AccountShare", sorted(ids(org, "AccountShare"))[0])
        assert (await project.run(reading(AccountShare))).deleted == 0
        assert (await project.run(reading(AccountShare), reconcile=True)).deleted == 1
        assert (await project.live("account_share")).keys() == ids(org, "AccountShare")


async def test_values_of_any_type_are_read_by_rest_whatever_their_number(tmp_path: Path, org: DemoOrg) -> None:
    class AccountHistory(Record, table=True):
        account_id: str | None
        old_value: str | None
        new_value: str | None

    for number in range(5):
        org.update("Account", str(org.rows("Account")[0]["Id"]), Phone=str(number))
    async with project_at(tmp_path, org, bulk_from=1) as project:
        await project.run(reading(AccountHistory))
        assert jobs_made(org) == 0
        before = await values(project, "accounthistory")
        await project.run(reading(AccountHistory, api="bulk"), full=True)
        assert jobs_made(org) == 1
        assert await values(project, "accounthistory") == before


def change_a_share(org: DemoOrg) -> None:
    share = sorted(ids(org, "AccountShare"))[0]
    org.update("AccountShare", share, ContactAccessLevel="Read", AccountAccessLevel="Read")


@pytest.mark.parametrize("days", [1, 360])
async def test_a_server_whose_date_is_ahead_moves_no_watermark_into_the_future(
    tmp_path: Path, org: DemoOrg, days: int
) -> None:
    async with project_at(tmp_path, org, lag=600) as project:
        org.advance(days=days)
        with capture_logs() as logged:
            run = await project.run(reading(AccountShare), clock=lambda: NOW)
        assert run.watermark == NOW - timedelta(minutes=10)
        [warning] = [each["event"] for each in logged if "apart" in each["event"]]
        assert f"{days * 24:,}.0 hours apart" in warning
        assert "Correct this machine's clock" in warning
        org.advance(days=-days, minutes=2)
        change_a_share(org)
        assert (await project.run(reading(AccountShare))).updated == 1


async def test_a_machine_whose_clock_is_ahead_moves_no_watermark_into_the_future(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org, lag=600) as project:
        run = await project.run(reading(AccountShare), clock=lambda: NOW + timedelta(days=1))
        assert run.watermark == NOW - timedelta(minutes=10)


async def test_a_watermark_that_both_clocks_put_into_the_future_is_given_up_and_everything_is_read(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        org.advance(days=1)
        await project.run(reading(AccountShare))
        org.advance(days=-1)
        change_a_share(org)
        with capture_logs() as logged:
            run = await project.run(reading(AccountShare))
        assert (run.updated, run.watermark) == (1, NOW - timedelta(minutes=5))
        assert any("is in the future" in each["event"] for each in logged)


@pytest.mark.sqlite_alone(reason="the file itself is changed")
async def test_a_watermark_from_before_any_org_is_given_up_and_everything_is_read(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(AccountShare))
        [file] = tmp_path.rglob("orgsync.db")
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("UPDATE orgsync_checkpoint SET watermark = '0001-01-01T00:00:00.000Z'")
        change_a_share(org)
        with capture_logs() as logged:
            run = await project.run(reading(AccountShare))
        assert (run.updated, run.watermark) == (1, NOW - timedelta(minutes=5))
        assert any("older than any org" in each["event"] for each in logged)
