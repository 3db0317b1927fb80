"""`orgsync up`: once, and as a process that is told to stop."""

import json
import queue
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync.store import Run, RunStatus
from orgsync_cli.run_lines import stopped_line

from .commandline import Command, started

ACCOUNTS = "from orgsync_syncs.accounts import accounts\n"
STUBBORN = """\
import time
from pathlib import Path

from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="15m")
async def stubborn(ctx: Context) -> Batches[Account]:
    print("here", flush=True)
    Path("stubborn").touch()
    while True:
        time.sleep(0.1)
    yield
"""
MINE = """\
from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync(every="1h")
def mine(ctx: Context) -> Batches[Account]:
    return ctx.changes(Account)
"""


@pytest.fixture
def scripts(folder: Path) -> Path:
    (folder / "syncs").mkdir()
    return folder / "syncs"


class Up:
    """`orgsync up --json` as a process, and what it has said so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = started(folder, "up", "--json", *arguments)
        self.err = ""
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self._lines.put(line)

    def said(self, event: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        """Wait until it says something."""
        while True:
            line = self._lines.get(timeout=120)
            reported: dict[str, Any] = json.loads(line) if line.strip() else {}
            if reported.get("event") == event and wanted(reported):
                return reported

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=120)
        self.err = self.process.stderr.read() if self.process.stderr else ""
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return code


def test_once_runs_what_is_due_and_nothing_the_second_time(orgsync: Command, acme: DemoOrg, scripts: Path) -> None:
    (scripts / "own.py").write_text(ACCOUNTS)
    first = orgsync("up", "--once")
    assert first.code == 0
    assert "accounts on acme: 5 added (" in first.err
    assert first.out == ""
    second = orgsync("up", "--once")
    assert "accounts on acme" not in second.err
    assert "nothing is due (next_due=2" in second.err
    assert "nothing is due" not in first.err
    [reported] = [each for each in orgsync("up", "--once", "--json").objects() if each["event"] == "nothing is due"]
    [standing] = orgsync("status", "--json").objects()
    assert reported["next_due"] == standing["due"]
    shown = orgsync("up", "--once", "--sync", "contacts", "--json").objects()
    [reported] = [each for each in shown if each["event"] == "run ended"]
    assert (reported["sync"], reported["connection"], reported["status"], reported["added"]) == (
        "contacts",
        "acme",
        "done",
        25,
    )


def test_an_org_that_is_down_is_one_line_of_retrying_and_one_of_failing(
    orgsync: Command, acme: DemoOrg, scripts: Path
) -> None:
    (scripts / "own.py").write_text(ACCOUNTS)
    acme.stop()
    down = orgsync("up", "--once")
    acme.start()
    [retrying, failed] = [line[21:] for line in down.err.splitlines() if acme.url.removeprefix("http://") in line]
    assert retrying.startswith("warning: accounts on acme: retrying: ")
    assert failed.startswith("warning: accounts on acme: failed (")


def test_once_ends_with_the_worst_exit_code(orgsync: Command, acme: DemoOrg, scripts: Path) -> None:
    (scripts / "own.py").write_text(ACCOUNTS)
    (scripts / "broken.py").write_text("def f(:\n")
    broken = orgsync("up", "--once")
    assert broken.code == 2
    assert "broken.py, line 1" in broken.err
    assert "accounts on acme: 5 added" in broken.err
    acme.api_used = acme.api_limit
    (scripts / "broken.py").unlink()
    limited = orgsync("up", "--once", "--sync", "contacts")
    assert limited.code == 4
    assert "org paused" in limited.err


def test_without_connections_or_syncs_it_says_what_to_do(orgsync: Command, scripts: Path) -> None:
    assert "nothing is ever due" in orgsync("up", "--once").problem()[0]
    (scripts / "own.py").write_text(ACCOUNTS)
    refused = orgsync("up", "--once")
    assert refused.code == 2
    assert "no connection yet" in refused.problem()[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_stops_the_runs_and_the_next_one_continues(
    number: signal.Signals, code: int, orgsync: Command, acme: DemoOrg, scripts: Path, folder: Path
) -> None:
    (scripts / "own.py").write_text(ACCOUNTS)
    acme.page_size = 10
    acme.add_fault(Fault.delay(30), match="query")
    up = Up(folder, "--sync", "contacts")
    up.said("scheduler started")
    while not any("contacts" in each["sync"] for each in orgsync("runs", "--json").objects()):
        pass
    assert up.stop(number) == code
    assert up.err.endswith(
        "Stopping at the next batch boundary; once more to stop at once.\n"
        "Stopped; 1 run was stopped; no row was changed, and the next run resumes where this one was.\n"
    )
    latest = orgsync("runs", "--json").objects()[0]
    assert (latest["sync"], latest["status"]) == ("contacts", "stopped")
    acme.clear_faults()
    assert "contacts on acme: 25 added" in orgsync("up", "--once", "--sync", "contacts").err


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({"stopped": [3]}, "Stopped; 1 run was stopped; 3 changes kept, and the next run resumes there."),
        ({"stopped": [3, 0]}, "Stopped; 2 runs were stopped; 3 changes kept, and the next runs resume there."),
        (
            {"stopped": [0, 0]},
            "Stopped; 2 runs were stopped; no row was changed, and the next runs resume where these were.",
        ),
        (
            {"done": [9], "failed": [9], "stopped": [1]},
            "Stopped; 2 runs were finished and 1 run was stopped; 1 change kept, and the next run resumes there.",
        ),
        ({"done": [9]}, "Stopped; 1 run was finished."),
    ],
)
def test_how_runs_ended_that_a_signal_has_stopped_is_said_in_one_line(
    runs: dict[RunStatus, list[int]], said: str
) -> None:
    ended = [
        Run(sync="contacts", connection="acme", status=status, added=added)
        for status, numbers in runs.items()
        for added in numbers
    ]
    assert stopped_line(ended) == said


def test_a_script_that_listens_to_nothing_is_left_after_some_seconds(
    acme: DemoOrg, scripts: Path, folder: Path
) -> None:
    (scripts / "stubborn.py").write_text(STUBBORN)
    with started(folder, "up") as process:
        assert process.stderr  # where scripts print
        while process.stderr.readline() != "here\n":
            pass
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 143
    assert "Stopped, as it took longer than 8 seconds; what was committed is kept" in err


def test_ctrl_c_where_nothing_runs_does_not_speak_of_batches(acme: DemoOrg, scripts: Path, folder: Path) -> None:
    (scripts / "mine.py").write_text(MINE)
    with started(folder, "up") as process:
        assert process.stderr
        while "mine on acme: 5 added" not in process.stderr.readline():
            assert process.poll() is None
        time.sleep(0.5)  # until it is settled
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err.endswith("Stopping; no run is under way. Once more to stop at once.\n")


def test_a_script_that_changes_is_read_again_and_a_broken_one_keeps_running(
    acme: DemoOrg, scripts: Path, folder: Path
) -> None:
    (scripts / "mine.py").write_text(MINE)
    up = Up(folder)
    assert up.said("run ended")["sync"] == "mine"
    (scripts / "mine.py").write_text("1 / 0\n")
    assert "mine.py, line 1" in up.said("script does not load")["error"]
    (scripts / "mine.py").write_text(MINE.replace("def mine", "def other"))
    assert up.said("run ended")["sync"] == "other"
    assert up.stop(signal.SIGTERM) == 0


def test_a_connection_made_in_another_terminal_is_noticed(
    orgsync: Command, acme: DemoOrg, scripts: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scripts / "own.py").write_text(ACCOUNTS)
    up = Up(folder)
    up.said("run ended", lambda reported: reported["connection"] == "acme")
    monkeypatch.setenv("ORGSYNC_CLIENT_ID", acme.client_id)
    monkeypatch.setenv("ORGSYNC_CLIENT_SECRET", acme.client_secret)
    monkeypatch.setenv("ORGSYNC_REFRESH_TOKEN", acme.refresh_token)
    assert orgsync("connect", "globex", "--flow", "refresh-token", "--login-url", acme.url).code == 0
    up.said("run ended", lambda reported: reported["connection"] == "globex")
    assert up.stop(signal.SIGTERM) == 0
