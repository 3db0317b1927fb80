"""Writes are whole and nothing is written twice, whatever fails and whoever is killed."""

import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.cli.commandline import finished, plain_environment, variables_for
from tests.warm_process import opened_module

from .proofs import TIMES

ROOT = Path(__file__).parents[2]
_PATHS = (
    *("/describe$", "jobs/ingest$", "/batches$", r"jobs/ingest/\w+$", "/successfulResults", "/failedResults"),
    *("/unprocessedrecords", "composite/sobjects", "composite/sobjects"),
)
_FAULTS = (
    Fault.reset(),
    Fault.reset(processed=True),
    Fault.truncate(),
    Fault.status(502, "<html>bad gateway"),
    Fault.maintenance(),
    Fault.status(420),
    Fault.concurrent_limit(),
    Fault.json_error(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"),
    Fault.json_error(401, "INVALID_SESSION_ID", "Session expired or invalid"),
)
_BY_JOB, _BY_CALLS = 2_100, 900
INSERT = ("--object", "Contact", "--operation", "insert", "--json")
UPSERT = ("--object", "Contact", "--operation", "upsert", "--external-id", "Key__c", "--json")


def rows() -> list[dict[str, object]]:
    """Make rows that go by a job, and rows that go by collections; every tenth is refused."""
    made: list[dict[str, object]] = []
    for name, number in (("Title", _BY_JOB * TIMES), ("FirstName", _BY_CALLS)):
        for each in range(number):
            last = None if each % 10 == 9 else f"{name} {each}"
            made.append({"Key__c": f"{name}-{each}", "LastName": last, name: "x"})
    random.Random(7).shuffle(made)
    return made


def writing(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the command as a process of its own."""
    return opened_module(
        "tests.proof.writing_process",
        *arguments,
        cwd=folder,
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def break_calls(org: DemoOrg, dice: random.Random) -> None:
    """Let a call to some of the resources go wrong, each in its way."""
    org.clear_faults()
    for path in dice.sample(_PATHS, k=4):
        org.add_fault(dice.choice(_FAULTS), match=path)


def killed(org: DemoOrg, folder: Path, arguments: tuple[str, ...], after: int) -> bool:
    """Run the command, and kill it when it has sent so many requests; tell whether it had not ended before."""
    org.clear_requests()
    with writing(folder, *arguments) as process:
        while process.poll() is None and len(org.requests) < after:
            time.sleep(0.001)
        process.kill()
        process.communicate(timeout=120)
    return process.returncode == -9


def ended(folder: Path, arguments: tuple[str, ...]) -> dict[str, Any]:
    """Run the command to its end, as often as an error of the connection's ends it early."""
    for _ in range(20):
        with writing(folder, *arguments) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode in (0, 1), err
        view: dict[str, Any] = json.loads(out.splitlines()[-1])
        if view.get("error") is None:
            return view
    raise AssertionError("the write never ended")


@pytest.mark.timeout(300 * TIMES)
@pytest.mark.parametrize("arguments", [INSERT, UPSERT], ids=["insert", "upsert"])
def test_a_killed_write_resumes_and_writes_nothing_twice(
    tmp_path: Path, org: DemoOrg, arguments: tuple[str, ...]
) -> None:
    org.add_field("Contact", "Key__c", external_id=True, unique=False)
    before = len(org.rows("Contact"))
    (tmp_path / "orgsync.toml").touch()
    connected = ("connect", "acme", "--flow", "refresh-token", "--login-url", org.url)
    assert finished(tmp_path, *connected, env=variables_for(org)).code == 0
    given = rows()
    (tmp_path / "people.jsonl").write_text("".join(json.dumps(row) + "\n" for row in given))
    command = ("write", "people.jsonl", *arguments)
    dice, kills = random.Random(str(arguments)), 0
    for after in (4, 4, 6, 3, 3, 2, 2):
        break_calls(org, dice)
        kills += kills < 3 and killed(org, tmp_path, command, after)
    assert kills == 3
    break_calls(org, dice)
    view = ended(tmp_path, command)
    org.clear_faults()
    assert view["rows"] == len(given)
    assert view["written"] + view["refused"] + view["unprocessed"] + view["unknown"] == len(given)
    assert view["unprocessed"] == 0
    times = Counter(str(row["Key__c"]) for row in org.rows("Contact") if row["Key__c"])
    assert max(times.values()) == 1
    assert len(org.rows("Contact")) - before == len(times)
    valid = sum(row["LastName"] is not None for row in given)
    if arguments is UPSERT:
        assert (view["written"], view["unknown"]) == (valid, 0)
    assert view["written"] <= len(times) <= view["written"] + view["unknown"]
    assert ended(tmp_path, command)["written_before"] is not None
    assert len(org.rows("Contact")) - before == len(times)
