"""SIGINT and SIGTERM in the middle of a run.

A signal while the command is imported comes to a new Python: there is nothing to import in a fork.
"""

import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from orgsync.demo_org import DemoOrg, Fault
from orgsync_cli.interruptions import Stopping
from orgsync_cli.signals import Interruption
from tests.warm_process import opened

from .commandline import Command, finished, objects, plain_environment, started

SLEEPER = """\
import time
from pathlib import Path

from orgsync import Batches, Context, Record, sync


class Account(Record, table=True):
    name: str


@sync
async def sleeper(ctx: Context) -> Batches[Account]:
    Path("sleeping").touch()
    while True:
        time.sleep(0.1)  # a script that never gives the event loop its turn
    yield
"""


DIED = (
    "The run's end was not noted: its process ended before, or could not write to the database. "
    "What it had committed is kept, and the next run resumes there."
)


def until_a_page_was_read(org: DemoOrg, process: "subprocess.Popen[str]") -> None:
    """Wait until the run has committed a batch and asks for the next."""
    deadline = time.monotonic() + 120
    while sum("query" in request.path.lower() for request in org.requests) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_run_with_its_committed_rows_kept(
    number: signal.Signals, code: int, folder: Path, orgsync: Command, acme: DemoOrg
) -> None:
    acme.page_size = 5
    acme.add_fault(Fault.delay(0.4), match="query", times=None)
    process = started(folder, "run", "contacts", "-c", "acme", "--json")
    with process:
        until_a_page_was_read(acme, process)
        time.sleep(0.1)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    assert "the next run resumes there" in err
    stopped = objects(out)[0]
    assert stopped["status"] == "stopped"
    kept = len(orgsync("records", "contact", "--format", "json").objects())
    assert 0 < kept == stopped["added"] < 25
    acme.clear_faults()
    rest = orgsync("run", "contacts", "--json").objects()[0]
    assert rest["added"] == 25 - kept
    assert len(orgsync("records", "contact", "--format", "json").objects()) == 25


def until_a_run_has_begun(folder: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as database:
        while not database.execute("SELECT count(*) FROM orgsync_run").fetchone()[0]:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_run_that_is_interrupted_before_it_commits_says_so(folder: Path, acme: DemoOrg) -> None:
    acme.add_fault(Fault.delay(10), match="query", times=None)
    process = started(folder, "run", "contacts", "accounts", "-c", "acme")
    with process:
        until_a_run_has_begun(folder, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Interrupted; nothing was committed, and the next run begins where this one did.\n" in err, err
    assert err.endswith("\n1 more run was not begun.\n"), err
    shown = finished(folder, "status").err
    assert "The last run of contacts on acme was interrupted; the next one resumes where it stopped.\n" in shown
    acme.clear_faults()
    assert "25 added" in finished(folder, "run", "contacts", "-c", "acme").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_full_run_that_ends_before_it_commits_is_done_by_the_next_which_is_said(
    number: signal.Signals, folder: Path, orgsync: Command, acme: DemoOrg
) -> None:
    finished(folder, "run", "contacts")
    acme.add_fault(Fault.delay(10), match="query", times=None)
    process = started(folder, "run", "contacts", "--full")
    with process:
        acme_waits(acme)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
    if number is signal.SIGINT:
        assert err.endswith(
            "\nInterrupted; nothing was committed, and the next run reads everything, as this one was to.\n"
        )
    shown = orgsync("status").err
    assert "The next run of contacts on acme reads everything, as an earlier one was to.\n" in shown
    if number is signal.SIGKILL:
        assert f"contacts on acme has failed: {DIED}\n" in shown
        assert DIED in " ".join(orgsync("runs", "2").out.split())
    assert orgsync("status", "--json").objects()[0]["owed"] == "full"
    acme.clear_faults()
    assert orgsync("run", "contacts", "--json").objects()[0]["unchanged"] == 25
    assert "The next run" not in orgsync("status").err
    assert orgsync("status", "--json").objects()[0]["owed"] is None


def test_a_full_run_that_fails_before_it_commits_says_what_the_next_does(
    folder: Path, orgsync: Command, acme: DemoOrg
) -> None:
    orgsync("run", "contacts")
    acme.add_fault(Fault.json_error(400, "MALFORMED_QUERY", "no"), match="query", times=None)
    for how, then in (("--reconcile", "compares the copy's Ids with the org's"), ("--full", "reads everything")):
        ended = orgsync("run", "contacts", how)
        assert ended.code == 1
        assert ended.err.endswith(f"\nNothing was committed, and the next run {then}, as this one was to.\n"), ended.err
        assert f"The next run of contacts on acme {then}, as an earlier one was to.\n" in orgsync("status").err
    assert "Nothing was committed" not in orgsync("run", "contacts").err


def acme_waits(org: DemoOrg) -> None:
    """Wait until the org has been asked for something that it delays: a run has begun."""
    asked, deadline = len(org.requests), time.monotonic() + 120
    while len(org.requests) == asked:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)


def test_a_second_signal_ends_at_once_even_a_script_that_listens_to_nothing(
    folder: Path, orgsync: Command, acme: DemoOrg
) -> None:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "sleeper.py").write_text(SLEEPER)
    process = started(folder, "run", "sleeper")
    with process:
        deadline = time.monotonic() + 120
        while not (folder / "sleeping").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert err == f"{STOPPED_RUN}\n"
    [shown] = orgsync("runs", "--json").objects()
    assert (shown["status"], shown["error_code"]) == ("failed", "process_died")
    assert finished(folder, "run", "contacts").code == 0  # no lock is left behind


WHILE_IMPORTED = """
import _signal, os, sys  # as little as is there when Python has started

class Interrupting:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == os.environ["WHEN"]:
            os.kill(os.getpid(), _signal.SIGINT)

if os.environ.get("IGNORED"):
    _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
sys.meta_path.insert(0, Interrupting)
"""
"""What sends the process Ctrl-C when it begins to import a module."""


WHILE_CALLED = """
import os, signal, sys

def interrupting(frame, event, arg):
    if event == "call" and os.environ["WHEN"] in (frame.f_code.co_name, frame.f_code.co_qualname):
        sys.setprofile(None)
        for _ in range(int(os.environ.get("TIMES", "1"))):
            os.kill(os.getpid(), signal.SIGINT)

sys.setprofile(interrupting)
"""
"""What sends the process Ctrl-C when it first calls a function."""


WHILE_OPENED = """\
import os
import signal
import sqlite3
import time

opening = sqlite3.connect
left = int(os.environ["WHEN"])

def interrupting(*arguments, **options):
    global left
    left -= 1
    if left == 0:
        for pause in map(float, os.environ.get("PAUSES", "0.7").split()):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(pause)  # the event loop takes notice first, where this is another thread
    return opening(*arguments, **options)

sqlite3.connect = interrupting
if os.environ.get("IGNORED"):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
"""
"""What sends the process Ctrl-C when it begins to open a connection of SQLite."""


def interrupted_at(
    place: str, hook: Path, *arguments: str, by: str = WHILE_IMPORTED, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the entry point that the package declares, and interrupt it there; while it is imported, in a new Python."""
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    module_of_it, _, function = declared["project"]["scripts"]["orgsync"].partition(":")
    code = f"import sys; from {module_of_it} import {function}; sys.exit({function}())"
    env = {**plain_environment(), "WHEN": place, **variables}
    call = [sys.executable, "-c", code, *(arguments or ["--version"])]
    if by is WHILE_IMPORTED:
        (hook / "sitecustomize.py").write_text(by, encoding="utf-8")
        env["PYTHONPATH"] = str(hook)
        return subprocess.run(call, cwd=hook, env=env, capture_output=True, text=True, timeout=120)
    script = hook / "interrupted.py"
    script.write_text(f"{by}\n{code}\n", encoding="utf-8")
    call[1:3] = [str(script)]
    with opened(call, cwd=hook, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        out, err = process.communicate(timeout=120)
    return subprocess.CompletedProcess(call, process.returncode, out, err)


@pytest.mark.parametrize("module", ["enum", "orgsync_cli.main", "typer", "orgsync.errors", "orgsync_cli.write"])
def test_ctrl_c_while_the_command_is_imported_ends_it_without_a_traceback(module: str, tmp_path: Path) -> None:
    ended = interrupted_at(module, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Interrupted; nothing was done.\n")


def test_ctrl_c_before_a_command_is_begun_ends_it_without_a_traceback(tmp_path: Path) -> None:
    ended = interrupted_at("get_command", tmp_path, by=WHILE_CALLED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Interrupted.\n")


def test_ctrl_c_while_the_call_is_parsed_says_that_nothing_was_done(tmp_path: Path) -> None:
    ended = interrupted_at("make_parser", tmp_path, by=WHILE_CALLED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Interrupted; nothing was done.\n")


def test_ctrl_c_is_ignored_from_the_start_where_the_shell_has_it_ignored(tmp_path: Path) -> None:
    ended = interrupted_at("typer", tmp_path, IGNORED="1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("orgsync ")


@pytest.mark.parametrize("opening", ["1", "2", "3"])
def test_ctrl_c_while_a_database_is_opened_ends_a_command_without_a_traceback(
    opening: str, folder: Path, orgsync: Command
) -> None:
    ended = interrupted_at(opening, folder, *TOKEN, by=WHILE_OPENED)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "Interrupted; only what was committed by then is kept.\n"
    assert "There is no token" in orgsync("tokens", "list").err


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("tokens list", "Interrupted; nothing was changed.\n"),
        ("webhooks list", "Interrupted; nothing was changed.\n"),
        ("webhooks deliveries", "Interrupted; nothing was changed.\n"),
        ("api GET limits", "Interrupted.\n"),
        ("api POST x", "Interrupted; what was sent may have been carried out.\n"),
    ],
)
@pytest.mark.usefixtures("acme")
def test_ctrl_c_in_a_command_that_commits_nothing_does_not_speak_of_it(call: str, said: str, folder: Path) -> None:
    ended = interrupted_at("open_project", folder, *call.split(), by=WHILE_CALLED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", said)


@pytest.mark.usefixtures("acme")
def test_ctrl_c_after_the_last_row_of_a_write_shows_what_was_written(folder: Path) -> None:
    (folder / "leads.csv").write_text("LastName,Company\nLovelace,Engines\n")
    call = ("write", "leads.csv", "--object", "Lead", "--operation", "insert")
    ended = interrupted_at("write_outcomes", folder, *call, by=WHILE_CALLED)
    assert (ended.returncode, ended.stderr) == (130, "")
    assert ended.stdout == "leads.csv to Lead on acme: 1 row written (1 new)\n"


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("call", ["run contacts", "run --job job.json", "do limits"])
def test_ctrl_c_before_a_run_begins_says_that_nothing_was_run(call: str, folder: Path, orgsync: Command) -> None:
    (folder / "job.json").write_text('{"kind": "sync", "name": "contacts", "connection": "acme"}')
    ended = interrupted_at("1", folder, *call.split(), by=WHILE_OPENED)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Interrupted before anything was run.\n")
    assert not orgsync("runs", "--json").objects()


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("orgsync.settings", "Interrupted; nothing was done.\n"),
        ("orgsync.engine", "Interrupted before anything was run.\n"),
    ],
)
def test_ctrl_c_while_a_run_is_imported_does_not_speak_of_what_was_committed(
    module: str, said: str, folder: Path
) -> None:
    ended = interrupted_at(module, folder, "run", "contacts")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", said)


@pytest.mark.usefixtures("acme")
def test_ctrl_c_when_a_run_is_about_to_begin_says_that_it_did_not(folder: Path, orgsync: Command) -> None:
    ended = interrupted_at("OneRun.execute", folder, "run", "contacts", "accounts", by=WHILE_CALLED)
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr.endswith("\nInterrupted before contacts on acme began.\n1 more run was not begun.\n")
    assert not orgsync("runs", "--json").objects()


SHOWN_AS = "A run that had begun is shown as failed, as its end is not recorded."
STOPPED_RUN = f"Stopped at once; what was committed is kept, and the next run resumes there. {SHOWN_AS}"
LOOK = "what was sent may have been carried out: look in the org before it is repeated."
WRITTEN = "write rows.csv --object Contact --operation insert"
STOPPED = {
    "do limits": f"Stopped at once; {LOOK} {SHOWN_AS}\n",
    "run contacts accounts": f"{STOPPED_RUN} 1 more run was not begun.\n",
    "run contacts --dry-run": "Stopped at once; nothing was written.\n",
    WRITTEN: "Stopped at once; nothing was sent now; the same command writes the file, or resumes it.\n",
}


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("call", STOPPED)
def test_a_second_ctrl_c_says_what_it_leaves_behind(call: str, folder: Path) -> None:
    (folder / "rows.csv").write_text("LastName\nLee\n")
    place = "_Work._written" if call.startswith("write") else "Project.execute"
    place = "OneDryRun.execute" if "--dry-run" in call else place
    ended = interrupted_at(place, folder, *call.split(), by=WHILE_CALLED, TIMES="2")
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", STOPPED[call])


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("run contacts", "Interrupted while closing the project; no more was run.\n"),
        ("do limits", "Interrupted while closing the project; no more was run.\n"),
        (WRITTEN, "Interrupted while closing the project; no more was sent.\n"),
    ],
)
def test_ctrl_c_after_the_work_speaks_of_closing_the_project(call: str, said: str, folder: Path) -> None:
    (folder / "rows.csv").write_text("LastName\nLee\n")
    ended = interrupted_at("HttpxTransport.aclose", folder, *call.split(), by=WHILE_CALLED, TIMES="2")
    assert (ended.returncode, ended.stderr) == (130, said)
    assert ended.stdout  # the result


TWICE = """
import os, signal, sys

places = os.environ["WHEN"].split()

def interrupting(frame, event, arg):
    if event == "call" and places and frame.f_code.co_qualname == places[0]:
        places.pop(0)
        os.kill(os.getpid(), signal.SIGINT)

sys.setprofile(interrupting)
"""
"""What sends the process Ctrl-C when it first calls each of some functions, one after the other."""


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize("call", ["run contacts", "run --job job.json", "run contacts --dry-run"])
def test_a_second_ctrl_c_while_the_project_is_closed_says_whether_the_end_of_the_run_is_recorded(
    call: str, folder: Path, orgsync: Command
) -> None:
    (folder / "job.json").write_text('{"kind": "sync", "name": "contacts", "connection": "acme"}')
    dry = call.endswith("--dry-run")
    ended = interrupted_at("_Running.consume HttpxTransport.aclose", folder, *call.split(), by=TWICE)
    assert ended.returncode == 130
    recorded = "" if dry else "; the end of each run that had begun is recorded"
    assert ended.stderr.endswith(f"\nStopped at once, while the project was being closed{recorded}.\n")
    assert [each["status"] for each in orgsync("runs", "--json").objects()] == ([] if dry else ["stopped"])


TOKEN = ("tokens", "create", "app", "--scope", "read")


def test_a_second_ctrl_c_ends_a_command_that_is_still_cleaning_up(folder: Path) -> None:
    ended = interrupted_at(
        "2", folder, *TOKEN, by=WHILE_OPENED, PAUSES="0.5 " * 40
    )  # a busy machine may see two as one
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "Interrupted; only what was committed by then is kept.\n"


def test_a_command_goes_on_ignoring_ctrl_c_where_the_shell_has_it_ignored(folder: Path) -> None:
    ended = interrupted_at("2", folder, *TOKEN, by=WHILE_OPENED, IGNORED="1")
    assert (ended.returncode, ended.stderr.count("Interrupted")) == (0, 0)
    assert ended.stdout.startswith("orgsync_")


async def test_a_run_takes_up_no_signal_that_is_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption(anyio.CancelScope(), Stopping):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


async def test_a_signal_that_comes_with_the_end_of_what_it_would_stop_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with anyio.CancelScope() as scope, Interruption(scope, Stopping) as interruption:  # noqa: ASYNC100 - on purpose
        signal.raise_signal(signal.SIGINT)
    await anyio.sleep(0.01)
    assert (interruption.code, scope.cancel_called, capsys.readouterr().err) == (130, False, "")


def test_a_run_that_is_under_way_keeps_others_out(folder: Path, orgsync: Command, acme: DemoOrg) -> None:
    acme.add_fault(Fault.delay(1.5), match="query", times=1)
    with started(folder, "run", "contacts") as process:
        deadline = time.monotonic() + 120
        while not orgsync("runs", "--json").objects():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        refused = orgsync("run", "contacts", "--json")
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert refused.code == 1
    assert refused.objects()[0]["status"] == "not started"
    assert refused.problem()[0]


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Interrupted; nothing was sent now; the same command writes the file, or resumes it.\n"),
        (["--dry-run"], "Interrupted; nothing was sent.\n"),
    ],
)
def test_ctrl_c_while_a_write_is_imported_says_that_nothing_was_sent(
    options: list[str], said: str, folder: Path
) -> None:
    (folder / "rows.csv").write_text("LastName\nLee\n")
    call = ["write", "rows.csv", "--object", "Contact", "--operation", "insert", *options]
    ended = interrupted_at("orgsync.project.file_writes", folder, *call)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", said)
