"""The overview of all connections: what `orgsync status` says, in queries whose number does not grow."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.errors import RunInterrupted
from orgsync.project import open_view
from orgsync.project.overview import overview
from orgsync.project.status import statuses_in
from orgsync.store import Connection
from tests.projects import SampleProject, credentials_for, project_at

SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Contact(Record, table=True):
    last_name: str


class Account(Record, table=True):
    name: str


@sync(every="15m")
def people(ctx: Context) -> Batches[Contact]:
    if ctx.connection.name == "globex":
        raise ValueError
    return ctx.changes(Contact)


@sync
def firms(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""


@pytest.fixture
async def sample(tmp_path: Path, org: DemoOrg) -> AsyncGenerator[SampleProject]:
    """A project with two syncs on acme, globex and initech, which have run, failed, been switched off."""
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "crm.py").write_text(SCRIPT)
    async with project_at(tmp_path, org) as opened:
        project = opened.opened
        for name in ("globex", "initech"):
            await project.connections.connect(name, credentials_for(org))
        for sync, connection in (("people", "acme"), ("people", "globex"), ("people", "globex"), ("firms", "initech")):
            await project.execute(Job("sync", sync, connection))
        await project.schedules.set("people", "initech", off=True)
        yield opened


async def test_it_says_what_status_says(sample: SampleProject, tmp_path: Path) -> None:
    project = sample.opened
    async with project.store.runs.begin("people", "acme"):
        pass  # a run whose process has died: nobody has ended it, and nobody holds its lease
    async with project.store.runs.begin("people", "globex") as run:
        await project.store.runs.finish(run, status="stopped", error=RunInterrupted(), api_calls=0)
    now = project.clock()
    for script in ("", "import nothing_of_the_kind\n"):
        (tmp_path / "syncs" / "other.py").write_text(script)
        found = await overview(project, now=now)
        with open_view(project.settings) as view:
            said = statuses_in(view, project.settings, now=now)
        assert {
            (each.sync, each.connection, each.verdict, each.last_success, each.lag, each.failures, each.due, each.every)
            for connection in found
            for each in connection.syncs
        } == {
            (each.sync, each.connection, each.verdict, each.last_success, each.lag, each.failures, each.due, each.every)
            for each in said
        }
    [overviewed] = [each for one in found for each in one.syncs if (each.sync, each.connection) == ("people", "globex")]
    [status] = [each for each in said if (each.sync, each.connection) == ("people", "globex")]
    assert overviewed.error == status.error
    assert "raised ValueError" in status.error, "the reason why it is failing, not that a run was stopped since"
    assert [(each.connection.name, each.state) for each in await overview(project, now=now)] == [
        ("acme", "failing"),
        ("globex", "failing"),
        ("initech", "failing"),
    ]


async def test_a_sync_that_was_reset_stands_so_in_both_until_it_has_run_again(sample: SampleProject) -> None:
    project = sample.opened

    async def both() -> dict[str, Any]:
        """Return how people stands on each connection, as both say it."""
        now = project.clock()
        with open_view(project.settings) as view:
            said = {each.connection: each for each in statuses_in(view, project.settings, now=now)[-3:]}
        found = {each.connection.name: each.syncs for each in await overview(project, now=now)}
        for name, syncs in found.items():
            [each], status = [each for each in syncs if each.sync == "people"], said[name]
            assert (each.verdict, each.last_success, each.lag) == (status.verdict, status.last_success, status.lag)
            assert (each.failures, each.due, each.error) == (status.failures, status.due, status.error)
            assert status.due is None or status.verdict != "reset" or status.due == now
        return said

    await project.syncs.reset("people")
    found = await both()
    assert {name: each.verdict for name, each in found.items()} == {
        "acme": "reset",
        "globex": "reset",
        "initech": "off",
    }
    acme = found["acme"]
    assert (acme.last_success, acme.watermark, acme.lag, acme.rows, acme.needs_attention) == (None, None, None, 0, True)
    assert (found["globex"].failures, found["globex"].error) == (0, "")
    async with project.store.runs.begin("people", "acme"):
        acme = (await both())["acme"]
        assert (acme.verdict, acme.last_success) == ("running", None)
    await project.execute(Job("sync", "people", "acme"))
    acme = (await both())["acme"]
    assert (acme.verdict, acme.lag is not None, acme.needs_attention) == ("ok", True, False)


async def test_a_connection_stands_as_the_worst_of_its_syncs(sample: SampleProject) -> None:
    project = sample.opened
    found = {each.connection.name: each for each in await overview(project)}
    assert {name: each.state for name, each in found.items()} == {
        "acme": "never run",
        "globex": "failing",
        "initech": "ok",
    }
    assert "raised ValueError" in found["globex"].error
    assert found["globex"].lag is None
    assert found["acme"].due is not None
    lost = await project.store.connections.get("acme")
    lost.status, lost.status_reason = "needs sign-in", "The refresh token was revoked."
    await project.store.connections.save(lost, await project.store.connections.secrets("acme"))
    acme = (await overview(project))[0]
    assert (acme.state, acme.error, acme.due) == ("needs sign-in", "The refresh token was revoked.", None)


async def test_the_number_of_queries_does_not_grow_with_the_connections(sample: SampleProject) -> None:
    async def queries() -> int:
        sent: list[str] = []

        def note(_: Any, __: Any, statement: str, *___: Any) -> None:
            sent.append(statement)

        event.listen(Engine, "before_cursor_execute", note)
        try:
            await overview(sample.opened)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        return len(sent)

    few = await queries()
    for number in range(5):
        await sample.opened.store.connections.save(Connection(name=f"c{number}"), {})
        await sample.opened.execute(Job("sync", "firms", "acme"))
    assert await queries() == few > 0
