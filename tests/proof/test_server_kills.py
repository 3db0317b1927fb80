"""A PostgreSQL server that is killed again and again while the command works: no run fails, nothing is lost or twice.

The server comes back within a second or so, as one does that a supervisor starts again. The short form takes some
fifteen seconds, PROOF_TIMES=10 ten times as long.
"""

import random
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen
from typing import Any, LiteralString

import psycopg
import pytest

from orgsync.demo_org import DemoOrg
from orgsync.store import Store
from tests.cli.commandline import PROGRAM, Outcome, finished, plain_environment, started, variables_for
from tests.postgres_server import PostgresServer, own_server
from tests.warm_process import opened

from .consumer import Consumer
from .proofs import TIMES

_SCRIPT = """\
from orgsync import Batches, Context, Record, sync


class Contact(Record, table=True):
    last_name: str


class Account(Record, table=True):
    name: str


@sync(every="{every}")
def people(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@sync(every="{every}")
def companies(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""
_OBJECTS = {"contact": ("Contact", "LastName", "last_name"), "account": ("Account", "Name", "name")}
_SYNCS = ("people", "companies")


@dataclass
class Life:
    """An org that people change, a project that copies it, and the server of its database."""

    folder: Path
    org: DemoOrg
    server: PostgresServer
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    consumers: dict[str, Consumer] = field(default_factory=lambda: {table: Consumer(table) for table in _OBJECTS})
    own: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in _OBJECTS})
    kills: int = 0

    def __post_init__(self) -> None:
        for number in range(300):
            for table, (name, label, _) in _OBJECTS.items():
                self.own[table].append(self.org.insert(name, **{label: f"New {number}"}))
        self.org.advance(hours=2)  # so that nothing is read again for being young

    @property
    def variables(self) -> dict[str, str]:
        return {
            **variables_for(self.org),
            "ORGSYNC_DATABASE_URL": self.server.url("copy"),
            "ORGSYNC_BULK_FROM": "200",
            "ORGSYNC_BATCH_ROWS": "10",
            "ORGSYNC_LEASE": "5",  # and what the queue has lost is sent again so soon
        }

    def work(self, turn: int) -> dict[str, set[str]]:
        """Let people work in the org; return the Ids of what they have changed, by table."""
        changed: dict[str, set[str]] = {}
        for table, (name, label, _) in _OBJECTS.items():
            *some, gone = self.dice.sample(self.own[table], k=60)
            self.own[table].remove(gone)
            for row_id in some:
                self.org.update(name, row_id, **{label: f"Set {turn}"})
            self.org.delete(name, gone)
            new = self.org.insert(name, **{label: f"New {turn}"})
            self.own[table].append(new)
            changed[table] = {*some, gone, new}
        self.org.advance(hours=2)  # so that nothing is read again for being young
        return changed

    def kill_server(self) -> None:
        """Kill the server's processes, half of the times when commits are done and not answered, and start it anew."""
        if self.dice.random() < 0.5:
            self.server.hold_answers()
            time.sleep(0.2)
        self.server.kill()
        self.kills += 1
        time.sleep(self.dice.random() * 0.3)
        self.server.start()

    def kill_server_now_and_then(self, times: int) -> None:
        for _ in range(times):
            time.sleep(self.dice.random())
            self.kill_server()

    def kill_at_random(self, process: "Popen[str]", seconds: float = 60.0) -> None:
        """Kill the server a few times after the process has sent the org some requests, and before it ends."""
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            wanted = len(self.org.requests) + self.dice.randrange(1, 6)
            while process.poll() is None and len(self.org.requests) < wanted and time.monotonic() < end:
                time.sleep(0.001)
            time.sleep(self.dice.random() * 0.05)
            self.kill_server()

    def run_under_fire(self) -> Outcome:
        """Run the syncs while the server is killed."""
        self.org.clear_requests()
        with started(self.folder, "run", *_SYNCS, "--json", env=self.variables) as process:
            self.kill_at_random(process)
            out, err = process.communicate(timeout=120)
        return Outcome(process.returncode, out, err)

    def started(self, command: str, log: Path) -> "Popen[bytes]":
        """Start what goes on until it is stopped."""
        environment = {**plain_environment(), **self.variables}
        with log.open("w") as out:
            return opened([str(PROGRAM), command], cwd=self.folder, env=environment, stdout=out, stderr=out)

    async def follow(self) -> dict[str, list[str]]:
        """Read the feeds on; return the Ids of what they say has changed, by table."""
        async with Store.open(self.server.url("copy"), folder=self.folder) as store:
            return {table: await consumer.follow(store) for table, consumer in self.consumers.items()}

    def query(self, statement: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.url("copy")) as database:
            return database.execute(statement).fetchall()

    def is_equal(self) -> bool:
        """Return whether the copy is equal to the org."""
        contacts = dict(self.query("SELECT id, last_name FROM contact WHERE NOT is_deleted"))
        accounts = dict(self.query("SELECT id, name FROM account WHERE NOT is_deleted"))
        return contacts == self.truth("contact") and accounts == self.truth("account")

    def truth(self, table: str) -> dict[Any, Any]:
        name, label, _ = _OBJECTS[table]
        return {row["Id"]: row[label] for row in self.org.rows(name)}

    def require_told_as_it_is(self) -> None:
        """Require that the feeds replay to what the org has."""
        for table, consumer in self.consumers.items():
            column = _OBJECTS[table][2]
            assert {key: row[column] for key, row in consumer.rows.items()} == self.truth(table)

    def require_nothing_stuck(self) -> None:
        """Require that no run is under way, and no lease held."""
        assert self.query("SELECT id FROM orgsync_run WHERE status = 'running'") == []
        assert self.query("SELECT sync FROM orgsync_lease WHERE holder <> ''") == []


def wait_until(true: Callable[[], bool], process: "Popen[bytes]", log: Path) -> None:
    """Wait for something that a process brings about."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, log.read_text()
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)


@pytest.fixture
def life(tmp_path: Path, org: DemoOrg) -> Iterator[Life]:
    with own_server() as server, server.database("copy"):
        life = Life(tmp_path, org, server)
        (tmp_path / "orgsync.toml").touch()
        (tmp_path / "syncs").mkdir()
        (tmp_path / "syncs" / "own.py").write_text(_SCRIPT.format(every="1s"))
        org.page_size = 25
        connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
        assert finished(tmp_path, *connected, env=life.variables).code == 0
        yield life


@pytest.mark.timeout(300 * TIMES)
async def test_no_run_of_the_command_fails_when_its_server_is_killed_at_random_moments(life: Life) -> None:
    first = life.run_under_fire()
    assert first.code == 0, first
    counts = {(run["added"], run["unchanged"]) for run in first.objects()}
    assert counts == {(len(life.truth(table)), 0) for table in _OBJECTS}
    told = await life.follow()
    for table in _OBJECTS:
        assert sorted(told[table]) == sorted(life.truth(table))
    for turn in range(2 * TIMES):
        changed = life.work(turn)
        ended = life.run_under_fire()
        assert ended.code == 0, ended
        each = {(run["added"], run["updated"], run["deleted"], run["unchanged"]) for run in ended.objects()}
        assert each == {(1, 59, 1, 0)}  # each once, whichever of its commits were not answered
        assert life.is_equal()
        told = await life.follow()
        assert {table: sorted(ids) for table, ids in told.items()} == {t: sorted(ids) for t, ids in changed.items()}
        life.require_told_as_it_is()
    life.require_nothing_stuck()
    runs = life.query("SELECT status, count(*) FROM orgsync_run GROUP BY 1")
    assert runs == [("done", 2 + 4 * TIMES)]
    assert life.kills > 5 * TIMES


@pytest.mark.timeout(300 * TIMES)
@pytest.mark.parametrize("command", ["up", "worker"])
async def test_what_goes_on_by_itself_goes_on_when_its_server_is_killed(life: Life, command: str) -> None:
    log = life.folder / "log"
    assert finished(life.folder, "run", *_SYNCS, env=life.variables).code == 0
    await life.follow()
    with life.started(command, log) as process:
        wait_until(lambda: "worker started" in log.read_text(), process, log)
        for turn in range(2 * TIMES):
            changed = life.work(turn)
            life.kill_server_now_and_then(3)
            wait_until(life.is_equal, process, log)
            told = await life.follow()
            assert {table: sorted(ids) for table, ids in told.items()} == {t: sorted(ids) for t, ids in changed.items()}
            life.require_told_as_it_is()
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert "Traceback" not in log.read_text()
    assert "un it again" not in log.read_text()
    life.require_nothing_stuck()
