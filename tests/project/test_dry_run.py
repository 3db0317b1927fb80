"""A dry run shows what a run would change, and changes nothing."""

import gc
import sqlite3
import tempfile
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgsync import Batch, Batches, Context, Record, Sync, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Committed, Job, Observer, nobody
from orgsync.errors import NameUnknown, ScriptProblem, SignInNeeded
from orgsync.project import DryRunChange, OpenDryRun, Project, open_dry_run, open_project
from orgsync.records import long_id
from orgsync.store import Connection, Store
from tests.projects import SampleProject, at_commits, executed, project_at, settings_for

IDS = [long_id(f"0037Q00000C000{letter}") for letter in "abcd"]


class Contact(Record, table=True):
    """A contact."""

    last_name: str
    title: str | None
    account_name: str | None = field("Account.Name")


@sync
def contacts(ctx: Context) -> Batches[Contact]:
    """Read contacts."""
    return ctx.changes(Contact)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that temporary folders are made in."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


@pytest.fixture
async def project(tmp_path: Path, org: DemoOrg) -> AsyncIterator[SampleProject]:
    async with project_at(tmp_path, org) as opened:
        yield opened


def kept(folder: Path) -> list[str]:
    """Everything that the user's database holds: rows, runs, checkpoints, leases, connections."""
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
        return list(database.iterdump())


def on_acme(sync: Sync[Record], *, full: bool = False, reconcile: bool = False) -> Job:
    return Job("sync", sync.name, "acme", full=full, reconcile=reconcile)


async def dry_run_of(
    project: SampleProject,
    script: Sync[Record],
    *,
    limit: int | None = None,
    full: bool = False,
    reconcile: bool = False,
    observe: Observer = nobody,
) -> tuple[OpenDryRun, list[DryRunChange]]:
    """Make a dry run by the org's clock, and read its changes."""
    job, ready = on_acme(script, full=full, reconcile=reconcile), by_the_orgs_clock(project, script)
    async with open_dry_run(ready, job, limit=limit, observe=observe) as dry_run:
        return dry_run, [change async for change in dry_run.changes]


def by_the_orgs_clock(project: SampleProject, script: Sync[Record]) -> Project:
    return replace(project.opened.with_syncs(script), clock=lambda: project.org.now)


def outlined(changes: list[DryRunChange]) -> dict[str, tuple[str, dict[str, tuple[Any, Any]]]]:
    return {change.id: (change.kind, change.fields) for change in changes}


async def test_every_kind_of_change_is_reported_and_nothing_is_written(project: SampleProject, tmp_path: Path) -> None:
    org = project.org
    await project.run(contacts)
    renamed, moved, gone, *_ = (str(row["Id"]) for row in org.rows("Contact"))
    before = await project.live("contact")
    org.update("Contact", renamed, LastName="Østergård", Title=None)
    org.update("Contact", moved, Description="which the copy does not have")
    org.delete("Contact", gone)
    made = org.insert("Contact", LastName="New")
    database = kept(tmp_path)
    dry_run, changes = await dry_run_of(project, contacts)
    run = dry_run.outcome.run
    assert (run.status, run.added, run.updated, run.deleted) == ("done", 1, 2, 1)
    assert (dry_run.outcome.problem, dry_run.at_limit, dry_run.tables) == (None, False, ["contact"])
    old = before[gone]
    fields = {name: (old[name], None) for name in ("last_name", "title", "account_name") if old[name] is not None}
    title = {"title": (before[renamed]["title"], None)} if before[renamed]["title"] else {}
    assert outlined(changes) == {
        renamed: ("updated", {"last_name": (before[renamed]["last_name"], "Østergård"), **title}),
        moved: ("updated", {}),
        made: ("added", {"last_name": (None, "New")}),
        gone: ("deleted", fields),
    }
    assert kept(tmp_path) == database
    again = await project.run(contacts)
    assert (again.added, again.updated, again.deleted) == (1, 2, 1)


async def test_the_first_run_can_be_a_dry_run(project: SampleProject, tmp_path: Path, place: Path) -> None:
    database = kept(tmp_path)
    dry_run, changes = await dry_run_of(project, contacts)
    assert (dry_run.outcome.run.added, len(changes)) == (25, 25)
    assert {change.kind for change in changes} == {"added"}
    assert kept(tmp_path) == database
    assert list(place.iterdir()) == []


async def test_what_full_and_reconcile_find_is_reported(project: SampleProject) -> None:
    await project.run(contacts)
    gone, other = (str(row["Id"]) for row in project.org.rows("Contact")[:2])
    project.org.hard_delete("Contact", gone)
    project.org.advance(days=40)  # getDeleted's log does not reach back so far
    _, changes = await dry_run_of(project, contacts, reconcile=True)
    assert [(change.id, change.kind) for change in changes] == [(gone, "deleted")]
    dry_run, changes = await dry_run_of(project, contacts, full=True)
    assert dry_run.outcome.run.unchanged == 24
    assert other not in {change.id for change in changes}


async def test_a_token_that_is_renewed_meanwhile_is_kept(project: SampleProject, tmp_path: Path) -> None:
    org = project.org
    org.rotate_refresh_tokens = True
    org.expire_tokens()
    stale = await project.opened.store.connections.secrets("acme")
    await dry_run_of(project, contacts)
    fresh = await project.opened.store.connections.secrets("acme")
    assert fresh["refresh_token"] != stale["refresh_token"]
    org.expire_tokens()
    assert (await project.run(contacts)).added == 25
    assert len(await project.opened.store.runs.list()) == 1


async def test_a_sign_in_that_is_refused_is_the_outcome(project: SampleProject) -> None:
    project.org.revoke_refresh_tokens()
    dry_run, changes = await dry_run_of(project, contacts)
    assert isinstance(dry_run.outcome.problem, SignInNeeded)
    assert changes == []
    assert (await project.opened.store.connections.get("acme")).status == "needs sign-in"


async def test_a_run_under_way_is_not_in_the_way_and_not_disturbed(project: SampleProject, tmp_path: Path) -> None:
    store = project.opened.store
    async with store.runs.begin("contacts", "acme") as under_way:
        database = kept(tmp_path)
        _, changes = await dry_run_of(project, contacts)
        assert len(changes) == 25
        assert kept(tmp_path) == database
        await store.rows.commit(under_way, [], None, 1)
        assert (await store.runs.finish(under_way, status="done", api_calls=1)).status == "done"


async def test_what_a_real_run_has_brought_meanwhile_is_not_reported(project: SampleProject) -> None:
    async with open_dry_run(by_the_orgs_clock(project, contacts), on_acme(contacts)) as dry_run:
        await project.run(contacts)
        assert [change async for change in dry_run.changes] == []
        assert dry_run.outcome.run.added == 25


async def test_a_limit_stops_the_run_and_is_no_failure(project: SampleProject, tmp_path: Path) -> None:
    project.org.page_size = 5
    database = kept(tmp_path)
    seen: list[int] = []
    observe = at_commits(lambda committed: seen.append(committed.added))
    dry_run, changes = await dry_run_of(project, contacts, limit=7, observe=observe)
    assert (dry_run.at_limit, dry_run.outcome.problem, len(changes)) == (True, None, 7)
    assert (dry_run.outcome.run.status, dry_run.outcome.run.added) == ("stopped", 10)
    assert "limit of 7 changes" in (dry_run.outcome.run.error or "")
    assert seen[-1] == 10
    assert kept(tmp_path) == database


async def test_a_limit_that_is_not_reached_stops_nothing(project: SampleProject) -> None:
    dry_run, changes = await dry_run_of(project, contacts, limit=1000)
    assert (dry_run.at_limit, dry_run.outcome.run.status, len(changes)) == (False, "done", 25)


async def test_a_field_that_the_class_gained_was_nothing_before(project: SampleProject) -> None:
    class Wider(Record, table=True):
        __sobject__ = "Contact"
        __tablename__ = "contact"
        last_name: str
        email: str | None

    @sync(name="contacts")
    def wider(ctx: Context) -> Batches[Wider]:
        return ctx.changes(Wider)

    await project.run(contacts)
    _, changes = await dry_run_of(project, wider)
    emails = {row["Id"]: row["Email"] for row in project.org.rows("Contact") if row["Email"]}
    assert {change.id: change.fields for change in changes} == {
        key: {"email": (None, email)} for key, email in emails.items()
    }
    assert "email" not in next(iter((await project.live("contact")).values()))


async def test_a_script_that_fails_has_reported_what_it_would_have_kept(project: SampleProject, place: Path) -> None:
    @sync
    async def failing(ctx: Context) -> Batches[Contact]:
        yield Batch(Contact, [{"id": IDS[0], "last_name": "Ann"}])
        raise ValueError

    dry_run, changes = await dry_run_of(project, failing)
    assert isinstance(dry_run.outcome.problem, ScriptProblem)
    assert dry_run.outcome.run.status == "failed"
    assert [change.id for change in changes] == [IDS[0]]


async def test_an_unknown_connection_is_reported_before_anything_is_copied(project: SampleProject, place: Path) -> None:
    place.rmdir()
    with pytest.raises(NameUnknown, match="acne"):
        async with open_dry_run(project.opened.with_syncs(contacts), Job("sync", "contacts", "acne")):
            pass


async def test_an_interruption_leaves_nothing_behind(project: SampleProject, tmp_path: Path, place: Path) -> None:
    project.org.page_size = 5
    database = kept(tmp_path)

    def interrupt(_: Committed) -> None:
        assert [path.name.startswith("orgsync-copy-") for path in place.iterdir()] == [True]
        scope.cancel()

    with anyio.CancelScope() as scope:
        await dry_run_of(project, contacts, observe=at_commits(interrupt))
    assert scope.cancelled_caught
    assert list(place.iterdir()) == []
    assert kept(tmp_path) == database


def jobs(org: DemoOrg, method: str) -> list[str]:
    """The Bulk jobs that were made, read or deleted, by the requests' paths."""
    return [
        each.path.partition("/jobs/query")[2]
        for each in org.requests
        if "/jobs/" in each.path and each.method == method
    ]


async def test_a_job_of_an_unfinished_run_is_left_to_it_and_the_dry_runs_own_is_deleted(
    tmp_path: Path, org: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    @sync(name="contacts")
    async def failing(ctx: Context) -> Batches[Contact]:
        async for batch in ctx.changes(Contact):
            yield batch
            if len(batch):
                raise ValueError

    monkeypatch.setattr("orgsync.extract.bulk._ROWS_AT_ONCE", 5)
    org.bulk_page_size = 5
    async with project_at(tmp_path, org, bulk_from=1) as project:
        assert await project.interrupted(contacts, 2)
        [saved] = (await project.opened.store.runs.checkpoints("contacts", "acme")).values()
        own = saved.position["unfinished"]["job"]["id"]
        for script, status in ((failing, "failed"), (contacts, "done")):
            org.clear_requests()
            dry_run, changes = await dry_run_of(project, script)
            assert dry_run.outcome.run.status == status
            assert len(jobs(org, "POST")) == len(set(jobs(org, "DELETE"))) == 1
            assert not [path for method in ("GET", "PATCH", "DELETE") for path in jobs(org, method) if own in path]
        had = len(await project.live("contact"))
        await project.run(contacts)
        assert jobs(org, "POST") == []  # the real run goes on with its job
        assert had + len(changes) == len(await project.live("contact")) == 25


Rows: TypeAlias = dict[str, str | None]
"""What an org has, by Id: a name, or None for a row that has been deleted."""


def delivering(batches: list[Rows]) -> Sync[Record]:
    """Make a sync that delivers these rows, at an instant of its own each."""

    @sync(name="contacts")
    async def delivered(ctx: Context) -> Batches[Contact]:
        for batch in batches:
            live = [{"id": key, "last_name": name} for key, name in batch.items() if name is not None]
            yield Batch(Contact, live)
            yield Batch.deleted(Contact, [key for key, name in batch.items() if name is None])

    return delivered


async def live(store: Store) -> dict[str, str]:
    if "contact" not in await store.rows.tables():
        return {}
    return {row["id"]: row["last_name"] async for row in store.rows.read("contact")}


def applied(rows: dict[str, str], changes: list[DryRunChange]) -> dict[str, str]:
    """Do to rows what the changes say, each of which must fit what is there."""
    rows = dict(rows)
    for change in changes:
        before, after = change.fields["last_name"]
        assert rows.get(change.id) == before
        assert change.kind == ("added" if before is None else "deleted" if after is None else "updated")
        if after is None:
            del rows[change.id]
        else:
            rows[change.id] = after
    return rows


async def offline(opened: Project) -> Project:
    """Make a connection that leads nowhere: the scripts here ask the org for nothing."""
    await opened.store.connections.save(Connection(name="acme", grant="refresh-token"), {})
    return opened


async def test_a_row_counts_as_what_it_was_when_the_run_began_and_is_when_it_ends(tmp_path: Path) -> None:
    async with open_project(settings_for(tmp_path)) as opened:
        opened = await offline(opened)
        await executed(opened, delivering([{IDS[0]: "Ann", IDS[2]: "Bo"}, {IDS[0]: None}]))
        then = delivering([{IDS[0]: "Ann", IDS[3]: "Cy", IDS[2]: None}, {IDS[3]: None, IDS[2]: "Bo"}])
        async with open_dry_run(opened.with_syncs(then), on_acme(then)) as dry_run:
            changes = [change async for change in dry_run.changes]
    assert outlined(changes) == {IDS[0]: ("added", {"last_name": (None, "Ann")})}


async def test_a_run_that_would_change_nothing_names_no_table(project: SampleProject) -> None:
    await project.run(contacts)
    dry_run, changes = await dry_run_of(project, contacts, full=True)
    assert (dry_run.outcome.run.unchanged, dry_run.tables, changes) == (25, [], [])


BATCHES = st.lists(st.dictionaries(st.sampled_from(IDS), st.sampled_from(["Ann", "Bo", None])), max_size=3)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=BATCHES, then=BATCHES)
async def test_what_is_reported_is_what_a_run_then_does(
    tmp_path_factory: pytest.TempPathFactory, first: list[Rows], then: list[Rows]
) -> None:
    async with open_project(settings_for(tmp_path_factory.mktemp("law"))) as opened:
        opened = await offline(opened)
        await executed(opened, delivering(first))
        before = await live(opened.store)
        following = delivering(then)
        async with open_dry_run(opened.with_syncs(following), on_acme(following)) as dry_run:
            changes = [change async for change in dry_run.changes]
            counts = dry_run.outcome.run
        assert await live(opened.store) == before
        run = (await executed(opened, delivering(then))).run
        assert await live(opened.store) == applied(before, changes)
        assert (counts.added, counts.updated, counts.deleted) == (run.added, run.updated, run.deleted)


async def test_memory_does_not_grow_with_the_changes(tmp_path: Path) -> None:
    @sync(name="contacts")
    async def many(ctx: Context) -> Batches[Contact]:
        for start in range(0, 6000, 2000):
            yield Batch(
                Contact,
                [{"id": f"0037Q00000{at:05}", "last_name": "x" * 500} for at in range(start, start + 2000)],
            )

    async with (
        open_project(settings_for(tmp_path)) as opened,
        open_dry_run((await offline(opened)).with_syncs(many), on_acme(many)) as reported,
    ):
        gc.collect()
        tracemalloc.start()
        count = 0
        async for _ in reported.changes:
            count += 1
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert count == 6000
    assert peak < 5_000_000


async def test_a_limit_stops_a_script_that_never_waits(project: SampleProject) -> None:
    @sync
    async def at_once(_: Context) -> Batches[Contact]:
        for number in range(50):
            yield Batch(Contact, [{"Id": f"0030000000000{number:02}AAA", "LastName": "x"}])

    async with open_dry_run(project.opened.with_syncs(at_once), on_acme(at_once), limit=3) as dry_run:
        assert dry_run.at_limit
        assert dry_run.outcome.run.added == 3


async def test_a_limit_stops_a_bulk_read_whose_pages_are_at_hand_and_leaves_no_job(
    project: SampleProject, org: DemoOrg
) -> None:
    @sync
    def by_bulk(ctx: Context) -> Batches[Contact]:
        return ctx.changes(Contact, api="bulk")

    org.bulk_page_size = 5
    org.clear_requests()
    async with open_dry_run(project.opened.with_syncs(by_bulk), on_acme(by_bulk), limit=1) as dry_run:
        assert dry_run.at_limit
        assert dry_run.outcome.run.added < 25
    methods = [request.method for request in org.requests if "jobs/query" in request.path]
    assert (methods.count("POST"), methods.count("DELETE")) == (1, 1)
