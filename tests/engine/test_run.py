"""A run commits batch by batch, tells how it ended, and never runs twice at once."""

import signal
import subprocess
from pathlib import Path
from typing import Any, cast

import anyio
import msgspec
import pytest

from orgsync import Batch, Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Committed, Ended, Event, Job, Planned, Started, Warned
from orgsync.errors import AlreadyRunning, NameUnknown, ScriptNotLoaded, ScriptProblem, SignInNeeded
from orgsync.records import long_id
from tests.engine.running_process import Account, accounts
from tests.projects import executed, project_at
from tests.warm_process import opened_module


class Thing(Record, table=True):
    name: str | None


def rows(*names: str) -> list[dict[str, str]]:
    return [{"id": id_of(name), "name": name} for name in names]


def id_of(name: str) -> str:
    return long_id(f"a007Q00000T000{name}")


async def test_an_authors_own_checkpoint_comes_back_in_the_next_run(tmp_path: Path, org: DemoOrg) -> None:
    seen: list[Any] = []

    @sync
    async def own(ctx: Context) -> Batches[Thing]:
        seen.append(ctx.checkpoint)
        yield Batch(Thing, rows("a"), checkpoint={"page": 1})
        yield Batch(Thing, rows("b"), checkpoint={"page": 2})
        yield Batch(Thing, rows("c"))

    async with project_at(tmp_path, org) as project:
        await project.run(own)
        await project.run(own)
        await project.run(own, full=True)
        assert seen == [None, {"page": 2}, None]
        assert len(await project.live("thing")) == 3


async def test_rows_can_be_marked_deleted_and_come_back(tmp_path: Path, org: DemoOrg) -> None:
    steps = [Batch(Thing, rows("a", "b")), Batch.deleted(Thing, [id_of("a"), id_of("x")]), Batch(Thing, rows("a"))]

    @sync
    async def own(ctx: Context) -> Batches[Thing]:
        yield steps.pop(0)

    async with project_at(tmp_path, org) as project:
        counts = [await project.run(own) for _ in range(3)]
    assert [(run.added, run.deleted) for run in counts] == [(2, 0), (0, 1), (1, 0)]


async def test_what_was_committed_before_an_error_stays(tmp_path: Path, org: DemoOrg) -> None:
    secret = "ann@example.com"

    @sync
    async def broken(ctx: Context) -> Batches[Thing]:
        yield Batch(Thing, rows("a"))
        raise KeyError(secret)

    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(broken)
        assert isinstance(outcome.problem, ScriptProblem)
        assert "The sync broken raised KeyError at" in outcome.problem.cause
        assert "test_run.py, line" in outcome.problem.cause
        assert secret not in str(outcome.problem)
        assert (outcome.run.status, outcome.run.added) == ("failed", 1)
        assert len(await project.live("thing")) == 1


async def test_an_error_far_from_the_script_is_placed_where_it_was_raised(tmp_path: Path, org: DemoOrg) -> None:
    def lazily(ctx: Context) -> Batches[Thing]:
        return elsewhere()

    async def elsewhere() -> Batches[Thing]:
        yield Batch(Thing, rows("a"))
        raise ZeroDivisionError

    lazily.__code__ = lazily.__code__.replace(co_filename="gone.py")
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(Sync("lazily", lazily))
    assert outcome.problem is not None
    assert "ZeroDivisionError at" in outcome.problem.cause


@pytest.mark.parametrize("made", ["coroutine", "list", "wrong batch"])
async def test_a_function_that_does_not_answer_with_batches_is_reported_as_that(
    tmp_path: Path, org: DemoOrg, made: str
) -> None:
    async def coroutine(ctx: Context) -> list[Any]:
        return []

    async def strings(ctx: Context) -> Any:
        yield "not a batch"

    def nothing(ctx: Context) -> list[Any]:
        return []

    functions: dict[str, Any] = {"coroutine": coroutine, "list": nothing, "wrong batch": strings}
    async with project_at(tmp_path, org) as project:
        outcome = await project.outcome(cast("Sync[Record]", Sync(made, functions[made])))
    assert isinstance(outcome.problem, ScriptNotLoaded)
    assert outcome.problem.remedy


async def test_the_same_sync_does_not_run_twice_at_once_on_a_connection(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as project:
        second: list[BaseException] = []

        @sync
        async def nested(ctx: Context) -> Batches[Thing]:
            try:
                await project.outcome(nested)
            except AlreadyRunning as error:
                second.append(error)
            yield Batch(Thing, rows("a"))

        await project.run(nested)
        assert len(second) == 1
        assert len(await project.opened.store.runs.list()) == 1


async def test_an_unknown_connection_begins_no_run(tmp_path: Path, org: DemoOrg) -> None:
    one = Sync[Thing]("one", lambda ctx: ctx.changes(Thing))
    async with project_at(tmp_path, org) as project:
        at_work = project.opened
        with pytest.raises(NameUnknown, match="acme"):
            await executed(at_work, one, "acem")
        assert not await at_work.store.runs.list()


async def test_a_refused_sign_in_is_not_tried_again_by_later_runs(tmp_path: Path, org: DemoOrg) -> None:
    @sync
    async def reads(ctx: Context) -> Batches[Thing]:
        yield Batch(Thing, [record async for record in ctx.query("SELECT Id, Name FROM Account")])

    async with project_at(tmp_path, org) as project:
        await project.run(reads)
        org.revoke_refresh_tokens()
        first = await project.outcome(reads)
        assert isinstance(first.problem, SignInNeeded)
        assert first.problem.remedy.startswith("Sign in again: orgsync connect acme.")
        second = await project.outcome(reads)
        assert isinstance(second.problem, SignInNeeded)
        assert "orgsync connect acme" in second.problem.remedy
        assert not org.requests
        connection = await project.opened.store.connections.get("acme")
        assert connection.status == "needs sign-in"


async def test_a_busy_token_endpoint_does_not_end_the_connection(tmp_path: Path, org: DemoOrg) -> None:
    @sync
    async def reads(ctx: Context) -> Batches[Thing]:
        yield Batch(Thing, [record async for record in ctx.query("SELECT Id, Name FROM Account")])

    async with project_at(tmp_path, org) as project:
        org.expire_tokens()
        org.add_fault(Fault.status(503, "<html>"), match="oauth2/token", times=None)
        outcome = await project.outcome(reads)
        assert outcome.problem is not None
        assert outcome.problem.exit_code == 1
        org.clear_faults()
        assert (await project.run(reads)).added == 5


async def test_what_happens_in_a_run_is_observed_as_it_happens(tmp_path: Path, org: DemoOrg) -> None:
    events: list[Event] = []

    @sync
    def accounts(ctx: Context) -> Batches[Account]:
        return ctx.changes(Account)

    org.page_size = 2
    job = Job("sync", "accounts", "acme")
    async with project_at(tmp_path, org) as project:
        outcome = await project.opened.with_syncs(accounts).execute(job, observe=events.append)
    run, route = outcome.run, outcome.plan
    started, planned, *committed, ended = events
    assert started == Started(run.id, job, run.started_at)
    assert planned == Planned(run.id, route, 5)
    assert [each.rows for each in committed if isinstance(each, Committed)] == [2, 4, 5, 5]
    assert len(committed) == 4
    assert ended == Ended(run.id, "done", run.api_calls, run.watermark, None, None)


async def test_a_failed_run_is_observed_to_its_end_with_what_it_warned_of(tmp_path: Path, org: DemoOrg) -> None:
    class Wide(Record, table=True):
        __sobject__ = "Account"
        name: str
        level: str | None = field("Level__c", optional=True)

    @sync
    async def failing(ctx: Context) -> Batches[Wide]:
        async for batch in ctx.changes(Wide):
            yield batch
        raise ValueError

    events: list[Event] = []
    job = Job("sync", "failing", "acme", full=True)
    async with project_at(tmp_path, org) as project:
        outcome = await project.opened.with_syncs(failing).execute(job, observe=events.append)
    [warned] = [each for each in events if isinstance(each, Warned)]
    assert "Level__c" in warned.message
    assert isinstance(events[-1], Ended)
    assert (events[-1].status, events[-1].error) == ("failed", str(outcome.problem))
    assert events[-1].error_code == "script_raised"
    document = msgspec.json.encode(events)
    assert msgspec.json.decode(document, type=list[Event]) == events
    assert b'"event":"warned"' in document


async def test_cancelling_lets_the_commit_finish_and_keeps_the_position(tmp_path: Path, org: DemoOrg) -> None:
    org.page_size = 2
    async with project_at(tmp_path, org) as project:
        with anyio.CancelScope() as scope:
            await project.outcome(accounts, on_commit=lambda progress: scope.cancel())
        (run,) = await project.opened.store.runs.list()
        assert (run.status, run.added) == ("stopped", 2)
        assert run.error == "The run was interrupted; the next one resumes where it stopped."
        again = await project.run(accounts)
        assert again.added == 3


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_a_killed_process_loses_nothing_and_the_next_run_continues_at_once(tmp_path: Path, after: int) -> None:
    with DemoOrg(contacts=0, accounts=40, page_size=10) as org:
        async with project_at(tmp_path, org) as project:
            org.add_fault(Fault.delay(0.1), match="query", times=None)
            await anyio.to_thread.run_sync(killed_after, tmp_path, after)
            org.clear_faults()
            before = len(await project.live("account"))
            assert before >= after * 10
            run = await project.run(accounts)
            assert before + run.added == 40
            assert (await project.live("account")).keys() == {str(row["Id"]) for row in org.rows("Account")}
            statuses = [each.status for each in await project.opened.store.runs.list(sync="accounts")]
            assert statuses == ["done", "failed"]


def killed_after(folder: Path, batches: int) -> None:
    """Run the accounts in a child process, and kill it when it has committed so many batches."""
    with opened_module("tests.engine.running_process", str(folder), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        for _ in range(batches):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
