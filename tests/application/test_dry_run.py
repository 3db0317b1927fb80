"""`orgsync.run(dry_run=True)`: what a run would write, and nothing written."""

import pytest

import orgsync
from orgsync import Batches, Context, DryRun, Record, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid, FieldNotFound, NameUnknown
from orgsync.project import open_project


class Contact(Record, table=True):
    last_name: str


@sync
def contacts(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@sync
def unknown_fields(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact, where="Nothing__c = 1")


async def stored_rows() -> int:
    async with open_project() as opened:
        if not await opened.records.tables():
            return 0
        return len([row async for row in opened.records.read("contact")])


async def test_a_dry_run_returns_the_run_and_every_change_and_writes_nothing(acme: DemoOrg) -> None:
    first = await orgsync.run(contacts, connection="acme", dry_run=True)
    assert isinstance(first, DryRun)
    assert (first.run.status, first.run.added, first.at_limit) == ("done", 25, False)
    assert {(each.table, each.kind) for each in first.changes} == {("contact", "added")}
    assert len(first.changes) == 25
    assert await stored_rows() == 0
    async with open_project() as opened:
        assert await opened.runs.list() == []

    await orgsync.run(contacts, connection="acme")
    renamed, deleted, *_ = acme.rows("Contact")
    acme.update("Contact", str(renamed["Id"]), LastName="Østergård")
    acme.delete("Contact", str(deleted["Id"]))
    second = await orgsync.run(contacts, connection="acme", dry_run=True)
    by_id = {each.id: each for each in second.changes}
    assert by_id[str(renamed["Id"])].fields == {"last_name": (renamed["LastName"], "Østergård")}
    assert by_id[str(deleted["Id"])].kind == "deleted"
    assert await stored_rows() == 25
    again = await orgsync.run(contacts, connection="acme")
    assert (again.updated, again.deleted) == (second.run.updated, second.run.deleted) == (1, 1)


async def test_a_dry_run_stops_at_its_limit(acme: DemoOrg) -> None:
    limited = await orgsync.run(contacts, connection="acme", dry_run=True, limit=3)
    assert (len(limited.changes), limited.at_limit) == (3, True)
    assert len((await orgsync.run(contacts, connection="acme", dry_run=True, limit=25)).changes) == 25


async def test_a_dry_run_that_fails_raises_what_ended_it(acme: DemoOrg) -> None:
    with pytest.raises(FieldNotFound):
        await orgsync.run(unknown_fields, connection="acme", dry_run=True)
    with pytest.raises(NameUnknown, match="acne"):
        await orgsync.run(contacts, connection="acne", dry_run=True)


@pytest.mark.parametrize("options", [{"limit": 3}, {"limit": 3, "dry_run": False}, {"limit": 0, "dry_run": True}])
async def test_a_limit_is_for_a_dry_run_and_at_least_one(acme: DemoOrg, options: dict[str, int]) -> None:
    with pytest.raises(ArgumentInvalid, match="number of changes at which a dry run stops"):
        await orgsync.run(contacts, connection="acme", **options)  # type: ignore[call-overload] # pyright: ignore
