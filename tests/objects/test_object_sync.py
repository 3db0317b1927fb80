"""An object is copied without a script: all its fields, new ones and vanished ones, deletions, every kind of object."""

from pathlib import Path
from typing import Any

import pytest

import orgsync
from orgsync import Batches, Context, Sync, sync
from orgsync.demo_org import DemoOrg, Fault, NewField, key, lookup
from orgsync.demo_org.objects import OBJECTS
from orgsync.demo_org.wire import Response
from orgsync.errors import ArgumentInvalid, BatchInvalid, NameUnknown, OrgsyncError, QueryRefused, SettingInvalid
from orgsync.records import Record
from tests.extract.extracting import warnings
from tests.projects import SampleProject, credentials_for, executed, project_at

INVOICES = orgsync.object_sync("Invoice__c")


@pytest.fixture
def invoices(org: DemoOrg) -> DemoOrg:
    org.add_object(
        "Invoice__c",
        Key__c=key(),
        Total__c=NewField(type="currency", precision=8, scale=2),
        Due__c="date",
        Paid__c="boolean",
        Account__c=lookup("Account", "Invoices__r"),
    )
    for number in range(3):
        org.insert("Invoice__c", Name=f"I-{number}", Key__c=f"k{number}", Total__c=10.5 * number, Due__c="2026-04-01")
    return org


def ids(org: DemoOrg, sobject: str = "Invoice__c") -> list[str]:
    return [str(row["Id"]) for row in org.rows(sobject)]


async def column(project: SampleProject, name: str, table: str = "invoice") -> dict[str, Any]:
    return {key: row[name] for key, row in (await project.live(table)).items()}


async def ended(project: SampleProject, sync: Sync[Record]) -> OrgsyncError:
    problem = (await project.outcome(sync)).problem
    assert problem is not None
    return problem


async def test_every_field_is_copied_and_then_only_what_changed(tmp_path: Path, invoices: DemoOrg) -> None:
    first, second, _ = ids(invoices)
    async with project_at(tmp_path, invoices) as project:
        run = await project.run(INVOICES)
        assert (run.sync, run.added) == ("Invoice__c", 3)
        rows = await project.live("invoice")
        row = rows[second]
        assert (row["name"], row["key"], row["total"], row["due"]) == ("I-1", "k1", 10.5, "2026-04-01")
        assert (row["paid"], row["account"]) == (False, None)
        invoices.update("Invoice__c", first, Total__c=99)
        invoices.delete("Invoice__c", second)
        run = await project.run(INVOICES)
        assert (run.added, run.updated, run.deleted) == (0, 1, 1)
        assert (await column(project, "total"))[first] == 99
        run = await project.run(INVOICES)
        assert (run.added, run.updated, run.deleted) == (0, 0, 0)
        assert sum("query" in call for call in project.calls) == 1


async def test_formulas_are_read_again_at_an_interval_of_their_own(tmp_path: Path, invoices: DemoOrg) -> None:
    rates = ["low"]
    invoices.add_field("Invoice__c", "Rate__c", formula=lambda _row, _view: rates[0])
    copied = orgsync.object_sync("Invoice__c", formulas="6h")
    async with project_at(tmp_path, invoices) as project:
        invoices.advance(hours=1)
        await project.run(copied)
        rates[0] = "high"
        assert (await project.run(copied)).updated == 0
        invoices.advance(hours=7)
        assert (await project.run(copied)).updated == 3
        assert set((await column(project, "rate")).values()) == {"high"}


async def test_a_new_field_is_there_with_the_next_run_in_old_rows_too(tmp_path: Path, invoices: DemoOrg) -> None:
    async with project_at(tmp_path, invoices) as project:
        await project.run(INVOICES)
        invoices.add_field("Invoice__c", "Level__c")
        invoices.add_field("Invoice__c", "Grade__c", formula=lambda row, _: f"{row['Name']}!")
        invoices.update("Invoice__c", ids(invoices)[0], Level__c="Gold")
        await project.run(INVOICES)
        assert {*(await column(project, "grade")).values()} == {"I-0!", "I-1!", "I-2!"}
        assert {*(await column(project, "level")).values()} == {"Gold", None}


async def test_a_vanished_field_is_empty_in_new_rows_and_comes_back(tmp_path: Path, invoices: DemoOrg) -> None:
    first, second, _ = ids(invoices)
    async with project_at(tmp_path, invoices) as project:
        invoices.advance(hours=1)
        await project.run(INVOICES)
        invoices.hide_field("Invoice__c", "Key__c")
        invoices.update("Invoice__c", first, Total__c=1)
        with warnings() as logged:
            assert (await project.run(INVOICES)).updated == 1
        assert [text for text in logged if "Key__c" in text] == [
            "Invoice.key stays empty: Invoice__c has no visible field Key__c."
        ]
        keys = await column(project, "key")
        assert (keys[first], keys[second]) == (None, "k1")
        invoices.show_everything()
        await project.run(INVOICES)
        assert (await column(project, "key"))[first] == "k0"


async def test_a_field_that_is_named_and_vanishes_later_ends_no_run(tmp_path: Path, invoices: DemoOrg) -> None:
    some = orgsync.object_sync("Invoice__c", fields=["Key__c", "Total__c"])
    first, *_ = ids(invoices)
    async with project_at(tmp_path, invoices) as project:
        await project.run(some)
        invoices.hide_field("Invoice__c", "Key__c")
        invoices.update("Invoice__c", first, Total__c=1)
        await project.run(some)
        assert (await column(project, "key"))[first] is None
        only = orgsync.object_sync("Invoice__c", fields=["Key__c"])
        await project.run(only)
        invoices.show_everything()
        await project.run(only)
        assert (await column(project, "key"))[first] == "k0"


async def test_a_field_that_vanishes_while_it_is_read_ends_no_run(tmp_path: Path, invoices: DemoOrg) -> None:
    def hidden(response: Response, _: str) -> Response:
        invoices.hide_field("Invoice__c", "Key__c")
        return response

    async with project_at(tmp_path, invoices) as project:
        invoices.add_fault(Fault("response", alteration=hidden), match="Invoice__c/describe", every=2)
        with warnings() as logged:
            assert (await project.run(INVOICES)).added == 3
        assert {*(await column(project, "key")).values()} == {None}
        assert "Invoice.key stays empty: Invoice__c has no visible field Key__c." in logged
        assert {*(await column(project, "total")).values()} == {0, 10.5, 21}


async def test_a_column_keeps_its_field_when_another_of_the_name_appears(tmp_path: Path, invoices: DemoOrg) -> None:
    invoices.add_field("Invoice__c", "ns__Level__c")
    first, *_ = ids(invoices)
    invoices.update("Invoice__c", first, ns__Level__c="package")
    async with project_at(tmp_path, invoices) as project:
        await project.run(INVOICES)
        invoices.add_field("Invoice__c", "Level__c")
        invoices.update("Invoice__c", first, Level__c="own")
        await project.run(INVOICES)
        row = (await project.live("invoice"))[first]
        assert (row["level"], row["level_custom"]) == ("package", "own")


async def test_two_orgs_with_other_fields_never_share_a_column_by_its_name_alone(
    tmp_path: Path, invoices: DemoOrg
) -> None:
    invoices.add_field("Invoice__c", "ns__Level__c")
    invoices.add_field("Invoice__c", "Size__c", type="double")
    first, *_ = ids(invoices)
    invoices.update("Invoice__c", first, ns__Level__c="package", Size__c=2.5)
    with DemoOrg(contacts=1, accounts=1) as other:
        other.add_object("Invoice__c", Level__c="string", Size__c="string")
        theirs = other.insert("Invoice__c", Name="Theirs", Level__c="own", Size__c="large")
        async with project_at(tmp_path, invoices) as project:
            await project.opened.connections.connect("globex", credentials_for(other))
            await project.run(INVOICES)
            with warnings() as logged:
                await on_globex(project, other)
            rows = [row async for row in project.opened.records.read("invoice")]
    mine = next(row for row in rows if (row["connection"], row["id"]) == ("acme", first))
    its = next(row for row in rows if (row["connection"], row["id"]) == ("globex", theirs))
    assert (mine["level"], mine["level_custom"], mine["size"], mine["size_text"]) == ("package", None, 2.5, None)
    assert (its["level"], its["level_custom"], its["size"], its["size_text"]) == (None, "own", None, "large")
    assert [text.rpartition(": ")[2] for text in logged if "Size__c" in text] == ["they go to the column size_text."]


async def on_globex(project: SampleProject, org: DemoOrg) -> None:
    outcome = await executed(project.opened, INVOICES, "globex", clock=lambda: org.now)
    assert outcome.problem is None


async def test_a_field_that_changes_its_type_goes_to_a_column_of_its_own(tmp_path: Path, invoices: DemoOrg) -> None:
    invoices.add_field("Invoice__c", "Size__c", type="double")
    first, *_ = ids(invoices)
    invoices.update("Invoice__c", first, Size__c=2.5)
    async with project_at(tmp_path, invoices) as project:
        await project.run(INVOICES)
        invoices.remove_field("Invoice__c", "Size__c")
        invoices.add_field("Invoice__c", "Size__c")
        invoices.update("Invoice__c", first, Size__c="large")
        await project.run(INVOICES)
        row = (await project.live("invoice"))[first]
        assert (row["size"], row["size_text"]) == (None, "large")


async def test_fields_and_a_condition_narrow_it_and_a_row_that_stops_matching_leaves(
    tmp_path: Path, invoices: DemoOrg
) -> None:
    some = orgsync.object_sync("Invoice__c", fields=["Name", "total__c"], where="Total__c >= 10")
    _, second, third = ids(invoices)
    async with project_at(tmp_path, invoices) as project:
        assert (await project.run(some)).added == 2
        assert {*(await project.live("invoice"))} == {second, third}
        row = (await project.live("invoice"))[second]
        assert "key" not in row
        assert row["total"] == 10.5
        invoices.update("Invoice__c", second, Total__c=1)
        assert (await project.run(some)).deleted == 1
        assert {*(await project.live("invoice"))} == {third}


@pytest.mark.parametrize("sobject", [each.name for each in OBJECTS])
async def test_any_object_of_the_org_is_copied(sobject: str, tmp_path: Path, org: DemoOrg) -> None:
    for parent in ("Account", "Contact"):
        org.update(parent, str(org.rows(parent)[0]["Id"]), Phone="555-0100")  # so that there is a history
    sync = orgsync.object_sync(sobject)
    async with project_at(tmp_path, org) as project:
        run = await project.run(sync)
        [table] = sync.tables
        assert run.added == len(org.rows(sobject)) > 0
        assert (await project.live(table)).keys() == {*ids(org, sobject)}
        assert (await project.run(sync)).added == 0


@pytest.mark.parametrize(
    ("sync", "kind", "cause", "remedy"),
    [
        (orgsync.object_sync("Invoise__c"), NameUnknown, "no object Invoise__c", "Check the spelling"),
        (orgsync.object_sync("invoice__c"), NameUnknown, "as Invoice__c", "Write it so."),
        (orgsync.object_sync("Invoice__c", fields=["Totl__c"]), NameUnknown, "no field Totl__c", "mean Total__c?"),
        (orgsync.object_sync("Invoice__c", where="Totl__c > 1"), NameUnknown, "the field Totl__c", "mean Total__c?"),
        (orgsync.object_sync("Invoice__c", where="Acount__r.Name = 'A'"), NameUnknown, "Acount__r", "mean Account__r?"),
        (
            orgsync.object_sync("Invoice__c", where="WHERE Total__c > 1"),
            QueryRefused,
            "begins with WHERE",
            "what follow",
        ),
        (orgsync.object_sync("Invoice__c", where="Total__c > :least"), QueryRefused, "has :least", "the value itself"),
        (
            orgsync.object_sync("Invoice__c", where="Total__c > 1 LIMIT 5"),
            QueryRefused,
            "LIMIT 5",
            "what follows WHERE",
        ),
        (orgsync.object_sync("Invoice__c", where=" "), QueryRefused, "empty", "Leave"),
    ],
)
async def test_what_is_wrong_is_named_before_anything_is_read(
    sync: Sync[Record], kind: type[OrgsyncError], cause: str, remedy: str, tmp_path: Path, invoices: DemoOrg
) -> None:
    async with project_at(tmp_path, invoices) as project:
        problem = await ended(project, sync)
        assert isinstance(problem, kind)
        assert cause in problem.cause
        assert remedy in problem.remedy
        assert not project.queries
        assert not await project.opened.store.rows.tables()


def test_a_wrong_schedule_or_name_is_refused_when_the_sync_is_made() -> None:
    with pytest.raises(SettingInvalid, match=r"The object Invoice__c: every = '15' is not an interval\."):
        orgsync.object_sync("Invoice__c", every="15")
    with pytest.raises(ArgumentInvalid, match="name is wrong"):
        orgsync.object_sync("Invoice__c.Name")


async def test_the_rows_of_an_object_have_no_class_to_be_changed_in(tmp_path: Path, invoices: DemoOrg) -> None:
    @sync
    async def passed_on(ctx: Context) -> Batches[Record]:
        async for batch in INVOICES(ctx):
            yield batch

    @sync
    async def changed(ctx: Context) -> Batches[Record]:
        async for batch in INVOICES(ctx):
            yield batch.filter(lambda row: bool(row.id))

    async with project_at(tmp_path, invoices) as project:
        problem = await ended(project, changed)
        assert isinstance(problem, BatchInvalid)
        assert "orgsync new sync Invoice__c" in problem.remedy
        assert (await project.run(passed_on)).added == 3


async def test_a_reset_gives_up_the_names_of_columns_as_well(tmp_path: Path, invoices: DemoOrg) -> None:
    async with project_at(tmp_path, invoices) as project:
        await project.run(INVOICES)
        await project.opened.syncs.reset("Invoice__c", "acme")
        settled = project.opened.store.object_columns.settle
        assert (await settled("invoice", lambda _: []))[0]
        await project.opened.syncs.reset("Invoice__c")
        assert not (await settled("invoice", lambda _: []))[0]
