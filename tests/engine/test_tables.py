"""A sync that would write another's table, or read one twice, is refused before anything is read."""

from pathlib import Path

from orgsync import Batch, Batches, Context, Record, Sync, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import RecordClassInvalid, ScriptProblem
from orgsync_syncs.contacts import Contact, contacts
from tests.projects import SampleProject, project_at


class Person(Record, table=True):
    __tablename__ = "contact"
    __sobject__ = "Contact"

    shoe_size: str | None


class CustomerContact(Record, table=True):
    __sobject__ = "Contact"

    last_name: str


@sync
def customers(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact, where="Account.Type LIKE :kind", kind="Customer%")


@sync
async def unseen(ctx: Context) -> Batches[Record]:
    chosen = Contact
    async for batch in ctx.changes(chosen):
        yield batch


@sync
async def own_rows(ctx: Context) -> Batches[Record]:
    yield Batch(Person, [{"id": "003000000000001AAA", "shoe_size": "40"}])


@sync
async def conditions(ctx: Context) -> Batches[CustomerContact]:
    for kind in ("Customer%", "Partner%"):
        async for batch in ctx.changes(CustomerContact, where="Account.Type LIKE :kind", kind=kind):
            yield batch


@sync
def own_class(ctx: Context) -> Batches[CustomerContact]:
    return ctx.changes(CustomerContact, where="Account.Type LIKE :kind", kind="Customer%")


async def requests_of_a_refused(project: SampleProject, second: Sync[Record]) -> int:
    outcome = await project.outcome(second)
    assert isinstance(outcome.problem, RecordClassInvalid)
    assert "The table contact belongs to the sync contacts" in outcome.problem.cause
    assert outcome.run.sync in outcome.problem.cause
    assert "orgsync reset contacts" in outcome.problem.remedy
    return len(project.org.requests)


async def test_a_second_sync_is_refused_before_anything_is_read_and_writes_nothing(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        before = await project.live("contact")
        assert [await requests_of_a_refused(project, each) for each in (customers, unseen, own_rows)] == [0, 0, 0]
        assert await project.live("contact") == before
        ran = await project.run(own_class)
        assert 0 < ran.added < len(before)
        assert await project.live("contact") == before
        assert (await project.run(contacts)).unchanged >= 0


async def test_a_table_that_is_read_twice_is_refused_before_the_first_read(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(conditions)
        assert isinstance(outcome.problem, ScriptProblem)
        assert "customer_contact is read twice" in outcome.problem.cause
        assert org.requests == []
        assert await project.opened.store.rows.tables() == []
