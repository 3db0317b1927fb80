"""A fleet of which some orgs hang, are busy, break connections or answer nonsense: the others keep their rhythm.

The short form takes some twenty seconds and asserts no rhythm. PROOF_FLEET=1 lets 200 connections run for five minutes.
"""

import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import anyio
import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.project import open_project
from orgsync.project.status import Status, statuses
from orgsync.records import parse_instant
from orgsync.settings import load_settings
from tests.cli.commandline import PROGRAM, plain_environment
from tests.projects import credentials_for
from tests.raw_database import execute
from tests.warm_process import opened

KINDS = {
    "hang": Fault.hang(),
    "busy": Fault.maintenance(),
    "reset": Fault.reset(),
    "half": Fault.truncate(),
    "drip": Fault.drip(1.0),
    "bomb": Fault.bomb(),
    "loop": Fault.same_page_again(),
    "html": Fault.status(200, "<html>Sign in to the network</html>"),
}
FACTOR = 1.5
MOST_MEMORY = 300 * 1024  # KiB

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
    healthy: int
    of_each_kind: int
    every: int
    seconds: float
    settings: str
    turns: int = 3


SHORT = Form(
    *(8, 2, 2, 0),
    "concurrency = 4\ntimeout = 6\nresponse_timeout = 6\nretry_for = 2\nlargest_response = 4_000_000\n",
)
LONG = Form(120, 10, 30, 300, "response_timeout = 60\nlargest_response = 8_000_000\n")


@dataclass
class Fleet:
    """A project with connections to a healthy org, and to one org for each way to fail."""

    folder: Path
    form: Form
    up: subprocess.Popen[bytes]

    def starts(self) -> dict[str, list[str | datetime]]:
        """Read when the runs of each healthy connection that are done began."""
        found: dict[str, list[str | datetime]] = {}
        runs = "SELECT connection, started_at FROM orgsync_run WHERE status = 'done' ORDER BY id"
        for connection, started_at in execute(self.folder, runs):
            found.setdefault(connection, []).append(started_at)
        return {name: starts for name, starts in found.items() if name.startswith("ok-")}

    def longest_gap(self) -> timedelta:
        """Return the longest time between two starts of one healthy connection."""
        instants = [[*map(instant, starts)] for starts in self.starts().values()]
        return max(later - earlier for each in instants for earlier, later in pairwise(each))

    def peak(self) -> int:
        """Return the most memory that `orgsync up` has had, in KiB."""
        text = Path(f"/proc/{self.up.pid}/status").read_text()
        return int(next(line.split()[1] for line in text.splitlines() if line.startswith("VmHWM:")))

    async def others(self) -> list[Status]:
        """Read the status of the connections whose orgs fail."""
        async with open_project(load_settings(self.folder)) as opened:
            return [each for each in await statuses(opened) if not each.connection.startswith("ok-")]


def instant(raw: str | datetime) -> datetime:
    """Return an instant as it is in the database: a text of SQLite's, a value of PostgreSQL's."""
    return parse_instant(raw) if isinstance(raw, str) else raw


def up_in(folder: Path, stack: ExitStack) -> "subprocess.Popen[bytes]":
    """Start `orgsync up` with its log in a file, which nobody has to read for it to go on."""
    log = stack.enter_context((folder / "log").open("w"))
    return opened([str(PROGRAM), "up"], cwd=folder, env=plain_environment(), stdout=log, stderr=log)


@pytest.fixture
def form() -> Form:
    return LONG if os.environ.get("PROOF_FLEET") else SHORT


@pytest.fixture
async def fleet(tmp_path: Path, form: Form) -> AsyncIterator[Fleet]:
    (tmp_path / "orgsync.toml").write_text(f"concurrency_per_org = 1000\n{form.settings}")
    (tmp_path / "syncs").mkdir()
    (tmp_path / "syncs" / "accounts.py").write_text(SCRIPT.format(every=form.every))
    with ExitStack() as stack:
        async with open_project(load_settings(tmp_path)) as opened:
            for kind in ["ok", *KINDS]:
                accounts = 3 if kind == "ok" else 1000  # more than a run that fails after each page reads by and by
                org = stack.enter_context(DemoOrg(contacts=1, accounts=accounts, page_size=2))
                for number in range(form.healthy if kind == "ok" else form.of_each_kind):
                    await opened.connections.connect(f"{kind}-{number:03}", credentials_for(org))
                if kind != "ok":
                    org.add_fault(KINDS[kind], match="/query|/describe|/updated", times=None)
        up = up_in(tmp_path, stack)
        try:
            yield Fleet(tmp_path, form, up)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=60)


async def test_healthy_connections_keep_their_rhythm_and_what_is_wrong_with_the_others_is_reported(
    fleet: Fleet,
) -> None:
    form, others = fleet.form, list[Status]()
    end = time.monotonic() + form.seconds
    while time.monotonic() < end or not all(each.failures or each.waits_for for each in others) or not others:
        await anyio.sleep(0.5)  # not to take the processor from what is measured
        others = await fleet.others()
    while len(starts := fleet.starts()) < form.healthy or min(map(len, starts.values())) < form.turns:
        assert fleet.up.poll() is None
    assert len(others) == form.of_each_kind * len(KINDS)
    for each in others:
        assert len((each.waits_for or each.error).split(". ")) > 1, "a cause and a remedy"
        assert each.needs_attention
    assert fleet.peak() < MOST_MEMORY
    if form is LONG:
        assert fleet.longest_gap() < FACTOR * timedelta(seconds=form.every)
