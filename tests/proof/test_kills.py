"""A process killed at any statement, or at any moment, leaves a copy that the next run makes equal to the org."""

import random
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg
from tests.cli.commandline import finished, started, variables_for
from tests.raw_database import execute, require_whole
from tests.warm_process import opened_module

from .copies import ACCOUNTS, CONTACTS, PREFERENCES, Copied
from .history import History, history_of
from .proofs import TIMES
from .test_breaking_off import work

_STRIDE = max(1, 3 // TIMES)
"""In CI a process dies before every third statement, with PROOF_TIMES=3 or more before each."""


@pytest.mark.timeout(600)
@pytest.mark.parametrize("copied", [CONTACTS, ACCOUNTS, PREFERENCES], ids=["rest", "bulk", "snapshot"])
async def test_a_process_may_be_killed_before_any_statement(copied: Copied) -> None:
    places: list[str] = []
    async with history_of(contacts=8, page_size=3) as history:
        await history.settle(copied)
        with dying(history) as process:
            while "ended" not in places:
                await work(history)
                places.append(answer(process, copied, 1 + len(places) * _STRIDE, history.org.now))
                require_whole(history.project.opened.settings.project)
                await require_no_change_twice(history, copied)
    assert "inside" in places
    assert "outside" in places


@contextmanager
def dying(history: History) -> Generator["subprocess.Popen[str]"]:
    """Start the process whose children die."""
    folder = history.project.opened.settings.project
    pipe = subprocess.PIPE
    with opened_module("tests.proof.dying_process", str(folder), stdin=pipe, stdout=pipe, text=True) as process:
        yield process
        process.communicate(timeout=120)


def answer(process: "subprocess.Popen[str]", copied: Copied, statement: int, now: datetime) -> str:
    """Let a child of the process run a sync, and hear how it ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(copied.table, statement, now.isoformat(), file=process.stdin, flush=True)
    said = ""
    while (line := process.stdout.readline().strip()) != "over":
        assert line, process.returncode
        said = line
    assert said, "it died of something else, as its stderr shows"
    return said


async def require_no_change_twice(history: History, copied: Copied) -> None:
    """Follow the feed, run, and follow again: what was told before the kill is not told again."""
    consumer, store = history.consumers[copied.table], history.project.opened.store
    before = await consumer.follow(store)
    seen, rows = consumer.seen, dict(consumer.rows)
    await history.settle(copied)
    after = [row["id"] async for row in store.rows.read(copied.table, changes=True, after=seen)]
    again = [key for key in after if key in rows and rows[key] == consumer.rows.get(key)]
    assert not again
    assert len(before) == len(set(before))
    assert len(after) == len(set(after))
    assert not {key for key in before if key in rows} & set(after)


@pytest.mark.timeout(300 * TIMES)
async def test_runs_of_the_command_may_be_killed_at_random_moments(tmp_path: Path, org: DemoOrg) -> None:
    dice = random.Random(1)
    org.page_size = 4
    (tmp_path / "orgsync.toml").touch()
    connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(tmp_path, *connected, env=variables_for(org)).code == 0
    killed = 0
    for turn in range(15 * TIMES):
        for row in dice.sample(org.rows("Contact"), k=12):
            org.update("Contact", str(row["Id"]), LastName=f"Set {turn}")
        org.hard_delete("Contact", str(dice.choice(org.rows("Contact"))["Id"]))
        org.insert("Contact", LastName=f"New {turn}")
        killed += killed_after(org, tmp_path, dice.randrange(1, 16))
    assert killed > 5
    org.advance(minutes=2)
    last = finished(tmp_path, "run", "contacts", "--reconcile")
    assert last.code == 0, last
    require_whole(tmp_path)
    live = dict(execute(tmp_path, "SELECT id, last_name FROM contact WHERE NOT is_deleted"))
    assert live == {row["Id"]: row["LastName"] for row in org.rows("Contact")}


def killed_after(org: DemoOrg, folder: Path, requests: int) -> bool:
    """Run the command and kill it when the org has answered so many requests; tell whether it had not ended before."""
    org.clear_requests()
    with started(folder, "run", "contacts") as process:
        while process.poll() is None and len(org.requests) < requests:
            time.sleep(0.001)
        process.kill()
        process.communicate(timeout=120)
    return process.returncode == -9
