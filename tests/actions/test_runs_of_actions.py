"""Runs of actions: listed, apart from those of syncs, without what was given; two at once; ended in every case."""

from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect
from typing import Any, cast

import anyio
import pytest

import orgsync
from orgsync import ActionResult, Event, Org, action
from orgsync.demo_org import DemoOrg, Fault
from orgsync.engine import Job, Observer, Outcome, nobody
from orgsync.errors import ArgumentInvalid, NameUnknown, NotFound, PartlyDone, ResultInvalid, ScriptRaised
from orgsync.project import GivenScripts
from orgsync.project.view import open_view
from orgsync.store import Store
from orgsync_syncs.contacts import contacts
from tests.projects import SampleProject, project_at


@action
async def rename(org: Org, contact_id: str, last: str = "Lovelace") -> str:
    """Rename a contact."""
    await org.patch(f"sobjects/Contact/{contact_id}", {"LastName": last})
    return last


@action
async def raises(org: Org) -> None:
    """Raise."""
    raise KeyError("secret of a customer")


@action
async def lies(org: Org) -> int:
    """Return something else."""
    return cast("int", "ten")


@action
async def half(org: Org) -> ActionResult:
    """Do the half."""
    return ActionResult(success=False)


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[SampleProject]:
    async with project_at(tmp_path, org) as opened:
        yield opened


async def done(project: SampleProject, name: str, observe: Observer = nobody, **arguments: Any) -> Outcome:
    scripts = GivenScripts([contacts], actions=[rename, raises, lies, half])
    opened = replace(project.opened, scripts=scripts)
    return await opened.execute(Job("action", name, "acme", arguments=arguments), observe=observe)


def contact_of(org: DemoOrg) -> str:
    return str(org.rows("Contact")[0]["Id"])


async def test_a_run_of_an_action_is_listed_with_its_calls_and_without_what_was_given(
    project: SampleProject, tmp_path: Path
) -> None:
    events: list[Event] = []
    outcome = await done(project, "rename", events.append, contact_id=contact_of(project.org), last="Byron-Noel")
    assert (outcome.result, outcome.document, outcome.problem) == ("Byron-Noel", "Byron-Noel", None)
    [run] = await project.opened.runs.list()
    assert (run.kind, run.sync, run.connection, run.status, run.api_calls) == ("action", "rename", "acme", "done", 1)
    assert [type(each).__name__ for each in events] == ["Started", "Ended"]
    with closing(connect(tmp_path / ".orgsync" / "orgsync.db")) as database:
        assert "Byron-Noel" not in "\n".join(database.iterdump())


def test_a_name_that_was_not_given_is_refused_with_those_that_were_or_that_there_is_none() -> None:
    with pytest.raises(NameUnknown) as among:
        GivenScripts(actions=[rename, half]).action("renam")
    with pytest.raises(NameUnknown) as none:
        GivenScripts(actions=[rename, half]).sync("contacts")
    assert among.value.remedy == "What exists: half, rename."
    assert none.value.remedy.startswith("No sync was given;")


async def test_an_action_is_no_sync_to_whatever_looks_at_syncs(project: SampleProject) -> None:
    same = action(name="contacts")(half.function)
    opened = replace(project.opened, scripts=GivenScripts([contacts], actions=[same]))
    await opened.execute(Job("action", "contacts", "acme"))
    store = project.opened.store
    await opened.execute(Job("action", "contacts", "acme"))
    assert await store.runs.last() == await store.runs.last(after=1) == {}
    assert await project.opened.syncs.status() == []
    with pytest.raises(NameUnknown):
        await project.opened.syncs.copy_of("contacts")
    assert (await project.run(contacts)).kind == "sync"
    assert [each.kind for each in await store.runs.list(sync="contacts")] == ["sync"]
    assert [each.kind for each in await store.runs.list(action="contacts")] == ["action"] * 2
    assert [each.kind for each in await store.runs.list()] == ["sync", "action", "action"]


async def test_wrong_arguments_begin_no_run_and_send_nothing(project: SampleProject) -> None:
    project.org.clear_requests()
    with pytest.raises(ArgumentInvalid, match="Did you mean contact_id"):
        await done(project, "rename", contactid="003")
    assert not project.org.requests
    assert await project.opened.runs.list() == []


async def test_what_an_action_raises_is_kept_by_its_kind_and_place(project: SampleProject) -> None:
    raised = await done(project, "raises")
    assert isinstance(raised.problem, ScriptRaised)
    assert "The action raises raised KeyError at" in str(raised.problem)
    assert "secret" not in str(raised.run.error)
    missing = await done(project, "rename", contact_id="003000000000000")
    assert isinstance(missing.problem, NotFound)
    assert (missing.run.status, missing.run.error_code) == ("failed", "not_found")


async def test_a_result_of_another_type_fails_the_run_and_a_part_is_returned(project: SampleProject) -> None:
    lied = await done(project, "lies")
    assert isinstance(lied.problem, ResultInvalid)
    partly = await done(project, "half")
    assert isinstance(partly.problem, PartlyDone)
    assert partly.document == {"success": False}
    assert (partly.run.status, partly.run.error_code) == ("failed", "partly_done")


async def test_two_runs_of_one_action_at_once_are_two_runs(project: SampleProject) -> None:
    both = 0
    together = anyio.Event()

    @action
    async def meets(org: Org) -> None:
        nonlocal both
        both += 1
        if both == 2:
            together.set()
        await together.wait()

    opened = replace(project.opened, scripts=GivenScripts(actions=[meets]))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(opened.execute, Job("action", "meets", "acme"))
            tasks.start_soon(opened.execute, Job("action", "meets", "acme"))
    assert [each.status for each in await project.opened.runs.list()] == ["done", "done"]


async def test_a_cancelled_action_is_stopped_and_says_that_it_may_have_been_carried_out(project: SampleProject) -> None:
    with anyio.CancelScope() as scope:

        @action
        async def stops(org: Org) -> None:
            scope.cancel()
            await anyio.sleep_forever()

        opened = replace(project.opened, scripts=GivenScripts(actions=[stops]))
        await opened.execute(Job("action", "stops", "acme"))
    [run] = await project.opened.runs.list()
    assert (run.status, run.error_code) == ("stopped", "action_interrupted")
    assert "may have been carried out" in str(run.error)


async def test_a_request_whose_response_is_lost_may_have_been_carried_out_and_is_not_sent_again(
    project: SampleProject,
) -> None:
    @action
    async def creates(org: Org) -> None:
        await org.post("sobjects/Contact", {"LastName": "Lovelace"})

    project.org.add_fault(Fault.reset(processed=True), match="/sobjects/Contact")
    before = len(project.org.rows("Contact"))
    opened = replace(project.opened, scripts=GivenScripts(actions=[creates]))
    outcome = await opened.execute(Job("action", "creates", "acme"))
    assert "It may have been carried out" in str(outcome.problem)
    assert len(project.org.rows("Contact")) == before + 1


@pytest.mark.sqlite_alone(reason="a holder has a file there")
async def test_an_action_whose_process_died_has_failed_when_the_next_begins(tmp_path: Path, org: DemoOrg) -> None:
    async with project_at(tmp_path, org) as opened:
        dead = await opened.opened.store.runs.start_action("half", "acme")
        holder = opened.opened.store.runs
        with closing(connect(tmp_path / ".orgsync" / "orgsync.db")) as database, database:
            [(text,)] = database.execute("SELECT holder FROM orgsync_run").fetchall()
            gone = text.replace(text.partition("-")[2].partition("@")[0], "0" * 16)
            database.execute("UPDATE orgsync_run SET holder = ?", (gone,))
        with open_view(opened.opened.settings) as view:
            assert [each.status for each in view.runs(1)] == ["running"]  # its process's file cannot be asked
        (tmp_path / ".orgsync" / "holders" / f"{gone.partition('@')[0]}.lock").touch()
        with open_view(opened.opened.settings) as view:
            [seen] = view.runs(1)
        await done(opened, "half")
        for ended in (seen, await holder.get(dead.id)):
            assert (ended.status, ended.error_code) == ("failed", "process_died")
            assert str(ended.error).endswith("been carried out. Look in the org before it is repeated.")
        assert not (tmp_path / ".orgsync" / "holders" / f"{gone.partition('@')[0]}.lock").exists()


async def test_old_runs_of_actions_are_removed_but_for_the_last_of_each(project: SampleProject) -> None:
    for _ in range(3):
        await done(project, "half")
    store: Store = project.opened.store
    assert await store.runs.remove_before(project.opened.clock().replace(year=2200)) == 2
    assert len(await store.runs.list()) == 1


def test_a_job_of_an_action_carries_its_arguments_as_json_and_no_option_of_a_sync() -> None:
    job = Job("action", "rename", "acme", arguments={"contact_id": "003"})
    assert Job.from_json(job.to_json()) == job
    with pytest.raises(ArgumentInvalid, match="neither full nor reconcile"):
        Job.from_json('{"kind": "action", "name": "rename", "connection": "acme", "full": true}')


async def test_an_application_runs_an_action_itself_or_by_its_name(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with project_at(tmp_path, org):
        pass
    assert await orgsync.do(rename, connection="acme", contact_id=contact_of(org), last="King") == "King"
    assert (await orgsync.do("limits", connection="acme"))["DailyApiRequests"]
    assert await orgsync.do(half, connection="acme") == ActionResult(success=False)
    with pytest.raises(ArgumentInvalid, match="contacts is a sync"):
        await orgsync.do(cast("Any", contacts), connection="acme")
    with pytest.raises(NameUnknown, match="did you mean 'limits'"):
        await orgsync.do("limts", connection="acme")
    with pytest.raises(NameUnknown):
        await orgsync.do(half, connection="nobody")
