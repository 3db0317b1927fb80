"""What a script makes of a pass's batches: positions come back, and rows that leave are followed into their table."""

from collections.abc import AsyncGenerator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orgsync import Batch, Batches, Context, Record, Sync, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import OrgsyncError, ScriptProblem
from orgsync.records import Position
from orgsync.scripts.deliveries import Deliveries
from tests.extract.extracting import copied
from tests.projects import SampleProject, project_at


class Contact(Record, table=True):
    """What is read."""

    last_name: str | None
    email: str | None


class Account(Record, table=True):
    """What is read beside."""

    name: str | None


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


async def people(project: SampleProject) -> dict[str, Any]:
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
        assert await project.opened.store.rows.tables() == ["person"]


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


class SamePerson(Record, table=True):
    """A table that SQLite takes for that of people."""

    __tablename__ = "PERSON"
    name: str | None


@pytest.mark.parametrize("model", [Person, SamePerson])
async def test_two_passes_into_one_table_are_refused(
    tmp_path: Path, frozen: DemoOrg, model: type[Person | SamePerson]
) -> None:
    @sync
    async def both(ctx: Context) -> Batches[Person | SamePerson]:
        async for batch in ctx.changes(Contact):
            yield batch.map(person, model=Person)
        async for accounts in ctx.changes(Account):
            yield accounts.map(lambda account: {"id": account.id, "name": account.name}, model=model)

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


async def rewritten_and_left_early(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield Batch(Contact, [*batch])
        break


async def rewritten_as_another_class_and_left_early(ctx: Context) -> Batches[Person]:
    async for batch in ctx.changes(Contact):
        yield Batch(Person, [person(row) for row in batch], checkpoint={})
        break


async def without_one_that_failed(ctx: Context) -> Batches[Contact]:
    left = 2
    async for batch in ctx.changes(Contact):
        left -= 1
        try:
            if not left:
                raise ValueError
        except ValueError:
            continue
        yield batch


async def out_of_order(ctx: Context) -> Batches[Contact]:
    for batch in reversed([batch async for batch in ctx.changes(Contact)]):
        yield batch


async def interleaved_without_one(ctx: Context) -> Batches[Contact | Account]:
    contacts, accounts = ctx.changes(Contact), ctx.snapshot(Account)
    yield await anext(contacts)
    yield await anext(accounts)
    await anext(contacts)
    async for account in accounts:
        yield account
    async for contact in contacts:
        yield contact


LOST = [
    rewritten, without_empty_ones, without_the_first, nothing, rewritten_and_left_early,
    rewritten_as_another_class_and_left_early, without_one_that_failed, out_of_order, interleaved_without_one,
]  # fmt: skip


@pytest.mark.parametrize("script", LOST)
async def test_a_pass_whose_positions_do_not_come_back_is_refused_with_what_to_write(
    tmp_path: Path, frozen: DemoOrg, script: Callable[[Context], Batches[Contact]]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        problem: OrgsyncError | None = (await project.outcome(sync(name="own")(script))).problem
        assert isinstance(problem, ScriptProblem)
        assert "Contact" in problem.cause
        assert "batch.replace(rows)" in problem.remedy


async def the_first_again(ctx: Context) -> Batches[Contact]:
    batches = [batch async for batch in ctx.changes(Contact)]
    for batch in [*batches, batches[0]]:
        yield batch


async def the_first_changed_again(ctx: Context) -> Batches[Contact]:
    first: Batch[Contact] | None = None
    async for batch in ctx.changes(Contact):
        yield batch
        if first is not None:
            yield first.map(lambda row: {"id": row.id, "email": "late@example.com"})
        first = first or batch


@pytest.mark.parametrize("script", [the_first_again, the_first_changed_again])
async def test_a_batch_that_comes_again_after_a_later_one_is_refused(
    tmp_path: Path, frozen: DemoOrg, script: Callable[[Context], Batches[Contact]]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        problem = (await project.outcome(sync(name="own")(script))).problem
        assert isinstance(problem, ScriptProblem)
        assert "yielded out of order" in problem.cause


@pytest.mark.parametrize("reads_itself", [False, True])
async def test_a_batch_of_another_context_is_refused(tmp_path: Path, frozen: DemoOrg, reads_itself: bool) -> None:
    @sync(name="own")
    async def of_another(ctx: Context) -> Batches[Contact]:
        if reads_itself:
            async for batch in ctx.changes(Contact):
                yield batch
        async for batch in other.changes(Contact):
            yield batch

    async with project_at(tmp_path, frozen) as project:
        other = await project.open_context()
        problem = (await project.outcome(of_another)).problem
        assert isinstance(problem, ScriptProblem)
        assert "another context" in problem.cause
        assert len(await project.opened.store.runs.checkpoints("own", "acme")) == reads_itself


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


async def with_others_of_its_own(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield Batch(Contact, [{"id": row.id, "email": "early@example.com"} for row in batch])
        yield batch


async def interleaved(ctx: Context) -> Batches[Contact | Account]:
    contacts, accounts = ctx.changes(Contact), ctx.snapshot(Account)
    yield await anext(contacts)
    yield await anext(accounts)
    async for contact in contacts:
        yield contact
    async for account in accounts:
        yield account


async def left_early_twice(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield batch
        async for _ in ctx.snapshot(Account):
            break
        break


FINE = [filtered, replaced, split, gathered, left_early, with_others_of_its_own, interleaved, left_early_twice]


@pytest.mark.parametrize("script", FINE)
async def test_a_pass_that_comes_back_or_is_left_early_is_fine(
    tmp_path: Path, frozen: DemoOrg, script: Callable[[Context], Batches[Contact]]
) -> None:
    async with project_at(tmp_path, frozen) as project:
        await project.run(sync(name="own")(script))


async def test_a_batch_of_deletions_alone_may_not_be_left_out(tmp_path: Path, frozen: DemoOrg) -> None:
    @sync(name="own")
    async def without_deletions(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            if batch.rows or not batch.deleted_ids:
                yield batch

    async with project_at(tmp_path, frozen) as project:
        await project.run(without_deletions)
        frozen.hard_delete("Contact", next(iter(truth(frozen))))
        frozen.advance(minutes=10)
        problem = (await project.outcome(without_deletions)).problem
        assert isinstance(problem, ScriptProblem)
        assert "batch.replace(rows)" in problem.remedy


async def test_an_empty_batch_may_be_left_out_where_a_later_one_comes_back() -> None:
    async def empty_and_last() -> AsyncGenerator[Batch[Contact]]:
        yield Batch.read(Contact, [], position=Position("contact", None, {"page": 1}))
        yield Batch.read(Contact, [], position=Position("contact", None, {"page": 2}))

    deliveries = Deliveries()
    *_, last = [batch async for batch in deliveries.track(Contact, "contact", empty_and_last())]
    deliveries.returned(last)
    deliveries.require_all()
