"""A column that is filled from another field than before is read of every row, and nothing else is read again."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from tests.extract.dying_process import SYNCS
from tests.extract.dying_process import Contact as DyingContact
from tests.extract.extracting import copied, jobs_made, reading
from tests.projects import SampleProject, project_at
from tests.warm_process import opened_module

ROOT = Path(__file__).parents[2]


class Contact(Record, table=True):
    """A person, and how important they are."""

    last_name: str | None
    level: str | None = field("Title")


CONTACTS = reading(Contact)


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    async with project_at(tmp_path, org) as opened:
        yield opened


async def mapped(project: SampleProject, field: str | None) -> None:
    """Map Contact.level on acme."""
    await project.opened.connections.map("acme", {Contact: {"level": field}})


def truth(org: DemoOrg, path: str) -> Mapping[str, Any]:
    """Return a field of the org's contacts by Id."""
    return {str(row["Id"]): row[path] for row in org.rows("Contact")}


def selected(project: SampleProject) -> list[tuple[str, bool]]:
    """Return the select list of each query of rows in the last run, and whether it is of all rows."""
    queries = [each for each in project.queries if "COUNT()" not in each]
    lists = [(each.removeprefix("SELECT ").partition(" FROM")[0], each) for each in queries]
    return [(fields, "SystemModstamp >=" not in each and "LastModifiedDate" not in each) for fields, each in lists]


async def test_only_the_column_is_read_of_all_rows_and_the_watermark_stays(project: SampleProject) -> None:
    before = (await project.run(CONTACTS)).watermark
    project.org.advance(hours=1)
    changed = next(iter(project.org.rows("Contact")))["Id"]
    project.org.update("Contact", str(changed), LastName="Changed")
    project.org.advance(hours=1)
    await mapped(project, "Department")
    run = await project.run(CONTACTS)
    everything = [fields for fields, of_all in selected(project) if of_all]
    assert set(everything) == {"Id, SystemModstamp, IsDeleted, Department"}
    since = [fields for fields, of_all in selected(project) if not of_all]
    assert since[0] == "Id, SystemModstamp, IsDeleted, LastName, Department"
    assert run.watermark is not None
    assert before is not None
    assert run.watermark > before
    assert await copied(project, "contact", "level") == truth(project.org, "Department")
    assert await copied(project, "contact", "last_name") == truth(project.org, "LastName")
    project.org.advance(hours=1)
    assert (await project.run(CONTACTS)).updated == 0
    assert not any(of_all for _, of_all in selected(project))


async def test_the_feed_reports_each_live_row_that_has_another_value(project: SampleProject) -> None:
    await project.run(CONTACTS)
    last = await project.opened.store.rows.last_change()
    project.org.advance(hours=1)
    await mapped(project, "Department")
    run = await project.run(CONTACTS)
    titles, departments = truth(project.org, "Title"), truth(project.org, "Department")
    differing = {key for key in titles if titles[key] != departments[key]}
    assert {key for key, _ in await project.feed("contact", last)} == differing
    assert (run.updated, run.added) == (len(differing), 0)


async def test_rows_in_the_recycle_bin_get_the_value_and_are_no_change(project: SampleProject) -> None:
    gone = str(next(iter(project.org.rows("Contact")))["Id"])
    project.org.update("Contact", gone, Department="Last seen")
    await project.run(CONTACTS)
    project.org.advance(hours=1)
    project.org.delete("Contact", gone)
    project.org.advance(hours=1)
    await project.run(CONTACTS)
    last = await project.opened.store.rows.last_change()
    await mapped(project, "Department")
    await project.run(CONTACTS)
    [row] = (await project.opened.store.rows.get("contact", "acme", [gone])).values()
    assert (row["is_deleted"], row["level"]) == (True, "Last seen")
    assert gone not in {key for key, _ in await project.feed("contact", last)}


@pytest.mark.parametrize("commits", [1, 2, 3, 4])
async def test_a_first_pass_that_was_broken_off_goes_on_where_it_was_and_the_column_is_right_everywhere(
    project: SampleProject, commits: int
) -> None:
    project.org.page_size = 5
    assert await project.interrupted(CONTACTS, commits)
    await mapped(project, "Department")
    project.org.advance(hours=1)
    await project.run(CONTACTS)
    assert "SystemModstamp >" in project.queries[0]  # behind the last row that was read, not from the start
    assert await copied(project, "contact", "level") == truth(project.org, "Department")


@pytest.mark.parametrize("commits", [1, 2, 4])
async def test_a_job_that_lacks_the_field_is_given_up_and_another_one_begun(
    project: SampleProject, commits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.extract.bulk._ROWS_AT_ONCE", 4)
    by_jobs = reading(Contact, api="bulk")
    assert await project.interrupted(by_jobs, commits)
    await mapped(project, "Department")
    project.org.advance(hours=1)
    await project.run(by_jobs)
    assert await copied(project, "contact", "level") == truth(project.org, "Department")
    deleted = [each for each in project.org.requests if each.method == "DELETE"]
    assert len(deleted) == 1 + jobs_made(project.org)


@pytest.mark.parametrize("commits", range(1, 8))
async def test_a_refill_that_is_broken_off_goes_on_and_a_mapping_that_changes_again_meanwhile_holds(
    project: SampleProject, commits: int
) -> None:
    project.org.page_size = 5
    await project.run(CONTACTS)
    project.org.advance(hours=1)
    await mapped(project, "Department")
    broken_off = await project.interrupted(CONTACTS, commits)
    await mapped(project, "Email")
    project.org.advance(hours=1)
    await project.run(CONTACTS)
    assert await copied(project, "contact", "level") == truth(project.org, "Email")
    assert broken_off or commits > 6


@pytest.mark.parametrize("name", ["rest", "bulk"])
@pytest.mark.parametrize("commits", [1, 2, 4])
async def test_a_process_that_is_killed_while_it_refills_loses_nothing_and_reads_nothing_else_twice(
    tmp_path: Path, frozen: DemoOrg, name: str, commits: int
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(SYNCS[name])
        await project.opened.connections.map("acme", {DyingContact: {"email": "Department"}})
    frozen.advance(hours=1)
    process = opened_module("tests.extract.dying_process", str(tmp_path), name, str(commits))
    assert await anyio.to_thread.run_sync(process.wait) == -9
    async with project_at(tmp_path, frozen) as project:
        await project.run(SYNCS[name])
        assert await copied(project, "contact", "email") == truth(frozen, "Department")
        assert await copied(project, "contact", "last_name") == truth(frozen, "LastName")
        every = [fields for fields, of_all in selected(project) if of_all]
        assert not [fields for fields in every if "LastName" in fields]
        assert name == "rest" or jobs_made(frozen) <= 2


@pytest.fixture
def frozen() -> Any:
    """An org with pages of five rows."""
    with DemoOrg(contacts=23, accounts=3, page_size=5) as org:
        yield org


def changing(model: type[Any]) -> Sync[Any]:
    """Make a sync whose own code sees the rows."""

    @sync(name="reading")
    async def read(ctx: Context) -> Batches[Record]:
        async for batch in ctx.changes(model):
            yield batch.map(lambda row: {**row.model_dump(), "last_name": f"{row.level}: {row.last_name}"})

    return read


class Named(Record, table=True):
    """A contact whose name the script changes."""

    __sobject__ = "Contact"

    last_name: str | None
    level: str | None = field("Title")


async def test_where_the_script_sees_the_rows_they_are_read_whole(project: SampleProject) -> None:
    await project.run(changing(Named))
    project.org.advance(hours=1)
    await project.opened.connections.map("acme", {Named: {"level": "Department"}})
    await project.run(changing(Named))
    departments, names = truth(project.org, "Department"), truth(project.org, "LastName")
    wanted = {key: (f"{departments[key]}: {names[key]}", departments[key]) for key in names}
    assert await copied(project, "named", "last_name", "level") == wanted


async def test_a_parent_that_is_new_is_followed_from_then_on(project: SampleProject) -> None:
    await project.run(CONTACTS)
    project.org.advance(hours=1)
    await mapped(project, "Account.Name")
    await project.run(CONTACTS)
    assert [fields for fields, of_all in selected(project) if of_all] == ["Id, SystemModstamp, IsDeleted, Account.Name"]
    account = next(iter(project.org.rows("Account")))
    project.org.advance(hours=1)
    project.org.update("Account", str(account["Id"]), Name="Renamed")
    project.org.advance(hours=1)
    await project.run(CONTACTS)
    children = {str(row["Id"]) for row in project.org.rows("Contact") if row["AccountId"] == account["Id"]}
    levels = await copied(project, "contact", "level")
    assert {key for key, level in levels.items() if level == "Renamed"} == children


async def test_a_condition_holds_for_what_is_refilled_too(project: SampleProject) -> None:
    some = reading(Contact, where="LastName < 'M'")
    await project.run(some)
    copies = set(await project.live("contact"))
    project.org.advance(hours=1)
    await mapped(project, "Department")
    await project.run(some)
    departments = truth(project.org, "Department")
    assert await copied(project, "contact", "level") == {key: departments[key] for key in copies}
