"""Objects with more fields than fit into a URL are read in groups of columns; no two versions mix."""

from collections.abc import Iterator
from pathlib import Path
from types import new_class
from typing import Any, cast

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg
from orgsync.extract.column_groups import column_groups, id_groups
from orgsync.salesforce.api.query import pages
from tests.extract.extracting import reading, snapshotting
from tests.projects import SampleProject, project_at

WIDTH = 700
FIELDS = [f"A_field_with_a_long_name_{number:03}__c" for number in range(WIDTH)]


def wide_class() -> type[Record]:
    """Make a record class of all the fields, and one of the account's."""
    columns: dict[str, Any] = {f"f{number}": field(name) for number, name in enumerate(FIELDS)}
    columns["account_name"] = field("Account.Name")
    annotations = dict.fromkeys(columns, str | None)
    namespace = {"__module__": __name__, "__annotations__": annotations, **columns}
    return cast("type[Record]", new_class("Contact", (Record,), {"table": True}, lambda body: body.update(namespace)))


Wide = wide_class()


@pytest.fixture
def org() -> Iterator[DemoOrg]:
    """An org with a wide object, whose rows share few stamps; each field of a row says which version it is."""
    with DemoOrg(contacts=0, accounts=2, page_size=7) as org:
        for name in FIELDS:
            org.add_field("Contact", name)
        account = str(org.rows("Account")[0]["Id"])
        with org.transaction() as together:
            for number in range(24):
                together.insert("Contact", LastName=f"C{number}", AccountId=account, **version(number, 0))
        yield org


def version(row: int, number: int) -> dict[str, str]:
    return {name: f"row {row} version {number} {name[-6:]}" for name in FIELDS[:: 50 if number else 1]} | dict(
        zip(FIELDS[::50], [f"version {number}"] * WIDTH, strict=False)
    )


async def assert_equal(project: SampleProject, org: DemoOrg) -> None:
    rows = await project.live("contact")
    assert rows.keys() == {str(row["Id"]) for row in org.rows("Contact")}
    for row in org.rows("Contact"):
        assert [rows[str(row["Id"])][f"f{number}"] for number in range(WIDTH)] == [row[name] for name in FIELDS]


@pytest.mark.sqlite_alone(reason="a row of a thousand values is larger than a page of PostgreSQL")
@pytest.mark.parametrize("sync", [reading(Wide), snapshotting(Wide)], ids=["changes", "snapshot"])
async def test_every_value_is_read(tmp_path: Path, org: DemoOrg, sync: Any) -> None:
    async with project_at(tmp_path, org) as project:
        run = await project.run(sync)
        assert len(project.queries) >= 3
        assert run.added == 24
        await assert_equal(project, org)


@pytest.mark.sqlite_alone(reason="a row of a thousand values is larger than a page of PostgreSQL")
@pytest.mark.parametrize("step", [0, 5], ids=["one row again and again", "one row after the other"])
async def test_rows_that_change_between_the_groups_are_read_whole(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    turn = 0
    ids = [str(row["Id"]) for row in org.rows("Contact")]

    async def disturbed(*args: Any, **options: Any) -> Any:
        nonlocal turn
        async for page in pages(*args, **options):
            turn += 1
            if turn < 40:
                org.advance(seconds=1)
                org.update("Contact", ids[turn * step % 24], **version(turn * step % 24, turn))
            yield page

    monkeypatch.setattr("orgsync.extract.column_groups.pages", disturbed)
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Wide))
        assert len(await project.live("contact")) >= 24 - (step == 0), "a row that always changes comes later"
        while turn < 40:
            await project.run(reading(Wide))
        for row in (await project.live("contact")).values():
            assert len({row[f"f{number}"] for number in range(0, WIDTH, 50)}) <= 2, "two versions in one row"
        await project.run(reading(Wide))
        await assert_equal(project, org)


@pytest.mark.sqlite_alone(reason="a row of a thousand values is larger than a page of PostgreSQL")
async def test_a_renamed_parent_reaches_wide_rows(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Wide))
        org.advance(minutes=10)
        org.update("Account", str(org.rows("Account")[0]["Id"]), Name="Renamed")
        assert (await project.run(reading(Wide))).updated == 24
        assert {row["account_name"] for row in (await project.live("contact")).values()} == {"Renamed"}


@pytest.mark.sqlite_alone(reason="a row of a thousand values is larger than a page of PostgreSQL")
async def test_wide_rows_that_become_visible_are_read(tmp_path: Path, org: DemoOrg) -> None:
    org.restrict_rows("Contact", [str(row["Id"]) for row in org.rows("Contact")][:5])
    async with project_at(tmp_path, org) as project:
        await project.run(reading(Wide))
        org.show_everything()
        assert (await project.run(reading(Wide), reconcile=True)).added == 5
        await assert_equal(project, org)


def test_every_group_has_the_common_columns_and_every_column_is_in_one_group() -> None:
    groups = column_groups(["Id", "S", *FIELDS], 2, lambda paths: ", ".join(paths))
    assert all(group[:2] == ["Id", "S"] and len(", ".join(group)) < 12_000 for group in groups)
    assert [name for group in groups for name in group[2:]] == FIELDS
    assert column_groups(["Id", "A"], 1, ", ".join) == [["Id", "A"]]


def test_lists_of_ids_leave_room_for_a_condition() -> None:
    ids = [f"003{number:015}" for number in range(1000)]
    sizes = [max(map(len, id_groups(ids, condition))) for condition in (None, "x" * 4000, "x" * 20_000)]
    assert sizes[0] > sizes[1] > sizes[2] == 10
    assert [each for group in id_groups(ids, "x" * 4000) for each in group] == ids
