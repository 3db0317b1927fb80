"""Parents that may be of several kinds: their common fields are read, an optional one that a kind lacks is NULL."""

from pathlib import Path

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg
from orgsync.errors import FieldNotFound
from tests.extract.extracting import copied, reading, warnings
from tests.projects import project_at


class Task(Record, table=True):
    """A task, and what it is about."""

    what_name: str | None = field("What.Name")
    region: str | None = field("What.Region__c", optional=True)


@pytest.mark.parametrize("api", ["rest", "bulk"])
async def test_an_optional_field_that_a_kind_of_parent_lacks_is_null_and_a_warning(
    tmp_path: Path, org: DemoOrg, api: str
) -> None:
    account = org.rows("Account")[0]
    org.insert("Task", Subject="Call", WhatId=account["Id"])
    async with project_at(tmp_path, org) as project:
        with warnings() as logged:
            await project.run(reading(Task, api=api))
        assert any("Task.region stays empty" in each for each in logged)
        assert ("Call" in str(await project.live("task"))) is False
        found = await copied(project, "task", "what_name", "region")
        assert (account["Name"], None) in found.values()
        assert len(found) == len(org.rows("Task"))
        with warnings() as logged:
            await project.run(reading(Task, api=api))
        assert not any("region" in each for each in logged)


async def test_a_field_that_a_kind_of_parent_lacks_ends_the_run_unless_it_is_optional(
    tmp_path: Path, org: DemoOrg
) -> None:
    class Event(Record, table=True):
        region: str | None = field("What.Region__c")

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(reading(Event))
        assert isinstance(outcome.problem, FieldNotFound)
        assert "Region__c" in outcome.problem.cause


async def test_a_field_that_a_kind_of_parent_lacks_takes_no_other_of_its_name_along(
    tmp_path: Path, org: DemoOrg
) -> None:
    class Case(Record, table=True):
        account_rating: str | None = field("Account.Rating", optional=True)
        owner_rating: str | None = field("Owner.Rating", optional=True)

    account = org.insert("Account", Name="a", Rating="Hot")
    case = org.insert("Case", Subject="x", AccountId=account)
    async with project_at(tmp_path, org) as project:
        with warnings() as logged:
            await project.run(reading(Case))
        assert (await copied(project, "case", "account_rating", "owner_rating"))[case] == ("Hot", None)
    assert not any("account_rating" in each for each in logged)


@pytest.mark.parametrize("api", ["rest", "bulk"])
async def test_a_text_behind_such_a_parent_that_looks_like_an_instant_stays_as_it_is(
    tmp_path: Path, org: DemoOrg, api: str
) -> None:
    account = org.insert("Account", Name="2026-01-31T10:15:00+02:00")
    task = org.insert("Task", Subject="x", WhatId=account)
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Task, api=api))
        assert (await copied(project, "task", "what_name"))[task] == "2026-01-31T10:15:00+02:00"
