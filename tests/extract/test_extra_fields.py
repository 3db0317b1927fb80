"""Extra fields that one connection keeps in a JSON column of a class."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orgsync import Record, field
from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid, FieldNotFound, MappingInvalid, RecordClassInvalid
from tests.extract.extracting import copied, reading, snapshotting
from tests.projects import SampleProject, credentials_for, executed, project_at


class Contact(Record, table=True):
    """A person, and what else a customer keeps of them."""

    last_name: str | None
    extra: dict[str, Any] | None = field(extra=True)


class Hopeful(Record, table=True):
    """The same, where fields may be absent."""

    __sobject__ = "Contact"

    extra: dict[str, Any] | None = field(extra=True, optional=True)


CONTACTS = reading(Contact)


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    org.add_field("Contact", "Size__c", type="double")
    org.add_field("Contact", "Seen__c", type="datetime")
    first, second, *_ = org.rows("Contact")
    org.update("Contact", str(first["Id"]), Size__c=1234567890.125, Title='say "ö"', Birthdate=date(1990, 5, 1))
    org.update("Contact", str(first["Id"]), Seen__c=org.now, HasOptedOutOfEmail=True, MailingCity="Köln")
    org.update("Contact", str(second["Id"]), Size__c=15e10, Title=None)
    async with project_at(tmp_path, org) as opened:
        yield opened


FIELDS = "Title,Size__c,HasOptedOutOfEmail,Seen__c,Birthdate,MailingAddress,Account.Name,Account.NumberOfEmployees"


async def mapped(project: SampleProject, fields: Any, model: type[Record] = Contact) -> None:
    await project.opened.connections.map("acme", {model: {"extra": fields}})


def texts(folder: Path, table: str = "contact") -> dict[str, str | None]:
    """Read the column's text, as it is in the database."""
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
        return dict(database.execute(f"SELECT id, extra FROM {table}"))


@pytest.mark.sqlite_alone(reason="jsonb keeps neither the order of keys nor how a number is written")
@pytest.mark.parametrize("kind", [reading, snapshotting])
async def test_rest_and_bulk_write_the_same_exact_json(tmp_path: Path, project: SampleProject, kind: Any) -> None:
    await mapped(project, FIELDS)
    await project.run(kind(Contact, api="rest"))
    by_rest = texts(tmp_path)
    project.org.advance(hours=1)
    await project.run(kind(Contact, api="bulk"), full=True)
    assert texts(tmp_path) == by_rest
    first, second, *_ = project.org.rows("Contact")
    found = json.loads(str(by_rest[str(first["Id"])]))
    assert list(found) == sorted(FIELDS.split(","))
    assert '"Size__c": 1234567890.125' in str(by_rest[str(first["Id"])])
    assert '"Size__c": 150000000000,' in str(by_rest[str(second["Id"])])
    assert (found["Title"], found["HasOptedOutOfEmail"], found["Birthdate"]) == ('say "ö"', True, "1990-05-01")
    assert found["Seen__c"].endswith("Z")
    assert found["MailingAddress"]["city"] == "Köln"
    assert json.loads(str(by_rest[str(second["Id"])]))["Title"] is None


async def test_without_a_mapping_the_column_is_null_and_another_connection_has_its_own(
    project: SampleProject,
) -> None:
    with DemoOrg(contacts=3, accounts=1) as other:
        await project.opened.connections.connect("beta", credentials_for(other))
        await mapped(project, ["Department"])
        for connection in ("acme", "beta"):
            assert (await executed(project.opened, CONTACTS, connection)).problem is None
    rows = project.opened.store.rows
    found = {str(row["id"]): row["extra"] async for row in rows.read("contact", connection="acme")}
    assert found == {str(row["Id"]): {"Department": row["Department"]} for row in project.org.rows("Contact")}
    assert [row["extra"] async for row in rows.read("contact", connection="beta")] == [None, None, None]


async def test_another_list_is_read_alone_of_every_row(project: SampleProject) -> None:
    await mapped(project, "Department")
    await project.run(CONTACTS)
    project.org.advance(hours=1)
    await mapped(project, "Title,Account.Name")
    await project.run(CONTACTS)
    [everything] = [each for each in project.queries if "SystemModstamp >=" not in each and "COUNT()" not in each]
    assert everything.startswith("SELECT Id, SystemModstamp, IsDeleted, Title, Account.Name FROM")
    wanted = {str(row["Id"]): row["Title"] for row in project.org.rows("Contact")}
    assert {key: value["Title"] for key, value in (await copied(project, "contact", "extra")).items()} == wanted
    project.org.advance(hours=1)
    assert (await project.run(CONTACTS)).updated == 0
    await mapped(project, None)
    await project.run(CONTACTS)
    assert set((await copied(project, "contact", "extra")).values()) == {None}


async def test_names_are_written_as_salesforce_spells_them(project: SampleProject) -> None:
    await mapped(project, "department, account.NAME")
    await project.run(CONTACTS)
    for value in (await copied(project, "contact", "extra")).values():
        assert {*value} == {"Account.Name", "Department"}  # their order is not kept by every database


async def test_a_field_that_the_org_loses_ends_the_run_or_is_null_where_it_is_optional(project: SampleProject) -> None:
    for model in (Contact, Hopeful):
        await mapped(project, "Department,Title", model)
    project.org.hide_field("Contact", "Department")
    outcome = await project.outcome(CONTACTS)
    assert isinstance(outcome.problem, FieldNotFound)
    assert "Contact.extra, which the connection maps to it" in outcome.problem.cause
    await project.run(reading(Hopeful))
    titles = {str(row["Id"]): {"Department": None, "Title": row["Title"]} for row in project.org.rows("Contact")}
    assert await copied(project, "hopeful", "extra") == titles


async def test_wrong_fields_are_named_before_anything_is_kept(project: SampleProject) -> None:
    with pytest.raises(FieldNotFound, match="Did you mean Department"):
        await mapped(project, "Title,Departmnt")
    with pytest.raises(MappingInvalid, match="names title twice"):
        await mapped(project, "Title,title")
    with pytest.raises(MappingInvalid, match="has no column extra") as refused:
        await mapped(project, "Title,Department", Plain)
    assert "Declare it in Plain: extra: dict[str, Any] | None = field(extra=True)." in refused.value.remedy


class Plain(Record, table=True):
    """A class without such a column."""

    __sobject__ = "Contact"

    last_name: str | None


async def test_extra_fields_are_not_written_back(project: SampleProject) -> None:
    await mapped(project, "Department")
    await project.run(CONTACTS)
    org = await project.opened.open_org("acme")
    [row_id, *_] = await project.live("contact")
    with pytest.raises(ArgumentInvalid, match=r"Contact\.extra holds several fields"):
        await org.write(Contact, [{"id": row_id, "extra": {"Department": "x"}}], operation="update")


@pytest.mark.parametrize(
    ("annotation", "options"),
    [
        (dict[str, Any], {}),
        (str | None, {}),
        (dict[str, Any] | None, {"path": "Title"}),
        (dict[str, Any] | None, {"local": True}),
        (dict[str, Any] | None, {"mask": "hash"}),
        (dict[str, Any] | None, {"index": True}),
    ],
)
def test_such_a_column_is_declared_in_one_way(annotation: Any, options: dict[str, Any]) -> None:
    metaclass: Any = type(Record)
    statement = {"__module__": __name__, "__annotations__": {"more": annotation}, "more": field(extra=True, **options)}
    with pytest.raises(RecordClassInvalid) as refused:
        metaclass("Odd", (Record,), statement, table=True)
    assert "more: dict[str, Any] | None = field(extra=True)" in refused.value.remedy
