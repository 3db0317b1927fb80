"""No row is lost, and none is delivered twice."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync import Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Committed
from orgsync.errors import LimitReached, ScriptProblem
from tests.extract.extracting import warnings
from tests.projects import SampleProject, project_at


class Contact(Record, table=True):
    """A few fields of a contact, one of them its account's."""

    last_name: str | None
    email: str | None
    account_id: str | None
    account_name: str | None = field("Account.Name")


@sync
def contacts(ctx: Context) -> Batches[Contact]:
    """Read contacts."""
    return ctx.changes(Contact)


def truth(org: DemoOrg) -> dict[str, tuple[Any, ...]]:
    accounts = {row["Id"]: row["Name"] for row in org.rows("Account", deleted=True)}
    return {
        str(row["Id"]): (row["LastName"], row["Email"], row["AccountId"], accounts.get(row["AccountId"]))
        for row in org.rows("Contact")
    }


async def copy(project: SampleProject) -> dict[str, tuple[Any, ...]]:
    names = ("last_name", "email", "account_id", "account_name")
    return {key: tuple(row[name] for name in names) for key, row in (await project.live("contact")).items()}


def changed(run: Any) -> tuple[int, int, int]:
    return run.added, run.updated, run.deleted


def ids(org: DemoOrg) -> list[str]:
    return [str(row["Id"]) for row in org.rows("Contact")]


async def test_the_first_run_copies_every_row(tmp_path: Path, org: DemoOrg) -> None:
    org.insert("Contact", LastName='O\'Neil "x"\n\U0001f600', Email=None)
    async with project_at(tmp_path, org) as project:
        run = await project.run(contacts)
        assert changed(run) == (26, 0, 0)
        assert await copy(project) == truth(org)


async def test_the_next_run_delivers_exactly_what_changed(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        first, second, third, *_ = ids(org)
        org.delete("Contact", third)
        await project.run(contacts)
        org.update("Contact", first, Email="new@example.com")
        org.delete("Contact", second)
        org.undelete("Contact", third)
        new = org.insert("Contact", LastName="New")
        before = await project.opened.store.rows.last_change()
        run = await project.run(contacts)
        assert changed(run) == (2, 1, 1)
        assert await copy(project) == truth(org)
        changes = await project.feed("contact", after=before)
        assert sorted(changes) == sorted([(first, "updated"), (second, "deleted"), (third, "added"), (new, "added")])


async def test_a_run_with_nothing_new_costs_three_calls_and_one_a_parent_and_changes_nothing(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        feed = await project.feed("contact")
        run = await project.run(contacts)
        assert changed(run) == (0, 0, 0)
        assert project.calls == ["updated", "queryAll", "queryAll", "deleted"]
        assert run.api_calls == 4
        assert await project.feed("contact") == feed


async def test_rows_that_commit_late_with_an_older_stamp_arrive_in_a_later_run(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        with org.transaction() as late:
            slow = late.insert("Contact", LastName="Slow")
            late.update("Contact", ids(org)[0], Email="slow@example.com")
            org.advance(minutes=5)
            org.insert("Contact", LastName="Quick")
            run = await project.run(contacts)
            newest = max(str(row["system_modstamp"]) for row in (await project.live("contact")).values())
            org.advance(minutes=5)
        stamp = next(str(row["SystemModstamp"]) for row in org.rows("Contact") if row["Id"] == slow)
        assert stamp[:19].replace(" ", "T") < newest, "the late row's stamp is older than one that was read before"
        assert run.watermark is not None
        assert run.watermark.isoformat() < newest, "the watermark waits for the open transaction"
        assert changed(await project.run(contacts)) == (1, 1, 0)
        assert await copy(project) == truth(org)


async def test_a_transaction_longer_than_the_first_window_holds_the_watermark_too(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        with org.transaction() as late:
            late.insert("Contact", LastName="Very slow")
            org.advance(minutes=45)
            org.insert("Contact", LastName="Quick")
            await project.run(contacts)
            assert project.calls.count("updated") == 2
            org.advance(minutes=5)
            await project.run(contacts)
        await project.run(contacts)
        assert await copy(project) == truth(org)


@pytest.mark.parametrize("hours", [-30, 30])
async def test_a_machine_whose_clock_is_wrong_loses_nothing(tmp_path: Path, org: DemoOrg, hours: int) -> None:
    def wrong() -> datetime:
        return datetime.now(UTC) + timedelta(hours=hours)

    async with project_at(tmp_path, org) as project:
        await project.run(contacts, clock=wrong)
        org.insert("Contact", LastName="Next")
        run = await project.run(contacts, clock=wrong)
        assert changed(run) == (1, 0, 0)
        assert run.watermark is not None
        assert abs(run.watermark - org.now) < timedelta(minutes=3)


async def test_a_renamed_account_shows_in_its_contacts(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        account = next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"])
        org.advance(minutes=10)
        org.update("Account", str(account), Name="Renamed")
        run = await project.run(contacts)
        theirs = [row for row in org.rows("Contact") if row["AccountId"] == account]
        assert changed(run) == (0, len(theirs), 0)
        assert await copy(project) == truth(org)


def many_in_one_second() -> DemoOrg:
    """An org whose rows share few stamps, read ten at a time, so that ties lie across page ends."""
    org = DemoOrg(contacts=0, accounts=2, page_size=10)
    with org.transaction() as together:
        for number in range(35):
            together.insert("Contact", LastName=f"Twin {number}")
    return org


async def test_pages_that_vanish_in_the_middle_of_a_tie_are_read_on_from_the_key(tmp_path: Path) -> None:
    with many_in_one_second() as org:
        seen = 0

        def vanish(progress: Committed) -> None:
            nonlocal seen
            seen += 1
            org.expire_locators()

        async with project_at(tmp_path, org) as project:
            outcome = await project.outcome(contacts, on_commit=vanish)
            assert outcome.problem is None
            assert changed(outcome.run) == (35, 0, 0)
            assert outcome.run.unchanged == 0
            assert await copy(project) == truth(org)
        assert seen > 3


async def test_an_interrupted_pass_resumes_where_it_was(tmp_path: Path) -> None:
    with many_in_one_second() as org:
        async with project_at(tmp_path, org) as project:

            def stop(progress: Committed) -> None:
                if progress.rows >= 20:
                    scope.cancel()

            with anyio.CancelScope() as scope:
                await project.outcome(contacts, on_commit=stop)
            assert len(await project.live("contact")) == 20
            (stopped,) = await project.opened.store.runs.list()
            assert (stopped.status, stopped.added) == ("stopped", 20)
            org.insert("Contact", LastName="Between")
            run = await project.run(contacts)
            assert changed(run) == (16, 0, 0)
            assert await copy(project) == truth(org)


async def test_a_used_up_limit_stops_a_run_and_a_later_one_resumes(tmp_path: Path) -> None:
    with many_in_one_second() as org:
        org.api_limit = 10
        org.api_used = 3
        async with project_at(tmp_path, org) as project:
            outcome = await project.outcome(contacts)
            assert isinstance(outcome.problem, LimitReached)
            assert outcome.run.status == "stopped"
            assert 0 < outcome.run.added < 35
            org.api_limit = 1000
            run = await project.run(contacts)
            assert outcome.run.added + run.added == 35
            assert await copy(project) == truth(org)


async def test_faults_in_one_call_of_three_lose_nothing(tmp_path: Path) -> None:
    with many_in_one_second() as org:
        faults = [
            Fault.reset(),
            Fault.maintenance(),
            Fault.truncate(),
            Fault.concurrent_limit(),
            Fault.status(502, "x"),
        ]
        for at, fault in enumerate(faults):
            org.add_fault(fault, match="/services/data/v", every=11 + 2 * at)
        async with project_at(tmp_path, org) as project:
            await project.run(contacts)
            for name in ids(org)[::3]:
                org.update("Contact", name, Email="again@example.com")
            await project.run(contacts)
            assert await copy(project) == truth(org)


async def test_a_full_run_reads_everything_and_changes_nothing(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        run = await project.run(contacts, full=True)
        assert (changed(run), run.unchanged) == ((0, 0, 0), 25)


@pytest.mark.parametrize(
    ("code", "message"),
    [("INVALID_TYPE", "sObject type Contact is not replicable"), ("INVALID_TYPE_FOR_OPERATION", "Kontakt: nein")],
)
async def test_the_watermark_of_an_object_that_is_not_replicated_lags_and_the_run_warns(
    tmp_path: Path, org: DemoOrg, code: str, message: str
) -> None:
    org.add_fault(Fault.json_error(400, code, message), match="updated", times=None)
    async with project_at(tmp_path, org, lag=600) as project:
        with warnings() as logged:
            run = await project.run(contacts)
        assert run.watermark is not None
        assert timedelta(minutes=9) < org.now - run.watermark < timedelta(minutes=11)
        assert "Salesforce does not replicate Contact" in logged[0]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(406),
        Fault.status(403, "<html>blocked"),
        Fault.status(404, "<html>nothing"),
        Fault.status(302),
        Fault.json_error(400, "INVALID_REPLICATION_DATE", "no"),
        Fault.json_error(403, "INSUFFICIENT_ACCESS", "no"),
    ],
    ids=["406", "403", "404", "302", "date", "access"],
)
@pytest.mark.parametrize("resource", ["/updated", "/deleted"])
async def test_any_other_failure_of_replication_ends_the_run_and_loses_nothing(
    tmp_path: Path, fault: Fault, resource: str
) -> None:
    with DemoOrg(contacts=20, accounts=4, page_size=7, now=datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)) as org:
        async with project_at(tmp_path, org) as project:
            await project.run(contacts)
            with org.transaction() as late:
                late.update("Contact", ids(org)[0], LastName="Late")
                org.advance(minutes=12)
                org.add_fault(fault, match=resource, times=None)
                outcome = await project.outcome(contacts)
                compares = resource == "/deleted" and fault.body.startswith("[")  # what Salesforce itself refuses
                assert (outcome.problem is None) is compares
                org.clear_faults()
            for _ in range(2):
                org.advance(minutes=1)
                await project.run(contacts)
            assert await copy(project) == truth(org)


async def test_one_stray_response_of_the_edge_is_retried(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(contacts)
        for resource in ("/updated", "/deleted", "/queryAll", "/describe"):
            org.add_fault(Fault.status(406), match=resource)
        run = await project.run(contacts)
        assert run.status == "done"
        run = await project.run(contacts, full=True)
        assert await copy(project) == truth(org)


class User(Record, table=True):
    """An object without IsDeleted."""

    username: str | None


@sync
def users(ctx: Context) -> Batches[User]:
    """Read users."""
    return ctx.changes(User)


async def test_an_object_that_cannot_be_deleted_is_read_too(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        await project.run(users)
        assert len(await project.live("user")) == len(org.rows("User"))
        assert "IsDeleted" not in project.queries[0]
        assert changed(await project.run(users)) == (0, 0, 0)


async def test_several_record_classes_have_a_watermark_each(tmp_path: Path, org: DemoOrg) -> None:
    @sync
    async def both(ctx: Context) -> Batches[Contact | User]:
        async for contacts_batch in ctx.changes(Contact):
            yield contacts_batch
        async for users_batch in ctx.changes(User):
            yield users_batch

    async with project_at(tmp_path, org) as project:
        await project.run(both)
        kept = await project.opened.store.runs.checkpoints("both", "acme")
        assert kept.keys() == {"contact", "user"}
        assert all(each.watermark for each in kept.values())
        assert changed(await project.run(both)) == (0, 0, 0)


async def test_rows_that_a_script_leaves_out_are_not_counted_as_unchanged(tmp_path: Path, org: DemoOrg) -> None:
    @sync
    async def few(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            yield batch.filter(lambda each: each.id < ids(org)[10])

    async with project_at(tmp_path, org) as project:
        seen: list[int] = []
        run = (await project.outcome(few, on_commit=lambda progress: seen.append(progress.rows))).run
        assert (run.added, run.unchanged) == (10, 0)
        assert seen[-1] == 25, "of those that were read"


async def test_a_script_that_filters_drops_rows_from_the_copy(tmp_path: Path, org: DemoOrg) -> None:
    @sync
    async def named(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            yield batch.filter(lambda contact: contact.email != "hide@example.com")

    async with project_at(tmp_path, org) as project:
        await project.run(named)
        hidden = ids(org)[3]
        org.update("Contact", hidden, Email="hide@example.com")
        assert changed(await project.run(named)) == (0, 0, 1)
        assert hidden not in await project.live("contact")


def narrowed(where: str, **binds: Any) -> Sync[Contact]:
    """Make a sync of contacts that meet a condition."""

    @sync(name="narrowed")
    def read(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact, where=where, **binds)

    return read


async def test_a_changed_row_that_no_longer_matches_leaves_the_copy(tmp_path: Path, org: DemoOrg) -> None:
    kept, leaves, comes, *_ = ids(org)
    for each in (kept, leaves):
        org.update("Contact", each, Email="in@example.com")
    matching = narrowed("Email = :email", email="in@example.com")
    async with project_at(tmp_path, org) as project:
        assert changed(await project.run(matching)) == (2, 0, 0)
        org.update("Contact", leaves, Email="out@example.com")
        org.update("Contact", comes, Email="in@example.com")
        org.update("Contact", kept, LastName="Still in")
        assert changed(await project.run(matching)) == (1, 1, 1)
        assert (await project.live("contact")).keys() == {kept, comes}
        assert changed(await project.run(matching)) == (0, 0, 0)
        org.update("Contact", leaves, Email="in@example.com")
        assert changed(await project.run(matching)) == (1, 0, 0)


async def test_a_row_leaves_when_its_account_no_longer_matches(tmp_path: Path, org: DemoOrg) -> None:
    account = str(next(row["AccountId"] for row in org.rows("Contact") if row["AccountId"]))
    theirs = {str(row["Id"]) for row in org.rows("Contact") if row["AccountId"] == account}
    org.update("Account", account, Industry="Energy", Name="Ours")
    matching = narrowed("Account.Industry = 'Energy' AND Account.Name = 'Ours'")
    async with project_at(tmp_path, org) as project:
        await project.run(matching)
        assert (await project.live("contact")).keys() == theirs
        org.advance(minutes=10)
        org.update("Account", account, Industry="Banking")
        assert changed(await project.run(matching)) == (0, 0, len(theirs))


async def test_another_condition_is_applied_to_the_rows_already_there(tmp_path: Path, org: DemoOrg) -> None:
    stays, goes, comes, *_ = ids(org)
    org.update("Contact", stays, Email="a@example.com")
    org.update("Contact", goes, Email="b@example.com")
    org.update("Contact", comes, Email="c@example.com")
    async with project_at(tmp_path, org) as project:
        await project.run(narrowed("Email IN ('a@example.com', 'b@example.com')"))
        assert (await project.live("contact")).keys() == {stays, goes}
        await project.run(narrowed("Email IN ('a@example.com', 'c@example.com')"))
        assert (await project.live("contact")).keys() == {stays, comes}


async def test_a_pass_over_unmatched_rows_continues_after_its_pages_vanish(tmp_path: Path) -> None:
    with many_in_one_second() as org:
        matching = narrowed("LastName LIKE 'Twin%'")
        async with project_at(tmp_path, org) as project:
            await project.run(matching)
            for each in ids(org):
                org.update("Contact", each, LastName="Gone")

            def vanish(_: Committed) -> None:
                org.expire_locators()

            outcome = await project.outcome(matching, on_commit=vanish)
            assert outcome.problem is None
            assert changed(outcome.run) == (0, 0, 35)


async def test_one_run_does_not_read_one_table_under_two_conditions(tmp_path: Path, org: DemoOrg) -> None:
    @sync
    async def twice(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact, where="Email = 'a@example.com'"):
            yield batch
        async for batch in ctx.changes(Contact, where="Email = 'b@example.com'"):
            yield batch

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(twice)
    assert isinstance(outcome.problem, ScriptProblem)
    assert "The table contact is read twice" in outcome.problem.cause


REFUSED = Fault.json_error(400, "INVALID_REPLICATION_DATE", "startDate cannot be in the future")


async def test_a_window_that_is_refused_for_its_time_is_asked_for_again_by_the_refusals_own_date(
    tmp_path: Path, org: DemoOrg
) -> None:
    async with project_at(tmp_path, org) as project:
        org.add_fault(REFUSED, match="/updated", times=1)
        run = await project.run(contacts, clock=lambda: org.now + timedelta(days=1))
    assert run.watermark is not None
    assert abs(run.watermark - org.now) < timedelta(hours=1)


async def test_a_window_that_stays_refused_names_the_two_clocks(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        org.add_fault(REFUSED, match="/updated", times=None)
        outcome = await project.outcome(contacts, clock=lambda: org.now + timedelta(days=1))
    assert outcome.problem is not None
    assert "The Date of its responses is 2026-" in outcome.problem.cause
    assert "this machine's clock " in outcome.problem.cause
    assert "Correct this machine's clock" in outcome.problem.remedy
