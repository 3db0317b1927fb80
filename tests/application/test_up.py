"""`orgsync.up`: the scheduler inside of an application, until it is cancelled."""

import asyncio
from pathlib import Path

import anyio
import pytest

import orgsync
from orgsync import Committed, Ended, Event, Started
from orgsync.demo_org import DemoOrg
from orgsync.errors import NameUnknown, NothingScheduled, ScriptNotLoaded
from orgsync.project import open_project

SYNCS = """\
import anyio

from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


class Contact(Record, table=True):
    last_name: str


@sync(every="1h")
def accounts(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)


@sync(every="1h")
async def endless(ctx: Context) -> Batches[Contact]:
    async for batch in ctx.changes(Contact):
        yield batch
    await anyio.sleep_forever()
"""


@pytest.fixture
def syncs(project: Path) -> Path:
    folder = project / "syncs"
    folder.mkdir()
    (folder / "mine.py").write_text(SYNCS)
    return folder


async def test_it_runs_what_is_due_until_it_is_cancelled_and_keeps_what_was_committed(
    acme: DemoOrg, syncs: Path
) -> None:
    events: list[Event] = []
    jobs: dict[int, str] = {}
    with anyio.CancelScope() as scope:

        def observe(event: Event) -> None:
            events.append(event)
            if isinstance(event, Started):
                jobs[event.run] = event.job.name
            seen = {(jobs[each.run], type(each)) for each in events}
            if {("accounts", Ended), ("endless", Committed)} <= seen:
                scope.cancel()

        await orgsync.up(observe=observe)
    assert scope.cancelled_caught
    assert sorted(jobs.values()) == ["accounts", "endless"]
    [done] = [each for each in events if isinstance(each, Ended) and jobs[each.run] == "accounts"]
    assert done.status == "done"
    async with open_project() as opened:
        runs = {run.sync: run for run in await opened.runs.list()}
    assert (runs["accounts"].status, runs["accounts"].added) == ("done", 5)
    assert (runs["endless"].status, runs["endless"].added) == ("stopped", 25)


async def test_it_may_be_a_task_that_the_application_cancels(acme: DemoOrg, syncs: Path) -> None:
    ended = asyncio.Event()

    def observe(event: Event) -> None:
        if isinstance(event, Ended):
            ended.set()

    task = asyncio.create_task(orgsync.up(syncs=["accounts"], connections=["acme"], observe=observe))
    await ended.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with open_project() as opened:
        assert [(run.sync, run.status) for run in await opened.runs.list()] == [("accounts", "done")]


async def test_what_keeps_it_from_starting_is_raised(project: Path) -> None:
    with pytest.raises(NothingScheduled, match="nothing is ever due"):
        await orgsync.up()
    with pytest.raises(NameUnknown, match="globex"):
        await orgsync.up(syncs=["contacts"], connections=["globex"])
    with pytest.raises((NameUnknown, ScriptNotLoaded), match="nothing"):
        await orgsync.up(syncs=["nothing"])
