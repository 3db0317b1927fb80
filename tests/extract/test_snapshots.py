"""A snapshot reads everything and then marks what it did not see, unless that is implausibly much."""

from pathlib import Path
from typing import Any

import pytest

from orgsync import Record
from orgsync.demo_org import DemoOrg, Fault
from orgsync.errors import RecordClassInvalid, SnapshotRefused
from tests.extract.extracting import copied, jobs_made, reading, snapshotting
from tests.projects import SampleProject, project_at


class Contact(Record, table=True):
    """A contact."""

    last_name: str | None


class UserPreference(Record, table=True):
    """An object without any stamp."""

    preference: str | None


whole = snapshotting(Contact)


def truth(org: DemoOrg) -> dict[str, Any]:
    return {str(row["Id"]): row["LastName"] for row in org.rows("Contact")}


async def names(project: SampleProject) -> dict[str, Any]:
    return await copied(project, "contact", "last_name")


async def test_an_object_without_a_cursor_is_copied(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(snapshotting(UserPreference))
        assert (await project.live("user_preference")).keys() == {str(row["Id"]) for row in org.rows("UserPreference")}
        run = await project.run(snapshotting(UserPreference))
        assert (run.added, run.updated, run.deleted, run.unchanged) == (0, 0, 0, 6)


@pytest.mark.parametrize("api", ["rest", "bulk"])
async def test_missing_rows_are_marked_at_the_end_only(tmp_path: Path, org: DemoOrg, api: str) -> None:
    org.page_size = org.bulk_page_size = 5
    sync = snapshotting(Contact, api=api)
    async with project_at(tmp_path, org) as project:
        await project.run(sync)
        for each in list(truth(org))[:8]:
            org.hard_delete("Contact", each)
        broken = 0
        while await project.interrupted(sync, 2):
            broken += 1
            assert len(await project.live("contact")) in (25, 17)
        assert broken > 1
        assert jobs_made(org) == 0
        assert await names(project) == truth(org)


@pytest.mark.parametrize(("gone", "refused"), [(12, False), (13, True), (24, True)])
async def test_a_snapshot_that_lacks_more_than_half_is_refused(tmp_path: Path, gone: int, refused: bool) -> None:
    with DemoOrg(contacts=24, accounts=0) as org:
        async with project_at(tmp_path, org) as project:
            await project.run(whole)
            hidden = list(truth(org))[:gone]
            org.restrict_rows("Contact", hidden)
            outcome = await project.outcome(whole)
            assert isinstance(outcome.problem, SnapshotRefused) == refused
            assert len(await project.live("contact")) == (24 if refused else 24 - gone)
            assert (await project.run(snapshotting(Contact, allow_mass_deletion=True))).deleted == gone * refused


async def test_after_a_refusal_the_next_run_begins_again(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(whole)
        org.restrict_rows("Contact", truth(org))
        assert isinstance((await project.outcome(whole)).problem, SnapshotRefused)
        org.show_everything()
        new = org.insert("Contact", LastName="New")
        run = await project.run(whole)
        assert (run.added, run.deleted, run.unchanged) == (1, 0, 25)
        assert new in await names(project)


async def test_rows_that_share_an_id_are_refused(tmp_path: Path, org: DemoOrg) -> None:
    row = '{"attributes":{},"Id":"000000000000000AAA","LastName":"x","IsDeleted":false,"SystemModstamp":null}'
    body = f'{{"totalSize":2,"done":true,"records":[{row},{row}]}}'
    org.add_fault(Fault.status(200, body, content_type="application/json"), match=r"/queryAll/?$", times=None)
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(whole)
        assert isinstance(outcome.problem, RecordClassInvalid)
        assert "Rows of Contact share an Id" in outcome.problem.cause


async def test_a_condition_narrows_a_snapshot(tmp_path: Path, org: DemoOrg) -> None:
    for each in list(truth(org))[:3]:
        org.update("Contact", each, Title="Boss")
    async with project_at(tmp_path, org) as project:
        await project.run(snapshotting(Contact, where="Title = :title", title="Boss"))
        assert list(await names(project)) == list(truth(org))[:3]
        org.update("Contact", next(iter(truth(org))), Title="Fired")
        assert (await project.run(snapshotting(Contact, where="Title = :title", title="Boss"))).deleted == 1


async def test_a_snapshot_goes_through_bulk(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org, bulk_from=20) as project:
        await project.run(whole)
        assert jobs_made(org) == 1
        assert await names(project) == truth(org)


async def test_changes_of_a_table_that_held_snapshots_begin_from_scratch(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(whole)
        org.hard_delete("Contact", next(iter(truth(org))))
        run = await project.run(reading(Contact))
        assert (run.deleted, run.unchanged) == (1, 24)
        assert await names(project) == truth(org)
