"""A Bulk job delivers what REST delivers, and is resumed wherever a run stops."""

from contextlib import aclosing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import anyio
import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Committed, Event, Job, Planned
from orgsync.errors import BulkQuotaSpent, BulkRefused, JobFailed, LimitReached, OrgsyncError
from orgsync.extract import decoding_subprocess
from tests.extract.dying_process import SYNCS
from tests.extract.extracting import copied, jobs_made, reading, values, warnings
from tests.projects import SampleProject, project_at
from tests.warm_process import opened_module

ROOT = Path(__file__).parents[2]


class Contact(Record, table=True):
    """Every type that a contact has, and its parents'."""

    last_name: str | None
    first_name: str | None
    name: str | None
    email: str | None
    title: str | None
    description: str | None
    birthdate: date | None
    has_opted_out_of_email: bool | None
    mailing_address: dict[str, Any] | None
    mailing_latitude: float | None
    created_date: datetime | None
    age: Decimal | None = field("Age__c")
    age_as_text: str | None = field("Age__c")
    age_as_number: int | None = field("Age__c")
    account_name: str | None = field("Account.Name")
    account_revenue: Decimal | None = field("Account.AnnualRevenue")
    account_address: dict[str, Any] | None = field("Account.BillingAddress")
    owner_active: bool | None = field("Owner.IsActive")


class Account(Record, table=True):
    """Numbers, and a compound."""

    name: str | None
    annual_revenue: Decimal | None
    revenue_as_number: float | None = field("AnnualRevenue")
    revenue_as_text: str | None = field("AnnualRevenue")
    number_of_employees: int | None
    description: str | None
    billing_address: dict[str, Any] | None
    last_modified_date: datetime | None


class Opportunity(Record, table=True):
    """Money and dates."""

    name: str | None
    amount: Decimal | None
    amount_as_number: float | None = field("Amount")
    amount_as_text: str | None = field("Amount")
    probability: float | None
    expected_revenue: Decimal | None
    close_date: date | None
    account_name: str | None = field("Account.Name")


class Name(Record, table=True):
    """A contact's name alone."""

    __sobject__ = "Contact"
    last_name: str | None


@pytest.fixture(params=["in this process", "in a subprocess"])
def decoding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let results be decoded in this process, which is done with short ones, or as long ones are."""
    if request.param == "in a subprocess":
        monkeypatch.setattr("orgsync.extract.bulk._SUBPROCESS_FROM", 1)
        monkeypatch.setattr(decoding_subprocess, "_SLOTS", decoding_subprocess._Slots(1))  # pyright: ignore[reportPrivateUsage]


def awkward(org: DemoOrg) -> None:
    """Add rows with values that are hard to carry."""
    account = org.insert("Account", Name='A "B", C\r\nD', AnnualRevenue=1.5e15, NumberOfEmployees=0, BillingCity="Köln")
    org.insert("Account", Name="null", AnnualRevenue=0.1, BillingLatitude=-0.000001, BillingLongitude=180.0)
    texts = ['"', '""', "a,b", "line\nline\r\n", "  spaced  ", "\U0001f600 東京 \u2028", "'quoted' \\ \\n", "0", "null"]
    for text in texts:
        org.insert("Contact", LastName=f"x{text}x", Description=text, AccountId=account, MailingStreet=text)
    org.insert("Contact", LastName="Geo", MailingLatitude=51.5, MailingLongitude=-0.0, HasOptedOutOfEmail=True)
    org.insert("Contact", LastName="Bare", Email=None, Birthdate=None, AccountId=None)
    values = {"StageName": "Prospecting", "CloseDate": date(2026, 2, 28), "AccountId": account}
    for amount in (0.01, 123456789012.34, 1e-5, None, 100.0):
        org.insert("Opportunity", Name=f"Deal {amount}", Amount=amount, Probability=33.0, **values)


@pytest.mark.usefixtures("decoding")
@pytest.mark.parametrize("model", [Contact, Account, Opportunity], ids=lambda each: each.__name__)
async def test_bulk_gives_the_rows_of_rest_to_the_last_character(
    tmp_path: Path, org: DemoOrg, model: type[Record]
) -> None:
    awkward(org)
    table = model.__name__.lower()
    copies: list[dict[str, dict[str, Any]]] = []
    for api in ("rest", "bulk"):
        async with project_at(tmp_path / api, org) as project:
            await project.run(reading(model, api=api))
            assert jobs_made(org) == (api == "bulk")
            copies.append(await values(project, table))
            run = await project.run(reading(model, api="rest" if api == "bulk" else "bulk"), full=True)
            assert (run.added, run.updated, run.deleted) == (0, 0, 0)
    assert copies[0] == copies[1]
    assert copies[0].keys() == {str(row["Id"]) for row in org.rows(table)}


async def names(project: SampleProject) -> dict[str, Any]:
    return await copied(project, "name", "last_name")


def truth(org: DemoOrg) -> dict[str, Any]:
    return {str(row["Id"]): row["LastName"] for row in org.rows("Contact")}


by_bulk = reading(Name, api="bulk")
by_choice = reading(Name)


async def kept(project: SampleProject, table: str = "name") -> dict[str, Any]:
    state: dict[str, Any] = (await project.opened.store.runs.checkpoints("reading", "acme"))[table].position
    return cast("dict[str, Any]", state["unfinished"])


async def test_the_checkpoint_holds_the_job_and_the_place_in_it(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.extract.bulk._ROWS_AT_ONCE", 4)
    org.bulk_page_size = 10
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(by_bulk, 1)
        job = (await kept(project))["job"]
        assert (job["id"][:3], job["api_version"]) == ("750", "62.0")
        assert job["place"] == {"locator": None, "row": 0, "before": 0}
        assert await project.interrupted(by_bulk, 3)
        assert (await kept(project))["job"] == {**job, "place": {"locator": None, "row": 8, "before": 0}}
        assert await project.interrupted(by_bulk, 3)
        place = (await kept(project))["job"]["place"]
        assert (bool(place["locator"]), place["row"], place["before"]) == (True, 4, 10)


@pytest.mark.usefixtures("decoding")
@pytest.mark.parametrize(("commits", "page"), [(1, 7), (2, 7), (4, 7), (5, 7), (9, 3)])
async def test_a_cancelled_run_resumes_the_same_job(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch, commits: int, page: int
) -> None:
    monkeypatch.setattr("orgsync.extract.bulk._ROWS_AT_ONCE", 3)
    org.bulk_page_size = page
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(by_bulk, commits)
        assert jobs_made(org) == 1
        stopped = await project.opened.store.runs.list()
        run = await project.run(by_choice)
        assert jobs_made(org) == 0
        assert run.added + stopped[0].added == 25
        assert run.unchanged == 0
        assert await names(project) == truth(org)


async def test_a_run_that_resumes_a_job_says_how_many_rows_are_left(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.extract.bulk._ROWS_AT_ONCE", 3)
    org.bulk_page_size = 7
    events: list[Event] = []
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(by_bulk, 4)
        stopped = await project.opened.store.runs.list()
        await project.opened.with_syncs(by_choice).execute(Job("sync", "reading", "acme"), observe=events.append)
    planned = [each for each in events if isinstance(each, Planned)]
    assert str(planned[0].route) == "bulk, resumed where an earlier run stopped"
    assert [each.rows for each in planned][:2] == [None, 25 - stopped[0].added]


def locators(org: DemoOrg) -> list[str]:
    return [each.query.get("locator", "") for each in org.requests if each.path.endswith("/results")]


@pytest.mark.parametrize(
    ("commits", "pages"),
    [(1, 4), (2, 4), (4, 3), (12, 0)],
    ids=["before the job is complete", "within a page", "between two pages", "before the job is deleted"],
)
async def test_a_killed_run_resumes_the_same_job(tmp_path: Path, org: DemoOrg, commits: int, pages: int) -> None:
    org.bulk_page_size = 7
    async with project_at(tmp_path, org):
        pass
    org.clear_requests()
    process = opened_module("tests.extract.dying_process", str(tmp_path), "bulk", str(commits))
    assert await anyio.to_thread.run_sync(process.wait) == -9
    assert jobs_made(org) == 1
    async with project_at(tmp_path, org) as project:
        assert len(await project.live("contact")) == {1: 0, 2: 3, 4: 7, 12: 25}[commits]
        run = await project.run(SYNCS["rest"])
        assert jobs_made(org) == 0
        assert len(locators(org)) == pages
        assert run.unchanged == 0
        assert await copied(project, "contact", "last_name") == truth(org)


async def test_a_job_that_no_longer_exists_is_created_again(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_page_size = 10
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(by_bulk, 2)
        org.forget_bulk_jobs()
        await project.run(by_bulk)
        assert jobs_made(org) == 2, "one for the pass that was under way, one for what changed since"
        assert await names(project) == truth(org)


@pytest.mark.usefixtures("decoding")
async def test_a_job_that_vanishes_while_it_is_read_is_created_again(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_page_size = 5

    lost: list[int] = []

    def lose(progress: Committed) -> None:
        if progress.rows and not lost:  # once: the next job's own position is committed at the same count of rows
            lost.append(progress.rows)
            org.forget_bulk_jobs()

    async with project_at(tmp_path, org) as project:
        with warnings() as logged:
            outcome = await project.outcome(by_bulk, on_commit=lose)
        assert outcome.problem is None
        assert "A Bulk job is started again" in logged[0]
        assert jobs_made(org) == 2
        assert await names(project) == truth(org)


async def test_a_failed_job_is_followed_by_rest_and_a_warning(tmp_path: Path, org: DemoOrg) -> None:
    org.fail_bulk_jobs("InternalServerError: no luck")
    async with project_at(tmp_path, org, bulk_from=10) as project:
        with warnings() as logged:
            await project.run(by_choice)
        assert "Contact is read by REST" in logged[0]
        assert await names(project) == truth(org)
        assert not list(org._api.bulk.jobs), "the failed job is deleted"  # pyright: ignore[reportPrivateUsage]


async def test_an_object_that_bulk_refuses_is_read_by_rest_and_bulk_is_tried_again_a_day_later(
    tmp_path: Path, org: DemoOrg
) -> None:
    org.not_in_bulk.add("Contact")
    async with project_at(tmp_path, org, bulk_from=10) as project:
        with warnings() as logged:
            await project.run(by_choice)
        assert jobs_made(org) == 1
        assert len(logged) == 1
        assert "Contact is read by REST: The Bulk API does not accept the query" in logged[0]
        org.not_in_bulk.clear()
        org.advance(days=2)
        for row in truth(org):
            org.update("Contact", row, Title="all of them")
        org.page_size = 10
        await project.run(by_choice)
        assert jobs_made(org) == 1, "after a day Bulk is tried again, though no describe has changed"


async def test_bulk_is_not_tried_again_within_a_day_of_its_refusal(tmp_path: Path, org: DemoOrg) -> None:
    org.not_in_bulk.add("Contact")
    org.page_size = 10
    async with project_at(tmp_path, org, bulk_from=10) as project:
        await project.run(by_choice)
        for row in truth(org):
            org.update("Contact", row, Title="all of them")
        run = await project.run(by_choice)
        assert run.updated + run.unchanged >= 25
        assert jobs_made(org) == 0


@pytest.mark.parametrize("limit", ["bulk_jobs_limit", "bulk_storage_limit_kb"])
async def test_rest_reads_when_bulks_quota_is_used_up(tmp_path: Path, org: DemoOrg, limit: str) -> None:
    setattr(org, limit, 0)
    async with project_at(tmp_path, org, bulk_from=10) as project:
        outcome = await project.outcome(by_choice)
        assert outcome.problem is None
        assert str(outcome.plan).startswith("rest, 25 rows expected (not by Bulk")
        assert await names(project) == truth(org)


async def test_rest_reads_when_the_quota_is_used_up_in_between(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_jobs_limit = 0
    org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="/limits/?$", times=None)
    async with project_at(tmp_path, org, bulk_from=10) as project:
        with warnings() as logged:
            await project.run(by_choice)
        assert "Contact is read by REST: The org's Bulk API queries of the last 24 hours are used up" in logged[0]
        assert await names(project) == truth(org)


async def test_with_both_limits_spent_a_run_stops_and_is_no_success(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_jobs_limit = 0
    org.page_size = 5
    org.api_limit, org.api_used = 10, 3
    async with project_at(tmp_path, org, bulk_from=10) as project:
        outcome = await project.outcome(by_choice)
        assert isinstance(outcome.problem, LimitReached)
        assert outcome.run.status == "stopped"
        assert outcome.run.watermark is None
        org.api_limit = 1000
        await project.run(by_choice)
        assert await names(project) == truth(org)


async def test_forced_bulk_reports_why_it_cannot_read(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        org.fail_bulk_jobs("no luck")
        problems: list[OrgsyncError | None] = [(await project.outcome(by_bulk)).problem]
        org.not_in_bulk.add("Contact")
        problems.append((await project.outcome(by_bulk)).problem)
        org.not_in_bulk.clear()
        org.bulk_jobs_limit = 0
        problems.append((await project.outcome(by_bulk)).problem)
        assert [type(each) for each in problems] == [JobFailed, BulkRefused, BulkQuotaSpent]
        assert not await project.live("name")


@pytest.mark.usefixtures("decoding")
async def test_broken_or_short_pages_lose_nothing(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_page_size = 6
    org.shorten_bulk_pages(2)
    for at, fault in enumerate((Fault.truncate(), Fault.reset(), Fault.status(502, "x"))):
        org.add_fault(fault, match="/results", every=2 + at, times=2)
    async with project_at(tmp_path, org) as project:
        await project.run(by_bulk)
        assert jobs_made(org) == 1
        assert await names(project) == truth(org)


@pytest.mark.usefixtures("decoding")
async def test_a_total_that_stays_wrong_is_followed_by_rest(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_count_off = 1
    async with project_at(tmp_path, org, bulk_from=10) as project:
        with warnings() as logged:
            await project.run(by_choice)
        assert jobs_made(org) == 2
        assert [text.partition(":")[0] for text in logged] == ["A Bulk job is started again", "Contact is read by REST"]
        assert await names(project) == truth(org)


@pytest.mark.usefixtures("decoding")
@pytest.mark.parametrize("moved", [False, True], ids=["the token dies", "the instance moves"])
async def test_a_job_outlives_its_token_and_its_host(tmp_path: Path, org: DemoOrg, moved: bool) -> None:
    org.bulk_page_size = 6

    def disturb(progress: Committed) -> None:
        if progress.rows == 12:
            org.move_instance() if moved else org.expire_tokens()

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(by_bulk, on_commit=disturb)
        assert outcome.problem is None
        assert jobs_made(org) == 1
        assert await names(project) == truth(org)


async def test_a_job_is_read_with_the_version_that_made_it(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_page_size = 10
    async with project_at(tmp_path, org) as project:
        assert await project.interrupted(by_bulk, 2)
        await project.opened.store.connections.update("acme", api_version="61.0")
        await project.run(by_choice)
        versions = {each.path.split("/")[3] for each in org.requests if "/jobs/query/" in each.path}
        assert versions == {"v62.0"}
        assert await names(project) == truth(org)


async def test_a_job_that_stands_still_is_given_up(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_polls = None
    async with project_at(tmp_path, org, bulk_from=10, bulk_stalled_after=0.001) as project:
        with warnings() as logged:
            outcome = await project.outcome(by_choice)
        assert outcome.problem is None
        assert "has not advanced" in logged[0]
        assert not list(org._api.bulk.jobs)  # pyright: ignore[reportPrivateUsage]
        assert await names(project) == truth(org)


async def test_a_finished_job_is_deleted(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(by_bulk)
        assert any(each.method == "DELETE" and each.status == 204 for each in org.requests)


async def test_a_job_that_cannot_be_deleted_stops_no_run(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:

        def forbid(progress: Committed) -> None:
            if progress.rows == 25:
                org.add_fault(Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"), match="/jobs/query/750")

        outcome = await project.outcome(by_bulk, on_commit=forbid)
        assert outcome.problem is None
        assert any(each.method == "DELETE" and each.status == 403 for each in org.requests)


@pytest.mark.usefixtures("decoding")
@pytest.mark.parametrize("polls", [2, None], ids=["while it is read", "while it is waited for"])
async def test_an_application_that_leaves_early_leaves_no_job(tmp_path: Path, org: DemoOrg, polls: int | None) -> None:
    org.bulk_page_size = 10
    async with project_at(tmp_path, org) as project:
        context = await project.open_context()
        async with aclosing(cast("Any", context.changes(Name, api="bulk"))) as batches:
            async for batch in batches:
                if polls is None or batch.rows:
                    break
        assert jobs_made(org) == 1
        assert not list(org._api.bulk.jobs)  # pyright: ignore[reportPrivateUsage]


async def test_what_changes_while_a_job_runs_is_right_after_the_next_run(tmp_path: Path, org: DemoOrg) -> None:
    org.bulk_page_size = 6
    changed, deleted, purged, held, *_ = truth(org)
    late = org.transaction()
    late.__enter__()
    late.update("Contact", held, LastName="Committed late")
    new = late.insert("Contact", LastName="Inserted late")

    def meanwhile(progress: Committed) -> None:
        if progress.rows == 12:
            org.update("Contact", changed, LastName="Changed")
            org.delete("Contact", deleted)
            org.hard_delete("Contact", purged)
            org.advance(minutes=5)
            late.__exit__(None, None, None)
            org.advance(minutes=5)

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(by_bulk, on_commit=meanwhile)
        assert outcome.problem is None
        await project.run(by_choice)
        assert await names(project) == truth(org)
        assert (await names(project))[new] == "Inserted late"
