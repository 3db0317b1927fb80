"""Columns that a connection fills from other fields than the class names."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.errors import FieldNotFound, MappingInvalid
from orgsync.field_mapping import MappedColumn
from orgsync.project import open_dry_run
from orgsync.records import schema_of
from orgsync.records.mapping import require_mappable
from orgsync.store import Write
from tests.extract.extracting import copied, reading, snapshotting
from tests.projects import SampleProject, credentials_for, executed, project_at


class Contact(Record, table=True):
    """A person, and how important they are."""

    last_name: str | None
    level: str | None = field("Title")


CONTACTS = reading(Contact)


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    async with project_at(tmp_path, org) as opened:
        yield opened


async def mapped(project: SampleProject, **columns: Any) -> None:
    """Map columns of Contact on acme."""
    await project.opened.connections.map("acme", {Contact: columns})


def truth(org: DemoOrg, path: str) -> Mapping[str, Any]:
    """Return a field of the org's contacts by Id."""
    return {str(row["Id"]): row[path] for row in org.rows("Contact")}


@pytest.mark.parametrize("api", ["rest", "bulk"])
@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_a_mapped_column_holds_the_other_field(project: SampleProject, kind: Any, api: str) -> None:
    await mapped(project, level="Department")
    await project.run(kind(Contact, api=api))
    assert await copied(project, "contact", "level") == truth(project.org, "Department")
    assert await copied(project, "contact", "last_name") == truth(project.org, "LastName")


async def test_a_field_of_a_parent_fills_a_column_and_follows_the_parent(project: SampleProject) -> None:
    await mapped(project, level="Account.Name")
    await project.run(CONTACTS)
    account = next(iter(project.org.rows("Account")))
    children = {str(row["Id"]) for row in project.org.rows("Contact") if row["AccountId"] == account["Id"]}
    project.org.advance(hours=1)
    project.org.update("Account", str(account["Id"]), Name="Renamed")
    project.org.advance(hours=1)
    assert (await project.run(CONTACTS)).updated == len(children) > 0
    levels = await copied(project, "contact", "level")
    assert {key for key, level in levels.items() if level == "Renamed"} == children


async def test_two_connections_fill_one_table_from_different_fields(project: SampleProject) -> None:
    with DemoOrg(contacts=7, accounts=2) as other:
        await project.opened.connections.connect("beta", credentials_for(other))
        await mapped(project, level="Department")
        for connection in ("acme", "beta"):
            outcome = await executed(project.opened, CONTACTS, connection)
            assert outcome.problem is None
        wanted = {"acme": truth(project.org, "Department"), "beta": truth(other, "Title")}
    for connection, values in wanted.items():
        rows = project.opened.store.rows.read("contact", connection=connection)
        assert {row["id"]: row["level"] async for row in rows} == values


@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_a_changed_mapping_fills_the_column_of_every_row_and_taken_away_the_first_field(
    project: SampleProject, kind: Any
) -> None:
    sync = kind(Contact)
    await project.run(sync)
    for given, path in (("Department", "Department"), ("Account.Name", None), (None, "Title")):
        project.org.advance(hours=1)
        await mapped(project, level=given)
        await project.run(sync)
        levels = await copied(project, "contact", "level")
        if path:
            assert levels == truth(project.org, path)
    project.org.advance(hours=1)
    assert (await project.run(sync)).updated == 0


async def test_deleted_rows_hold_the_other_field_too(project: SampleProject) -> None:
    await mapped(project, level="Department")
    await project.run(CONTACTS)
    gone = dict(next(iter(project.org.rows("Contact"))))
    project.org.advance(hours=1)
    project.org.update("Contact", str(gone["Id"]), Department="Last seen")
    project.org.delete("Contact", str(gone["Id"]))
    project.org.advance(hours=1)
    assert (await project.run(CONTACTS)).deleted == 1
    kept = await project.opened.store.rows.get("contact", "acme", [str(gone["Id"])])
    assert (kept[str(gone["Id"])]["is_deleted"], kept[str(gone["Id"])]["level"]) == (True, "Last seen")


async def test_reconciling_reads_missing_rows_with_the_mapping(project: SampleProject) -> None:
    await mapped(project, level="Department")
    await project.run(CONTACTS)
    [first, *_] = await project.live("contact")
    async with project.opened.store.runs.begin("reading", "acme") as run:
        await project.opened.store.rows.commit(run, [Write(schema_of(Contact), (), [first])], None, 0)
    project.org.advance(hours=1)
    assert (await project.run(CONTACTS, reconcile=True)).added == 1
    assert await copied(project, "contact", "level") == truth(project.org, "Department")


async def test_a_dry_run_shows_what_the_mapping_would_change(project: SampleProject) -> None:
    await project.run(CONTACTS)
    await mapped(project, level="Department")
    with_sync = project.opened.with_syncs(CONTACTS)
    async with open_dry_run(with_sync, Job("sync", "reading", "acme")) as dry_run:
        changes = {change.id: change.fields async for change in dry_run.changes}
    titles, departments = truth(project.org, "Title"), truth(project.org, "Department")
    assert changes == {
        key: {"level": (titles[key], departments[key])} for key in titles if titles[key] != departments[key]
    }
    assert await copied(project, "contact", "level") == titles


async def test_a_mapped_field_that_the_org_loses_ends_the_run_with_the_nearest_name(project: SampleProject) -> None:
    await mapped(project, level="Department")
    project.org.hide_field("Contact", "Department")
    outcome = await project.outcome(CONTACTS)
    assert isinstance(outcome.problem, FieldNotFound)
    assert "Contact.level, which the connection maps to it" in outcome.problem.cause
    assert "orgsync connections map" in outcome.problem.remedy


async def test_a_mapped_optional_field_that_the_org_loses_is_null(project: SampleProject) -> None:
    class Optional(Record, table=True):
        __sobject__ = "Contact"

        level: str | None = field("Title", optional=True)

    await project.opened.connections.map("acme", {Optional: {"level": "Department"}})
    project.org.hide_field("Contact", "Department")
    await project.run(reading(Optional))
    assert set((await copied(project, "optional", "level")).values()) == {None}


async def test_a_mapping_of_a_column_that_the_class_has_lost_ends_the_run(project: SampleProject) -> None:
    await mapped(project, level="Department")

    class Fewer(Record, table=True):
        __sobject__ = "Contact"
        __tablename__ = "contact"

        last_name: str | None

    outcome = await project.outcome(reading(Fewer))
    assert isinstance(outcome.problem, MappingInvalid)
    assert "has no column level" in outcome.problem.cause


def test_a_class_without_columns_of_its_own_says_so_where_one_is_mapped() -> None:
    class Bare(Record, table=True):
        pass

    with pytest.raises(MappingInvalid) as refused:
        require_mappable(schema_of(Bare), MappedColumn("Bare", schema_of(Bare).table, "level", ("Tier__c",)))
    assert refused.value.remedy == "Bare declares no column that could be mapped."


async def test_a_field_of_another_type_than_the_column_is_refused(project: SampleProject) -> None:
    class Counted(Record, table=True):
        __sobject__ = "Contact"

        number: int | None = field("Title")

    with pytest.raises(MappingInvalid, match=r"declared int, but Contact\.Department is of Salesforce's type string"):
        await project.opened.connections.map("acme", {Counted: {"number": "Department"}})
    assert (await project.opened.connections.get("acme")).mapping == {}
