"""A project as the one door: jobs by the names of its scripts, and what its connections can be asked to do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.errors import ArgumentInvalid, NameUnknown, SignInNeeded
from orgsync.project import FolderScripts, open_project
from orgsync.scripts import StoredVault
from tests.projects import SampleProject, project_at, settings_for

ACCOUNTS = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync
def companies(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "companies.py").write_text(ACCOUNTS)
    async with project_at(tmp_path, org) as opened:
        yield opened


async def test_a_job_names_a_sync_of_the_projects_folder_or_one_that_is_shipped(project: SampleProject) -> None:
    opened = replace(project.opened, clock=lambda: project.org.now)
    assert (await opened.execute(Job("sync", "companies", "acme"))).run.added == 5
    assert (await opened.execute(Job("sync", "contacts", "acme"))).run.added == 25
    assert [run.sync for run in await opened.runs.list()] == ["contacts", "companies"]
    assert await opened.records.tables() == ["account", "contact"]
    assert len([row async for row in opened.records.read("account")]) == 5


async def test_a_job_of_an_unknown_sync_begins_no_run(project: SampleProject) -> None:
    with pytest.raises(NameUnknown, match="no sync 'compnies'; did you mean 'companies'"):
        await project.opened.execute(Job("sync", "compnies", "acme"))
    assert await project.opened.runs.list() == []


def test_scripts_are_read_once_for_all_jobs(tmp_path: Path) -> None:
    (tmp_path / "companies.py").write_text(ACCOUNTS)
    scripts = FolderScripts(tmp_path)
    [first] = scripts.load(["companies"])
    (tmp_path / "companies.py").unlink()
    assert scripts.sync("companies") is first


async def test_credentials_may_be_kept_elsewhere_than_in_the_projects_store(
    project: SampleProject, tmp_path: Path
) -> None:
    async with open_project(settings_for(tmp_path / "elsewhere")) as elsewhere:
        real = project.opened.store
        connection = await real.connections.get("acme")
        await elsewhere.store.connections.save(connection, {})
        job = Job("sync", "contacts", "acme")
        with_credentials = replace(elsewhere, credentials=partial(StoredVault, real))
        assert (await with_credentials.execute(job)).run.added == 25
        assert (await elsewhere.execute(job)).problem is not None


async def test_connections_are_renamed_changed_and_tested(project: SampleProject) -> None:
    connections = project.opened.connections
    await connections.rename("acme", "globex")
    changed = await connections.update("globex", metadata={"plan": "gold"}, tags=["eu"])
    assert (changed.metadata, changed.tags) == ({"plan": "gold"}, ["eu"])
    assert (await connections.update("globex", tags=[])).metadata == {"plan": "gold"}
    assert (await connections.test("globex")).usage.calls == 1
    with pytest.raises(ArgumentInvalid, match="is not a name for a connection"):
        await connections.rename("globex", "two words")
    with pytest.raises(ArgumentInvalid, match="it takes a list"):
        await connections.update("globex", tags="eu")
    project.org.expire_tokens()
    project.org.revoke_refresh_tokens()
    with pytest.raises(SignInNeeded):
        await connections.test("globex")
    assert (await connections.get("globex")).status == "needs sign-in"
