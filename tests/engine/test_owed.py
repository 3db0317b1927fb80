"""A run that was to read everything, or to compare Ids, and ends early leaves that to the next one."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from orgsync import Batch, Batches, Context, Record, Sync, sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Committed, Event, Job, Warned
from orgsync.errors import AlreadyRunning
from orgsync.project import open_dry_run
from orgsync.store import Run
from tests.extract.extracting import reading, snapshotting
from tests.projects import SampleProject, executed, project_at


class Contact(Record, table=True):
    """What is read first."""

    last_name: str | None


class Account(Record, table=True):
    """What is read behind it."""

    name: str | None


NOW = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
WHOLE = "An earlier run was to read everything and did not: this one does."
COMPARED = "An earlier run was to compare the copy's Ids with the org's and did not: this one does."


@pytest.fixture
async def project(tmp_path: Path) -> AsyncGenerator[SampleProject]:
    """A project on an org whose clock only the test moves."""
    with DemoOrg(contacts=20, accounts=4, page_size=7, now=NOW) as org:
        async with project_at(tmp_path, org) as opened:
            yield opened


@dataclass
class Breaking:
    """A sync that reads contacts and accounts, and ends before one of them where it is told to."""

    before: type[Record] | None = None
    classes: tuple[type[Record], ...] = (Contact, Account)

    @property
    def script(self) -> Sync[Record]:
        @sync(name="both")
        async def both(ctx: Context) -> Batches[Record]:
            for each in self.classes:
                if self.before is each:
                    raise KeyError(each)
                async for batch in ctx.changes(each):
                    yield batch

        return both


async def ran(
    project: SampleProject, script: Sync[Record], *, full: bool = False, reconcile: bool = False
) -> tuple[Run, list[str]]:
    """Run a sync on acme, and give its run and what it warned of."""
    warned: list[str] = []

    def observe(event: Event) -> None:
        if isinstance(event, Warned):
            warned.append(event.message)

    ready = replace(project.opened.with_syncs(script), clock=lambda: project.org.now)
    outcome = await ready.execute(Job("sync", script.name, "acme", full=full, reconcile=reconcile), observe=observe)
    return outcome.run, warned


async def owed(project: SampleProject, name: str) -> dict[str, Any]:
    saved = await project.opened.store.runs.checkpoints(name, "acme")
    return {stream: kept.position.get("owed") for stream, kept in saved.items()}


async def test_a_full_run_that_ends_before_its_first_commit_is_done_by_the_next(project: SampleProject) -> None:
    breaking = Breaking()
    await project.run(breaking.script)
    breaking.before = Contact
    run, warned = await ran(project, breaking.script, full=True)
    assert (run.status, warned) == ("failed", [])
    await ran(project, breaking.script, reconcile=True)  # which is less
    assert await owed(project, "both") == {"contact": "full", "account": "full"}
    assert (await ran(project, breaking.script))[1] == [WHOLE]  # nor is it forgotten by a run that fails as well
    breaking.before = None
    run, warned = await ran(project, breaking.script)
    assert (run.unchanged, run.added, warned) == (24, 0, [WHOLE])
    run, warned = await ran(project, breaking.script)
    assert (run.unchanged, warned) == (0, [])
    assert await owed(project, "both") == {"contact": "", "account": ""}


async def test_a_full_run_that_ends_behind_one_class_is_done_for_the_others(project: SampleProject) -> None:
    breaking = Breaking()
    await project.run(breaking.script)
    breaking.before = Account
    run, _ = await ran(project, breaking.script, full=True)
    assert (run.status, run.unchanged) == ("failed", 20)
    breaking.before = None
    run, _ = await ran(project, breaking.script)
    assert (run.status, run.unchanged) == ("done", 4)


async def test_a_full_run_that_is_cancelled_or_fails_in_a_pass_goes_on_and_does_not_begin_again(
    project: SampleProject,
) -> None:
    contacts = reading(Contact)
    await project.run(contacts)

    def stop(_: Committed) -> None:
        raise KeyError

    assert (await project.outcome(contacts, full=True, on_commit=stop)).problem
    assert await owed(project, contacts.name) == {"contact": ""}
    run, warned = await ran(project, contacts)
    assert (run.unchanged, warned) == (13, [])
    with anyio.CancelScope() as scope:

        def cancel(_: Event) -> None:
            scope.cancel()

        await project.opened.with_syncs(contacts).execute(Job("sync", contacts.name, "acme", full=True), observe=cancel)
    assert (await ran(project, contacts))[0].unchanged == 20


async def test_a_comparison_of_ids_that_was_not_begun_is_made_by_the_next(project: SampleProject) -> None:
    breaking, first = Breaking(), str(project.org.rows("Contact")[0]["Id"])
    await project.run(breaking.script)
    project.org.restrict_rows("Contact", [first])
    breaking.before = Contact
    await ran(project, breaking.script, reconcile=True)
    breaking.before = None
    run, warned = await ran(project, breaking.script)
    assert (run.deleted, warned) == (1, [COMPARED])
    project.org.show_everything()
    run, warned = await ran(project, breaking.script)
    assert (run.added, warned) == (0, [])


async def test_a_comparison_of_ids_is_still_owed_where_the_run_only_came_to_finish_an_earlier_pass(
    project: SampleProject,
) -> None:
    contacts, first = reading(Contact), str(project.org.rows("Contact")[0]["Id"])
    await project.run(contacts)
    project.org.advance(minutes=10)
    for row in project.org.rows("Contact")[1:]:
        project.org.update("Contact", str(row["Id"]), LastName="Changed")
    assert await project.interrupted(contacts, 1)
    project.org.restrict_rows("Contact", [first])
    assert await project.interrupted(contacts, 1, reconcile=True)
    assert await owed(project, contacts.name) == {"contact": "reconcile"}
    run, warned = await ran(project, contacts)
    assert (run.deleted, warned) == (1, [COMPARED])
    assert await owed(project, contacts.name) == {"contact": ""}


@pytest.mark.parametrize("how", ["full", "reconcile"])
async def test_a_snapshot_that_was_to_be_complete_is_not_resumed_alone(project: SampleProject, how: str) -> None:
    whole, first = snapshotting(Contact), str(project.org.rows("Contact")[0]["Id"])
    await project.run(whole)
    assert await project.interrupted(whole, 2)
    project.org.restrict_rows("Contact", [first])  # which the snapshot has seen

    @sync(name=whole.name)
    async def failing(ctx: Context) -> Batches[Contact]:
        raise KeyError
        yield

    await ran(project, failing, full=how == "full", reconcile=how == "reconcile")
    run, warned = await ran(project, whole)
    assert (run.deleted, len(warned)) == (1, 1)


async def test_an_own_checkpoint_is_none_until_a_full_run_has_committed_one(project: SampleProject) -> None:
    seen: list[Any] = []
    steps: list[Any] = [{"page": 1, "owed": "mine"}, None, None, {"page": 3}, None]

    @sync
    async def own(ctx: Context) -> Batches[Account]:
        seen.append(ctx.checkpoint)
        checkpoint = steps.pop(0)
        if checkpoint is None and len(steps) == 3:
            raise KeyError
        yield Batch(Account, [], checkpoint=checkpoint)

    await ran(project, own)
    await ran(project, own, full=True)
    run, warned = await ran(project, own)
    assert (run.status, warned) == ("done", [WHOLE])
    await ran(project, own, reconcile=True)
    await ran(project, own)
    # The third was done and brought no checkpoint: the one from before holds again, as it does after a full run.
    assert seen == [None, None, None, {"page": 1, "owed": "mine"}, {"page": 3}]


async def test_a_class_that_a_full_run_has_no_need_of_is_not_owed_when_it_is_done(project: SampleProject) -> None:
    breaking = Breaking()
    await project.run(breaking.script)
    breaking.classes = (Contact,)
    await ran(project, breaking.script, full=True)
    breaking.classes = (Contact, Account)
    run, warned = await ran(project, breaking.script)
    assert (run.unchanged, warned) == (0, [])


async def test_a_full_run_that_another_keeps_from_beginning_and_a_dry_run_leave_nothing_owed(
    project: SampleProject,
) -> None:
    contacts = reading(Contact)
    await project.run(contacts)
    async with project.opened.store.runs.begin(contacts.name, "acme"):
        with pytest.raises(AlreadyRunning):
            await executed(project.opened, contacts, full=True)
    job = Job("sync", contacts.name, "acme", full=True)
    async with open_dry_run(project.opened.with_syncs(contacts), job) as dry_run:
        assert dry_run.outcome.run.unchanged == 20
    assert await owed(project, contacts.name) == {"contact": ""}
