"""What a script makes of a pass's batches: positions come back, and rows that leave are followed into their table."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync import Batch, Batches, Context, Record, Sync, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import OrgsyncError, ScriptProblem
from tests.extract.extracting import copied
from tests.projects import Project, project_at


class Contact(Record, table=True):
    """What is read."""

    last_name: str | None
    email: str | None


class Person(Record, table=True):
    """What is kept."""

    name: str | None


def person(contact: Contact) -> Person:
    return Person(id=contact.id, name=f"{contact.last_name}!")


async def person_later(contact: Contact) -> Person:
    return person(contact)


def mapped(where: str | None = None, *, later: bool = False) -> Sync[Record]:
    @sync(name="people")
    async def people(ctx: Context) -> Batches[Person]:
        async for batch in ctx.changes(Contact, where=where):
            yield await batch.map(person_later, model=Person) if later else batch.map(person, model=Person)

    return people


@pytest.fixture
def frozen() -> Iterator[DemoOrg]:
    """An org whose clock only the test moves."""
    with DemoOrg(contacts=20, accounts=4, page_size=7, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        yield org


def truth(org: DemoOrg) -> dict[str, Any]:
    return {str(row["Id"]): f"{row['LastName']}!" for row in org.rows("Contact")}


async def people(project: Project) -> dict[str, Any]:
    return await copied(project, "person", "name")


@pytest.mark.parametrize("later", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("way", ["log", "reconcile", "purged"])
async def test_rows_that_leave_the_org_leave_the_table_that_they_are_mapped_to(
    tmp_path: Path, frozen: DemoOrg, later: bool, way: str
) -> None:
    async with project_at(tmp_path, frozen) as project:
        assert await project.interrupted(mapped(later=later), 2)
        await project.run(mapped(later=later))
        assert await people(project) == truth(frozen)
        frozen.advance(minutes=10)
        first, second, third, *_ = truth(frozen)
        frozen.update("Contact", first, LastName="New")
        frozen.delete("Contact", second)
        frozen.hard_delete("Contact", third)
        frozen.advance(minutes=10)
        if way == "purged":
            frozen.advance(days=20)
            frozen.purge_delete_log()
            frozen.advance(minutes=2)
        run = await project.run(mapped(later=later), reconcile=way == "reconcile")
        assert (run.updated, run.deleted) == (1, 2)
        assert await people(project) == truth(frozen)
        assert await project.workspace.store.tables() == ["person"]


async def test_rows_that_leave_a_condition_leave_the_table_that_they_are_mapped_to(
    tmp_path: Path, frozen: DemoOrg
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(mapped("Email != null"))
        frozen.advance(minutes=10)
        first = next(iter(await people(project)))
        frozen.update("Contact", first, Email=None)
        frozen.advance(minutes=10)
        assert (await project.run(mapped("Email != null"))).deleted == 1
        assert first not in await people(project)


async def test_a_mapped_class_may_have_the_table_of_another_sync(tmp_path: Path, frozen: DemoOrg) -> None:
    @sync
    def contacts(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact)

    async with project_at(tmp_path, frozen) as project:
        await project.run(contacts)
        await project.run(mapped())
        assert await people(project) == truth(frozen)
        assert len(await project.live("contact")) == 20
        await project.run(mapped(), reconcile=True)
        await project.run(contacts, reconcile=True)
        assert len(await project.live("contact")) == len(await people(project)) == 20


async def test_rows_that_come_for_another_table_than_before_are_refused(tmp_path: Path, frozen: DemoOrg) -> None:
    @sync(name="people")
    async def plain(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            yield batch

    async with project_at(tmp_path, frozen) as project:
        await project.run(plain)
        frozen.advance(minutes=5)
        frozen.insert("Contact", LastName="New")
        frozen.advance(minutes=5)
        problem = (await project.outcome(mapped())).problem
        assert isinstance(problem, ScriptProblem)
        assert "orgsync reset people" in problem.remedy
        assert len(await project.live("contact")) == 20
        await project.run(plain)
        assert len(await project.live("contact")) == 21


async def test_two_passes_into_one_table_are_refused(tmp_path: Path, frozen: DemoOrg) -> None:
    class Account(Record, table=True):
        name: str | None

    @sync
    async def both(ctx: Context) -> Batches[Person]:
        async for batch in ctx.changes(Contact):
            yield batch.map(person, model=Person)
        async for accounts in ctx.changes(Account):
            yield accounts.map(lambda account: {"id": account.id, "name": account.name}, model=Person)

    async with project_at(tmp_path, frozen) as project:
        problem = (await project.outcome(both)).problem
        assert isinstance(problem, ScriptProblem)
        assert "each would mark the other's rows deleted" in problem.cause
        assert await people(project) == truth(frozen)


async def rewritten(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield Batch(Contact, [row for row in batch if row.id])


async def without_empty_ones(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        if len(batch):
            yield batch


async def without_the_first(ctx: Context) -> Batches[Contact]:
    first = True
    async for batch in ctx.changes(Contact):
        if not first:
            yield batch
        first = False


async def nothing(ctx: Context) -> Batches[Contact]:
    async for _ in ctx.snapshot(Contact):
        pass
    yield Batch(Contact, checkpoint={"read": True})


@pytest.mark.parametrize("script", [rewritten, without_empty_ones, without_the_first, nothing])
async def test_a_pass_whose_positions_do_not_come_back_is_refused_with_what_to_write(
    tmp_path: Path, frozen: DemoOrg, script: Callable[[Context], Batches[Contact]]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        problem: OrgsyncError | None = (await project.outcome(sync(name="own")(script))).problem
        assert isinstance(problem, ScriptProblem)
        assert "Contact" in problem.cause
        assert "batch.replace(rows)" in problem.remedy


async def filtered(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield batch.filter(lambda _: False)


async def replaced(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield batch.replace([row for row in batch if row.email])


async def split(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield batch.filter(lambda row: row.email is not None)
        yield batch


async def gathered(ctx: Context) -> Batches[Contact]:
    batches = [batch async for batch in ctx.changes(Contact)]
    for batch in batches:
        yield batch


async def left_early(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield batch
        break


@pytest.mark.parametrize("script", [filtered, replaced, split, gathered, left_early])
async def test_a_pass_that_comes_back_or_is_left_early_is_fine(
    tmp_path: Path, frozen: DemoOrg, script: Callable[[Context], Batches[Contact]]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(sync(name="own")(script))
