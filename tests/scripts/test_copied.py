"""What a script finds in the copy that it writes: `ctx.copied`."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid
from orgsync_syncs.contacts import Contact, contacts
from tests.projects import SampleProject, project_at


@pytest.fixture
def org() -> Generator[DemoOrg]:
    with DemoOrg(contacts=6, accounts=2) as org:
        yield org


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[SampleProject]:
    async with project_at(tmp_path, org) as project:
        yield project


async def test_records_come_by_their_ids_deleted_ones_too_and_unknown_ones_not(
    project: SampleProject, org: DemoOrg
) -> None:
    await project.run(contacts)
    one, two, *_ = (str(row["Id"]) for row in org.rows("Contact"))
    org.delete("Contact", two)
    await project.run(contacts)
    ctx = await project.open_context()
    found = await ctx.copied(Contact, [two, "003000000000000AAA", one, one])
    assert [(each.id, each.is_deleted) for each in found] == [(one, False), (two, True)]
    assert all(each.created_date and each.last_name for each in found)


async def test_records_come_by_another_field(project: SampleProject, org: DemoOrg) -> None:
    await project.run(contacts)
    account = str(org.rows("Account")[0]["Id"])
    ctx = await project.open_context()
    found = await ctx.copied(Contact, [account], by="account_id")
    assert {each.id for each in found} == {str(row["Id"]) for row in org.rows("Contact") if row["AccountId"] == account}
    assert found


async def test_before_the_first_run_there_are_none(project: SampleProject) -> None:
    ctx = await project.open_context()
    assert await ctx.copied(Contact, ["003000000000000AAA"]) == []
    assert await ctx.copied(Contact, []) == []


@pytest.mark.parametrize(
    ("by", "said"), [("acount_id", "did you mean account_id"), ("created_date", "no text field created_date")]
)
async def test_a_field_that_rows_cannot_be_found_by_is_refused(project: SampleProject, by: str, said: str) -> None:
    ctx = await project.open_context()
    with pytest.raises(ArgumentInvalid, match=said):
        await ctx.copied(Contact, ["x"], by=by)
