"""SIGINT and SIGTERM in the middle of a run."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault

from .commandline import Command, finished, objects, started

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
        process.communicate(timeout=120)
    assert process.returncode == 130
    assert finished(folder, "run", "contacts").code == 0  # no lock is left behind


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
