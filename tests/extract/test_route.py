"""Which route a query takes, what is requested to choose it, and that it is reported."""

from pathlib import Path

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.extract.route import Route, choose_route
from orgsync.salesforce.api.counts import Limit
from tests.extract.extracting import copied, jobs_made, reading
from tests.projects import project_at


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


class Named(Record, table=True):
    """A contact and its account's name."""

    __sobject__ = "Contact"
    account_name: str | None = field("Account.Name")


SPENT = "not by Bulk: its daily storage is used up"
PLENTY = Limit(10_000, 9_000)
NONE = Limit(10_000, 0)


@pytest.mark.parametrize(
    ("rows", "rest_only", "calls_left", "jobs", "storage", "want"),
    [
        (10, "", None, PLENTY, PLENTY, "rest, 10 rows expected"),
        (1, "", None, PLENTY, PLENTY, "rest, 1 row expected"),
        (49_999, "", None, PLENTY, PLENTY, "rest, 50 k rows expected"),
        (50_000, "", None, PLENTY, PLENTY, "bulk, 50 k rows expected"),
        (2_500_000, "", None, PLENTY, PLENTY, "bulk, 2.5 M rows expected"),
        (None, "", None, PLENTY, PLENTY, "bulk, an unknown number of rows"),
        (None, "a blob", None, PLENTY, PLENTY, "rest, an unknown number of rows (not by Bulk: a blob)"),
        (50_000, "", None, NONE, PLENTY, "rest, 50 k rows expected (not by Bulk: its daily jobs are used up)"),
        (50_000, "", None, PLENTY, NONE, "rest, 50 k rows expected (not by Bulk: its daily storage is used up)"),
        (9_500_000, "", 9_999, PLENTY, PLENTY, f"rest, 9.5 M rows expected ({SPENT})"),
        (20_000, "", 10, PLENTY, PLENTY, "bulk, 20 k rows expected (saves API calls)"),
        (20_000, "", 11, PLENTY, PLENTY, "rest, 20 k rows expected"),
        (2_000, "", 0, PLENTY, PLENTY, "rest, 2,000 rows expected"),
    ],
)  # fmt: skip
def test_a_plan_follows_from_what_is_known(
    rows: int | None, rest_only: str, calls_left: int | None, jobs: Limit, storage: Limit, want: str
) -> None:
    limits = {"DailyBulkV2QueryJobs": jobs, "DailyBulkV2QueryFileStorageMB": storage}
    plan = choose_route(rows, bulk_from=50_000, rest_only=rest_only, calls_left=calls_left, limits=limits)
    assert str(plan) == want
    assert plan.rows == rows


def test_unknown_limits_do_not_rule_out_bulk() -> None:
    assert choose_route(60_000, bulk_from=50_000) == Route("bulk", 60_000)


async def test_the_route_is_reported(tmp_path: Path, org: DemoOrg, capsys: pytest.CaptureFixture[str]) -> None:
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
    assert str(outcome.plan) == "rest, 25 rows expected"
    assert "rest, 25 rows expected" in capsys.readouterr().out


async def test_a_refused_record_count_is_replaced_by_counting(tmp_path: Path, org: DemoOrg) -> None:
    org.record_count_refused = True
    async with project_at(tmp_path, org, bulk_from=20) as project:
        outcome = await project.outcome(reading(Contact))
        assert str(outcome.plan) == "bulk, 25 rows expected"
        assert "SELECT COUNT() FROM Contact" in project.queries


async def test_an_org_without_record_counts_is_read_all_the_same(tmp_path: Path, org: DemoOrg) -> None:
    org.page_size = 10
    async with project_at(tmp_path, org, bulk_from=15) as project:
        for numbers in ("limits", "/query$"):
            org.add_fault(Fault.json_error(404, "NOT_FOUND", "no"), match=numbers, times=None)
        outcome = await project.outcome(reading(Contact))
        assert outcome.problem is None
        assert str(outcome.plan) == "bulk, 25 rows expected"  # REST's first page has the total
        assert len(await copied(project, "contact", "last_name")) == 25


async def test_rows_that_take_too_long_to_count_are_left_to_bulk(tmp_path: Path, org: DemoOrg) -> None:
    org.query_timeout_rows = 5
    org.record_count_refused = True
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
        assert str(outcome.plan) == "bulk, an unknown number of rows"
        assert len(await project.live("contact")) == 25


async def test_a_condition_is_counted_with(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org, bulk_from=20) as project:
        outcome = await project.outcome(reading(Contact, where="LastName = 'nobody'"))
        assert str(outcome.plan) == "rest, 0 rows expected"


async def test_a_pass_that_turns_out_large_continues_by_bulk_behind_its_first_page(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org, bulk_from=20) as project:
        await project.run(reading(Contact))
        org.page_size = 5
        for row in org.rows("Contact"):
            org.update("Contact", str(row["Id"]), LastName="Changed")
        run = await project.run(reading(Contact))
        assert jobs_made(org) == 1
        assert sum(query.startswith("SELECT Id, SystemModstamp") for query in project.queries) == 1
        assert run.updated == 25
        assert set((await copied(project, "contact", "last_name")).values()) == {"Changed"}


async def test_few_calls_left_lead_to_bulk(tmp_path: Path, org: DemoOrg) -> None:
    org.add_fault(
        Fault.status(200, '{"sObjects":[{"name":"Contact","count":30000}]}', content_type="application/json"),
        match="recordCount",
    )
    org.api_limit, org.api_used = 100, 68
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Contact))
        assert outcome.problem is None
        assert str(outcome.plan) == "bulk, 30 k rows expected (saves API calls)"


async def test_a_pass_with_nothing_new_asks_no_more_than_it_must(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org, bulk_from=20) as project:
        await project.run(reading(Contact))
        await project.run(reading(Contact))
        assert project.calls == ["updated", "queryAll", "deleted"]
        await project.run(reading(Named))
        await project.run(reading(Named))
        assert project.calls == ["updated", "queryAll", "queryAll", "deleted"]
