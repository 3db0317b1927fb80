"""`orgsync records --changes --follow`: each change as it comes."""

import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command, objects, started


@pytest.fixture
def copied(orgsync: Command, acme: DemoOrg) -> DemoOrg:
    assert orgsync("run", "contacts").code == 0
    return acme


@contextmanager
def following(folder: Path, *options: str) -> "Generator[subprocess.Popen[str]]":
    with started(folder, "records", "contact", "--changes", "--follow", *options) as process:
        try:
            yield process
        finally:
            process.kill()


def next_line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_each_change_comes_when_it_is_committed_until_ctrl_c(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    with following(folder, "--after", "24") as process:
        assert objects(next_line(process))[0]["sync_seq"] == 25
        for name in ("Hopper", "Lovelace"):
            copied.insert("Contact", LastName=name)
            orgsync("run", "contacts")
            [change] = objects(next_line(process))
            assert (change["sync_change"], change["last_name"]) == ("added", name)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


def test_csv_has_one_heading_and_the_chosen_columns(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    options = (
        "--format",
        "csv",
        "--after",
        "25",
        "--columns",
        "sync_change,last_name",
        "--where",
        "last_name IS NOT 'No'",
    )
    with following(folder, *options, "--limit", "2") as process:
        assert next_line(process) == "sync_change,last_name\n"  # at once
        copied.insert("Contact", LastName="No")
        copied.insert("Contact", LastName="Hopper")
        orgsync("run", "contacts")
        assert next_line(process) == "added,Hopper\n"
        orgsync("reset", "contacts", "--yes")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "cleared,\n", "")


def test_a_reader_that_leaves_ends_it_quietly_while_nothing_happens(copied: DemoOrg, folder: Path) -> None:
    with following(folder, "--after", "24") as process:
        next_line(process)
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141


def test_a_wrong_condition_is_reported_before_there_is_a_change(orgsync: Command, copied: DemoOrg) -> None:
    refused = orgsync("records", "contact", "--changes", "--follow", "--after", "25", "--where", "emial = 1")
    assert refused.code == 2
    assert "Did you mean email?" in refused.problem()[1]


def test_a_database_that_is_replaced_ends_it(copied: DemoOrg, folder: Path) -> None:
    with following(folder, "--after", "24") as process:
        next_line(process)
        (folder / ".orgsync" / "orgsync.db").rename(folder / "away.db")
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert "was deleted while orgsync was working with it" in err
