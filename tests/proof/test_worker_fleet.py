"""Workers that are killed at random while they run a fleet: every due pair is run, none twice at once, none is stuck.

The short form takes some seconds. PROOF_WORKERS=1 runs 300 connections for two minutes.
"""

import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import anyio
import psycopg
import pytest

from orgsync.demo_org import DemoOrg
from orgsync.project import Project, open_project
from orgsync.settings import load_settings
from tests.cli.commandline import PROGRAM, plain_environment
from tests.postgres_server import new_database
from tests.projects import credentials_for
from tests.warm_process import opened

SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="{every}s")
def accounts(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""


@dataclass(frozen=True)
class Form:
    connections: int
    workers: int
    every: int
    seconds: float
    kill_every: float


SHORT = Form(connections=12, workers=2, every=1, seconds=6, kill_every=2.0)
LONG = Form(connections=300, workers=3, every=15, seconds=120, kill_every=4.0)


@dataclass
class Fleet:
    """A project on PostgreSQL with connections to one org, and workers that are started anew when they are killed."""

    folder: Path
    form: Form
    url: str
    org: DemoOrg
    stack: ExitStack
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    workers: "list[Popen[bytes]]" = field(default_factory=list["Popen[bytes]"])
    kills: int = 0

    def start(self) -> None:
        log = self.stack.enter_context((self.folder / "log").open("ab"))
        environment = {**plain_environment(), "ORGSYNC_DATABASE_URL": self.url}
        command = [str(PROGRAM), "worker", "--json"]
        self.workers.append(opened(command, cwd=self.folder, env=environment, stdout=log, stderr=log))

    def kill_one(self) -> None:
        """Kill a worker as the system does when memory is short, and start another."""
        victim = self.workers.pop(self.chance.randrange(len(self.workers)))
        victim.kill()
        victim.wait()
        self.kills += 1
        self.start()

    def stop(self) -> list[int]:
        for each in self.workers:
            each.send_signal(signal.SIGTERM)
        return [each.wait(timeout=60) for each in self.workers]

    def done_after(self, instant: datetime) -> int:
        """Count the connections that have a run which began after an instant and is done."""
        with psycopg.connect(self.url) as raw:
            [count] = raw.execute(
                "SELECT count(DISTINCT connection) FROM orgsync_run WHERE status = 'done' AND started_at > %s",
                (instant,),
            ).fetchone() or (0,)
        return int(count)

    def now(self) -> datetime:
        with psycopg.connect(self.url) as raw:
            [now] = raw.execute("SELECT clock_timestamp()").fetchone() or (None,)
        assert isinstance(now, datetime)
        return now

    def are_all_up(self) -> bool:
        """Tell whether every worker has begun to work."""
        with psycopg.connect(self.url) as raw:
            names = [name for (name,) in raw.execute("SELECT name FROM orgsync_worker").fetchall()]
        return {str(each.pid) for each in self.workers} <= {name.partition("-")[0] for name in names}

    def overlaps(self) -> list[tuple[str, int, int]]:
        """Name the runs of a connection of which a later one began before the earlier had ended.

        The end of a run whose worker was killed is noted when the next one begins.
        """
        with psycopg.connect(self.url) as raw:
            return raw.execute(
                "SELECT a.connection, a.id, b.id FROM orgsync_run AS a JOIN orgsync_run AS b "
                "ON a.connection = b.connection AND a.id < b.id AND b.started_at < coalesce(a.finished_at, 'infinity') "
                "WHERE a.status = 'done'"
            ).fetchall()

    def ended(self) -> dict[str, int]:
        with psycopg.connect(self.url) as raw:
            found = raw.execute("SELECT coalesce(error_code, status), count(*) FROM orgsync_run GROUP BY 1").fetchall()
        return dict(found)

    def left(self) -> int:
        with psycopg.connect(self.url) as raw:
            [jobs] = raw.execute("SELECT count(*) FROM orgsync_job WHERE state = 'running'").fetchone() or (0,)
        return int(jobs)

    def copies(self) -> dict[str, set[tuple[str, str]]]:
        """Read the copy of each connection."""
        found: dict[str, set[tuple[str, str]]] = {}
        with psycopg.connect(self.url) as raw:
            for connection, row_id, name in raw.execute(
                "SELECT connection, id, name FROM account WHERE NOT is_deleted"
            ):
                found.setdefault(connection, set()).add((row_id, name))
        return found


@pytest.fixture
def form() -> Form:
    return LONG if os.environ.get("PROOF_WORKERS") else SHORT


async def connect_all(project: Project, form: Form, org: DemoOrg) -> None:
    await project.connections.connect("c000", credentials_for(org))
    first, secrets = await project.store.connections.get("c000"), await project.store.connections.secrets("c000")
    for number in range(1, form.connections):
        copied = first.model_copy(update={"name": f"c{number:03}", "org_id": f"00D{number:012}AAA"})
        await project.store.connections.save(copied, secrets)


@pytest.fixture
async def fleet(tmp_path: Path, form: Form, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fleet]:
    url = new_database(f"test_{uuid4().hex}")
    monkeypatch.setenv("ORGSYNC_DATABASE_URL", url)
    (tmp_path / "orgsync.toml").write_text("lease = 3\noverlap = 0\n")
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "accounts.py").write_text(SCRIPT.format(every=form.every))
    with ExitStack() as stack:
        org = stack.enter_context(DemoOrg(contacts=1, accounts=10))
        async with open_project(load_settings(tmp_path)) as project:
            await connect_all(project, form, org)
        fleet = Fleet(tmp_path, form, url, org, stack)
        try:
            yield fleet
        finally:
            for each in fleet.workers:
                each.kill()
                each.wait()


def waits(seconds: float, every: float) -> Iterator[float]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield every


async def test_workers_that_are_killed_at_random_leave_nothing_undone_and_nothing_done_twice(fleet: Fleet) -> None:
    form = fleet.form
    for _ in range(form.workers):
        fleet.start()
    while not fleet.done_after(datetime(2000, 1, 1).astimezone()):  # noqa: ASYNC110 # other processes end them
        await anyio.sleep(0.1)
    for pause in waits(form.seconds, form.kill_every):
        await anyio.sleep(pause)
        account = fleet.chance.choice(fleet.org.rows("Account"))
        fleet.org.update("Account", str(account["Id"]), Name=f"Renamed {fleet.kills}")
        fleet.kill_one()
    fleet.org.insert("Account", Name="The last")
    changed_at = fleet.now() + timedelta(milliseconds=1)
    while fleet.done_after(changed_at) < form.connections or not fleet.are_all_up():  # each is run again: none is stuck
        assert all(each.poll() is None for each in fleet.workers)
        await anyio.sleep(0.1)
    assert fleet.stop() == [0] * form.workers
    assert fleet.overlaps() == []
    truth = {(str(row["Id"]), str(row["Name"])) for row in fleet.org.rows("Account")}
    assert fleet.copies() == {f"c{number:03}": truth for number in range(form.connections)}
    assert fleet.left() == 0
    print(f"{fleet.kills} kills; runs: {fleet.ended()}")
