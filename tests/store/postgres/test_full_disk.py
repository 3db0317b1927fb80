"""A disk of the server that is full: told for what it is, nothing half done, and all goes on once there is room."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import anyio
import psycopg
import pytest
from structlog.testing import capture_logs

from orgsync import Batches, Context, Record, sync
from orgsync.demo_org import DemoOrg
from orgsync.errors import OrgsyncError, StoreUnavailable
from orgsync.store import Store, open_view
from tests.full_disk import FullServer, server_on_small_disks
from tests.projects import SampleProject, project_at
from tests.workers.fleets import ACCOUNTS, fleet_at

from .test_versions import AS_IT_WAS_IN_0008

ROWS = 2500


class Person(Record, table=True):
    __sobject__ = "Contact"

    last_name: str
    email: str | None


@sync
def people(ctx: Context) -> Batches[Person]:
    return ctx.changes(Person)


@pytest.fixture(scope="module")
def server() -> Iterator[FullServer]:
    with TemporaryDirectory(prefix="orgsync-postgres-") as folder, server_on_small_disks(Path(folder)) as made:
        yield made


@pytest.fixture
def url(server: FullServer) -> Iterator[str]:
    with server.database(f"test_{uuid4().hex}") as made:
        yield f"{made}&connect_within=1"


@pytest.fixture
def many() -> Iterator[DemoOrg]:
    with DemoOrg(contacts=ROWS, accounts=5, page_size=250) as started:
        yield started


def execute(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("&connect_within=1", "")) as raw:
        cursor = raw.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []


async def problem_of(project: SampleProject) -> OrgsyncError:
    """Run the sync, which has to fail, and return why."""
    try:
        outcome = await project.outcome(people)
    except OrgsyncError as problem:  # there was no room either to note how it ended
        return problem
    assert outcome.problem is not None
    return outcome.problem


async def assert_complete(project: SampleProject, org: DemoOrg) -> None:
    """Run the sync to its end; the copy is then the org, and the feed has each row once."""
    await project.run(people)
    copied = {key: row["last_name"] for key, row in (await project.live("person")).items()}
    assert copied == {str(row["Id"]): row["LastName"] for row in org.rows("Contact")}
    assert len(await project.feed("person")) == len(copied)


def assert_disk_full(problem: OrgsyncError) -> None:
    assert isinstance(problem, StoreUnavailable)
    assert "cannot write: its disk is full" in problem.cause
    assert "Free some space there" in problem.remedy


async def test_a_first_pass_stops_at_a_batch_and_the_next_run_continues_there(
    server: FullServer, url: str, many: DemoOrg, tmp_path: Path
) -> None:
    async with project_at(tmp_path, many, database_url=url) as project:
        server.fill("tables", leave=400_000)
        assert_disk_full(await problem_of(project))
        kept = len(await project.live("person"))
        assert 0 < kept < ROWS
        assert kept % 250 == 0
        with open_view(url, folder=tmp_path) as view:
            assert len(view.runs(9)) == 1
        server.empty("tables")
        await assert_complete(project, many)
        last, first = await project.opened.runs.list()
        assert (first.status, first.added, last.added) == ("failed", kept, ROWS - kept)


async def test_a_later_pass_stops_at_a_batch_and_the_next_run_continues_there(
    server: FullServer, url: str, many: DemoOrg, tmp_path: Path
) -> None:
    async with project_at(tmp_path, many, database_url=url) as project:
        await project.run(people)
        for row in many.rows("Contact"):
            many.update("Contact", str(row["Id"]), LastName="N" * 80)
        many.advance(minutes=5)
        server.fill("tables", leave=100_000)
        assert_disk_full(await problem_of(project))
        changed = sum(row["last_name"] == "N" * 80 for row in (await project.live("person")).values())
        assert changed < ROWS
        assert changed % 250 == 0
        server.empty("tables")
        await assert_complete(project, many)


async def test_a_database_that_cannot_be_made_or_upgraded_is_as_it_was(
    server: FullServer, url: str, tmp_path: Path
) -> None:
    async def refused() -> None:
        server.fill("tables")
        with pytest.raises(StoreUnavailable) as caught:
            async with Store.open(url, folder=tmp_path):
                pass
        assert_disk_full(caught.value)
        server.empty("tables")

    await refused()
    assert execute(url, "SELECT 1 FROM pg_class WHERE relname LIKE 'orgsync%'") == []
    async with Store.open(url, folder=tmp_path):
        pass
    execute(url, ";".join(AS_IT_WAS_IN_0008))
    await refused()
    assert execute(url, "SELECT version_num FROM orgsync_version") == [("0008",)]
    async with Store.open(url, folder=tmp_path) as store:
        assert await store.runs.list() == []


async def test_a_worker_says_so_waits_and_goes_on(server: FullServer, url: str, tmp_path: Path, org: DemoOrg) -> None:
    async with fleet_at(tmp_path, org, url=url) as fleet:
        fleet.write("accounts.py", ACCOUNTS.replace("15m", "1s"))
        server.fill("tables")
        with pytest.raises(StoreUnavailable) as caught:  # while it makes the queue's tables
            async with fleet.worker():
                pass
        assert_disk_full(caught.value)
        server.empty("tables")
        with capture_logs() as lines:
            async with fleet.worker() as worker:
                await fleet.ran(1)
                server.fill("tables")
                for number in range(400):
                    org.insert("Account", Name=f"New {number} " + "N" * 200)
                org.advance(minutes=5)
                while not any("its disk is full" in str(line) for line in lines):  # noqa: ASYNC110 # its next run will
                    await anyio.sleep(0.02)
                server.empty("tables")
                seen = len(await fleet.runs())
                await fleet.ran(seen + 2)
                assert worker.plans
        copied = execute(url, "SELECT count(*), count(DISTINCT id) FROM account")
        assert copied == [(405, 405)]
        assert "cannot be reached" not in str(lines)


async def test_a_server_that_its_full_log_has_ended_is_told_and_the_next_run_continues(
    server: FullServer, url: str, many: DemoOrg, tmp_path: Path
) -> None:
    async with project_at(tmp_path, many, database_url=url) as project:
        execute(url, "CREATE TABLE filler (filled text)")
        server.fill("log")

        def write_to_the_end(_: object) -> None:
            with suppress(psycopg.OperationalError):
                while True:
                    execute(url, "INSERT INTO filler SELECT repeat(md5(i::text), 50) FROM generate_series(1, 2000) i")

        with pytest.raises(StoreUnavailable) as caught:
            await project.outcome(people, on_commit=write_to_the_end)
        assert "ended while it was in use, and is not back within 1 s" in caught.value.cause
        assert "See its log for the reason" in caught.value.remedy
        server.empty("log")
        server.start()
        execute(url, "UPDATE orgsync_lease SET expires_at = now() - interval '1 day'")  # nobody could free it
        assert len(await project.live("person")) == 250
        await assert_complete(project, many)
