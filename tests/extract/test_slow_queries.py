"""Queries that Salesforce gives up on are repeated in windows of time; nothing is lost or doubled."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import QueryTimedOut
from orgsync.extract.queries import IdOrder, ReadQuery
from orgsync.extract.state import Key
from tests.extract.extracting import copied, jobs_made, reading, snapshotting, warnings
from tests.projects import project_at


class Contact(Record, table=True):
    """A contact and its account's name."""

    last_name: str | None
    account_name: str | None = field("Account.Name")


class UserPreference(Record, table=True):
    """An object without any stamp."""

    preference: str | None


by_rest = reading(Contact, api="rest")


@pytest.fixture
def slow() -> Iterator[DemoOrg]:
    """An org that finds 20 rows in time, and no more; its accounts were changed at different times."""
    with DemoOrg(contacts=0, accounts=8, page_size=6) as org:
        accounts = [str(row["Id"]) for row in org.rows("Account")]
        for number in range(90):
            org.insert("Contact", LastName=f"C{number}", AccountId=accounts[number % 8])
            org.advance(seconds=1 if number % 30 else 86_400)
        org.query_timeout_rows = 20
        yield org


def truth(org: DemoOrg) -> dict[str, Any]:
    names = {row["Id"]: row["Name"] for row in org.rows("Account")}
    return {str(row["Id"]): (row["LastName"], names[row["AccountId"]]) for row in org.rows("Contact")}


def rename_all(org: DemoOrg) -> None:
    """Change every account, each a while after the one before."""
    for account in org.rows("Account"):
        org.advance(minutes=20)
        org.update("Account", str(account["Id"]), Name=f"New {account['Id']}")


async def test_a_first_pass_that_is_too_slow_is_read_in_windows(tmp_path: Path, slow: DemoOrg) -> None:
    async with project_at(tmp_path, slow) as project:
        run = await project.run(by_rest)
        assert (run.added, run.unchanged) == (90, 0)
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


async def test_a_query_that_is_too_slow_at_a_later_page_is_continued_in_a_window(tmp_path: Path, slow: DemoOrg) -> None:
    slow.query_timeout_rows = None
    slow.add_fault(Fault.json_error(400, "QUERY_TIMEOUT", "x"), match="/query/.*-12$", times=1)
    async with project_at(tmp_path, slow) as project:
        run = await project.run(by_rest)
        assert (run.added, run.unchanged) == (90, 0)
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


async def test_windows_are_resumed_wherever_a_run_stops(tmp_path: Path, slow: DemoOrg) -> None:
    async with project_at(tmp_path, slow) as project:
        times = 0
        while await project.interrupted(by_rest, 2 + times):
            times += 1
        assert times > 2
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


async def test_changes_of_parents_are_read_in_windows(tmp_path: Path, slow: DemoOrg) -> None:
    async with project_at(tmp_path, slow) as project:
        await project.run(by_rest)
        rename_all(slow)
        run = await project.run(by_rest)
        assert run.updated == 90
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


async def test_windows_over_parents_are_resumed_wherever_a_run_stops(tmp_path: Path, slow: DemoOrg) -> None:
    async with project_at(tmp_path, slow) as project:
        await project.run(by_rest)
        rename_all(slow)
        times = 0
        while await project.interrupted(by_rest, 2 + times):
            times += 1
        assert times > 2
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


@pytest.mark.parametrize("commits", [1, 3, 5, 8])
async def test_a_window_that_was_broken_off_hides_nothing_behind_it(
    tmp_path: Path, slow: DemoOrg, commits: int
) -> None:
    async with project_at(tmp_path, slow) as project:
        await project.run(by_rest)
        rename_all(slow)
        assert await project.interrupted(by_rest, commits)
        slow.query_timeout_rows = None
        await project.run(by_rest)
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


def test_an_id_that_was_read_in_a_window_means_nothing_for_the_time_behind_it() -> None:
    order, start, end = (
        IdOrder("Account.SystemModstamp"),
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=UTC),
    )
    key: Key = order.within(("003x",), start, end)
    assert order.start(key) == start
    assert order.width(key) == end - start
    queries = ReadQuery("Contact", ["Id"], order).queries(after=key, upto=end)
    assert "Account.SystemModstamp < 2026-01-02T00:00:00Z" in queries[0]
    assert order.width(order.within(("003x",), start, None)) is None
    assert order.within(("003x",), None, None) == ("003x",)


async def test_rows_that_leave_are_found_in_windows(tmp_path: Path, slow: DemoOrg) -> None:
    narrowed = reading(Contact, api="rest", where="Account.Industry = 'Energy'")
    for account in slow.rows("Account"):
        slow.update("Account", str(account["Id"]), Industry="Energy")
    slow.advance(minutes=10)
    async with project_at(tmp_path, slow) as project:
        slow.query_timeout_rows = None
        await project.run(narrowed)
        assert len(await project.live("contact")) == 90
        slow.query_timeout_rows = 20
        for account in slow.rows("Account")[:4]:
            slow.advance(minutes=20)
            slow.update("Account", str(account["Id"]), Industry="Banking")
        run = await project.run(narrowed)
        left = {str(row["Id"]) for row in slow.rows("Account")[4:]}
        assert run.deleted == 90 - len(await project.live("contact"))
        assert (await project.live("contact")).keys() == {
            str(row["Id"]) for row in slow.rows("Contact") if str(row["AccountId"]) in left
        }


async def test_ids_are_compared_in_windows(tmp_path: Path, slow: DemoOrg) -> None:
    async with project_at(tmp_path, slow) as project:
        await project.run(by_rest)
        hidden = [str(row["Id"]) for row in slow.rows("Contact")][5:9]
        slow.restrict_rows("Contact", hidden)
        run = await project.run(by_rest, reconcile=True)
        assert run.deleted == 4
        slow.show_everything()
        times = 0
        while await project.interrupted(by_rest, 4 + times, reconcile=times == 0):
            times += 1
        assert await copied(project, "contact", "last_name", "account_name") == truth(slow)


async def test_what_no_window_helps_is_read_by_bulk(tmp_path: Path, org: DemoOrg) -> None:
    for number in range(30):
        org.insert("Contact", LastName=f"At once {number}")
    org.query_timeout_rows = 3
    with org.transaction() as together:
        for row in org.rows("Contact"):
            together.update("Contact", str(row["Id"]), Title="T")
    async with project_at(tmp_path, org) as project:
        with warnings() as logged:
            await project.run(reading(Contact))
        assert "Salesforce takes too long for a query of Contact: Bulk reads it." in logged or jobs_made(org) == 1
        assert jobs_made(org) == 1
        assert await copied(project, "contact", "last_name") == {
            str(row["Id"]): row["LastName"] for row in org.rows("Contact")
        }


async def test_a_query_that_no_window_helps_and_bulk_may_not_read_is_reported(tmp_path: Path, org: DemoOrg) -> None:
    org.query_timeout_rows = 3
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(snapshotting(UserPreference, api="rest"))
        assert isinstance(outcome.problem, QueryTimedOut)
        assert "longer than Salesforce allows" in outcome.problem.cause
        await project.run(snapshotting(UserPreference))
        assert jobs_made(org) == 1
        assert len(await project.live("user_preference")) == 6
