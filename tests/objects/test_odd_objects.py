"""Objects that are unlike others: awkward names, hundreds of fields, compounds, packages, no way to read changes."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

import orgsync
from orgsync.demo_org import DemoOrg, Fault, lookup
from orgsync.errors import ArgumentInvalid, FilterRequired, NameUnknown, OrgsyncError, SnapshotRefused
from orgsync.object_entry import ObjectEntry
from orgsync.records import schema_of
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe
from orgsync.salesforce.http.http import Http
from orgsync.scripts.object_fields import copied_fields, described_object, left_out_of
from orgsync.scripts.object_model import columns_of_object, missing_columns, object_model
from orgsync.scripts.object_sync import condition_for, described_entry
from tests.api.clients import lone_client
from tests.http.raw_server import RawServer, reply
from tests.project.test_scaffold_recordings import DESCRIBES, body_of
from tests.projects import project_at
from tests.recordings import needs_recordings

AWKWARD = [
    *("Class__c", "From__c", "Connection__c", "Model_Fields__c", "Id__c", "Metadata__c", "Sync_Seq__c", "Date__c"),
    *("Name__c", "ns__Name__c", "Select__c", "Order__c", "Group__c", "X2_Step__c", "Registry__c", "Is_Deleted__c"),
    *("_1__c", "IsDeleted__c", "Level__c", "ns__Level__c", "LEVEL_Custom__c", "a1__Level__c", "sync_change__c"),
]


@pytest.mark.sqlite_alone(reason="the file itself is read")
async def test_fields_with_awkward_and_colliding_names_are_all_copied(tmp_path: Path, org: DemoOrg) -> None:
    names = [name for name in AWKWARD if name[0] != "_"]
    org.add_object("Select__c", fields=dict.fromkeys(names, "string"))
    row = org.insert("Select__c", Name="One", **{name: f"of {name}" for name in names})
    async with project_at(tmp_path, org) as project:
        run = await project.run(orgsync.object_sync("Select__c"))
        assert run.added == 1
        values = (await project.live("select"))[row]
        assert {f"of {name}" for name in names} <= {*values.values()}
        assert (values["name"], values["class_value"], values["level"]) == ("One", "of Class__c", "of Level__c")
        with sqlite3.connect(tmp_path / ".orgsync" / "orgsync.db") as database:
            assert database.execute('SELECT name_custom FROM "select"').fetchone() == ("of Name__c",)


@pytest.mark.sqlite_alone(reason="a row of hundreds of values is larger than a page of PostgreSQL")
async def test_an_object_with_hundreds_of_fields_is_copied_whole(tmp_path: Path) -> None:
    with DemoOrg(contacts=0, accounts=2, page_size=7) as org:
        fields = [f"A_field_with_a_long_name_{number:03}__c" for number in range(600)]
        org.add_object("Wide__c", fields=dict.fromkeys(fields, "string"))
        made = [org.insert("Wide__c", **{name: f"{row} {name}" for name in fields}) for row in range(10)]
        wide = orgsync.object_sync("Wide__c")
        async with project_at(tmp_path, org) as project:
            assert (await project.run(wide)).added == 10
            org.update("Wide__c", made[3], **{fields[599]: "changed"})
            await project.run(wide)
            rows = await project.live("wide")
            for number, key in enumerate(made):
                last = "changed" if number == 3 else f"{number} {fields[599]}"
                assert (rows[key]["a_field_with_a_long_name_000"], rows[key]["a_field_with_a_long_name_599"]) == (
                    f"{number} {fields[0]}",
                    last,
                )
            org.add_field("Wide__c", "Late__c")
            org.update("Wide__c", made[0], Late__c="late")
            await project.run(wide)
            assert (await project.live("wide"))[made[0]]["late"] == "late"


async def test_bulk_reads_the_same_and_empties_what_vanished(tmp_path: Path, org: DemoOrg) -> None:
    org.add_object("Invoice__c", Level__c="string", Size__c="double", Place__c="string")
    made = [org.insert("Invoice__c", Level__c="Gold", Size__c=2.5, Place__c="Oslo") for _ in range(20)]
    invoices = orgsync.object_sync("Invoice__c")
    async with project_at(tmp_path, org, bulk_from=1) as project:
        assert (await project.run(invoices)).added == 20
        assert any("jobs/query" in request.path for request in org.requests)
        org.remove_field("Invoice__c", "Level__c")
        org.remove_field("Invoice__c", "Size__c")
        org.add_field("Invoice__c", "Size__c")
        for each in made:
            org.update("Invoice__c", each, Size__c="large")
        await project.run(invoices)
        for row in (await project.live("invoice")).values():
            assert (row["level"], row["size"], row["size_text"], row["place"]) == (None, None, "large", "Oslo")
        assert (await project.run(invoices, full=True)).deleted == 0
        assert len(await project.live("invoice")) == 20


async def test_another_condition_or_other_fields_are_taken_up(tmp_path: Path, org: DemoOrg) -> None:
    org.add_object("Invoice__c", Size__c="double", Level__c="string")
    made = [org.insert("Invoice__c", Size__c=float(number), Level__c="Gold") for number in range(4)]
    org.advance(hours=1)

    async def sizes(**options: Any) -> dict[float, str | None]:
        await project.run(orgsync.object_sync("Invoice__c", **options))
        return {row["size"]: row.get("level") for row in (await project.live("invoice")).values()}

    async with project_at(tmp_path, org) as project:
        assert await sizes(fields=["Size__c"], where="Size__c > 1") == {2.0: None, 3.0: None}
        assert await sizes(fields=["Size__c"], where="Size__c < 1") == {0.0: None}
        assert await sizes(where="Size__c < 3") == {0.0: "Gold", 1.0: "Gold", 2.0: "Gold"}
        org.update("Invoice__c", made[1], Size__c=9)
        assert await sizes(where="Size__c < 3") == {0.0: "Gold", 2.0: "Gold"}
        assert len(await sizes()) == 4


async def test_two_fields_of_packages_and_an_object_of_one(tmp_path: Path, org: DemoOrg) -> None:
    org.add_object("ns__Invoice__c", ns__Level__c="string", other__Level__c="string", Account__c=lookup("Account"))
    row = org.insert("ns__Invoice__c", ns__Level__c="one", other__Level__c="two")
    async with project_at(tmp_path, org) as project:
        await project.run(orgsync.object_sync("ns__Invoice__c", where="Account__r.Name = null"))
        values = (await project.live("invoice"))[row]
        assert (values["level"], values["other_level"]) == ("one", "two")


async def test_an_object_whose_changes_cannot_be_read_is_read_whole(tmp_path: Path, org: DemoOrg) -> None:
    org.add_object("Setup__c", changes=False, fields={"Code__c": "string"})
    kept, gone = org.insert("Setup__c", Code__c="a"), org.insert("Setup__c", Code__c="b")
    whole = orgsync.object_sync("Setup__c")
    async with project_at(tmp_path, org) as project:
        assert (await project.run(whole)).added == 2
        org.delete("Setup__c", gone)
        run = await project.run(whole)
        assert (run.added, run.deleted) == (0, 1)
        assert {key: row["code"] for key, row in (await project.live("setup")).items()} == {kept: "a"}


async def test_what_ends_a_run_of_an_object_is_mended_without_a_script(tmp_path: Path, org: DemoOrg) -> None:
    org.add_object("Setup__c", changes=False, fields={"Code__c": "string"})
    made = [org.insert("Setup__c", Code__c="a") for _ in range(4)]
    whole = orgsync.object_sync("Setup__c")
    async with project_at(tmp_path, org) as project:
        await project.run(whole)
        for each in made[:3]:
            org.delete("Setup__c", each)
        problem = (await project.outcome(whole)).problem
        assert isinstance(problem, SnapshotRefused)
        assert problem.remedy.endswith("orgsync reset Setup__c.")
        assert len(await project.live("setup")) == 4
        text = "Implementation restriction: Setup__c requires a filter by a single Id"
        org.add_fault(Fault.json_error(400, "MALFORMED_QUERY", text), match="/query")
        problem = (await project.outcome(whole)).problem
        assert isinstance(problem, FilterRequired)
        assert 'name = "Setup__c" and where = "..."' in problem.remedy


async def test_a_compound_field_is_copied_when_it_is_named(tmp_path: Path, org: DemoOrg) -> None:
    row = str(org.rows("Account")[0]["Id"])
    org.update("Account", row, BillingCity="Oslo")
    async with project_at(tmp_path, org) as project:
        await project.run(orgsync.object_sync("Account", fields=["Name", "BillingAddress"]))
        assert (await project.live("account"))[row]["billing_address"]["city"] == "Oslo"


def field(name: str, type: str = "string", **more: Any) -> FieldDescribe:
    return FieldDescribe(name, type, None, (), False, **more)


def described(name: str, *fields: FieldDescribe) -> ObjectDescribe:
    known = {each.name.lower(): each for each in (field("Id", "id"), *fields)}
    return ObjectDescribe(name, True, True, known)


@pytest.mark.parametrize(
    ("entry", "kind", "text"),
    [
        (ObjectEntry(name="Vote"), FilterRequired, 'where = "..."'),
        (ObjectEntry(name="Vote", where="Hidden__c = 'a'"), OrgsyncError, "does not filter by"),
        (ObjectEntry(name="Vote", where="A__r.Name = 'a'"), NameUnknown, "relationship A__r"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(entry: ObjectEntry, kind: type[OrgsyncError], text: str) -> None:
    with pytest.raises(kind) as refused:
        condition_for(described("Vote", field("Hidden__c", filterable=False)), entry)
    assert text in str(refused.value)


@pytest.mark.parametrize(
    "where",
    [
        "CALENDAR_YEAR(CreatedDate) = 2026 AND Total__c > USD5000",
        "CreatedDate = LAST_N_DAYS:30 AND (NOT Name LIKE 'A:b%')",
        "Invoice__c.Total__c >= 1e3 AND name IN ('Nonsense__c', 'x')",
        "Id IN (SELECT Other__c FROM Line__c WHERE Whatever__c = 'x') AND CreatedDate > 2026-01-01T00:00:00Z",
        "DISTANCE(Name, GEOLOCATION(37,-122), 'mi') < 20",
    ],
)
def test_functions_amounts_dates_and_texts_are_no_fields(where: str) -> None:
    about = described("Invoice__c", field("CreatedDate", "datetime"), field("Total__c", "currency"), field("Name"))
    assert condition_for(about, ObjectEntry(name="Invoice__c", where=where)) == where


async def test_what_cannot_be_copied_is_refused() -> None:
    body: dict[str, Any] = {"name": "Thing__b", "fields": [{"name": "Id", "type": "id"}], "queryable": True}
    async with RawServer(reply(200, body)) as server, Http() as http:
        with pytest.raises(ArgumentInvalid, match="is a big object"):
            await described_entry(lone_client(http, server.url), ObjectEntry(name="Thing__b"))
    async with RawServer(reply(200, {**body, "name": "Thing", "queryable": False})) as server, Http() as http:
        with pytest.raises(ArgumentInvalid, match="Thing cannot be copied"):
            await described_entry(lone_client(http, server.url), ObjectEntry(name="Thing"))


@needs_recordings
@pytest.mark.parametrize("path", DESCRIBES, ids=lambda path: path.stem)
async def test_every_recorded_describe_gives_a_record_class(path: Path) -> None:
    body = body_of(path)
    async with RawServer(reply(200, body)) as server, Http() as http:
        about = await described_object(lone_client(http, server.url), body["name"])
    entry = ObjectEntry(name=about.name)
    fields = copied_fields(about)
    known = missing_columns(entry.kept_in, about, fields, [])
    assert not missing_columns(entry.kept_in, about, fields, known)
    schema = schema_of(object_model(about.name, entry.kept_in, columns_of_object(about, entry, fields, known, {})))
    assert (schema.sobject, schema.table) == (body["name"], entry.kept_in)
    copied = {column.path for column in schema.fields}
    assert copied == {each["name"] for each in body["fields"]} - {
        *left_out_of(about),
        "Id",
        "SystemModstamp",
        "IsDeleted",
    }
