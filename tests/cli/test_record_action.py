"""`orgsync record` of an action, and `orgsync new action`: a cassette without personal data, and its test."""

import json
import subprocess
import sys
from pathlib import Path

from orgsync.demo_org import DemoOrg
from tests.actions.scripts import write_script

from .commandline import Command, plain_environment

PYTEST = '[tool.pytest.ini_options]\naddopts = ["-p", "orgsync.testing"]\nasyncio_mode = "auto"\npythonpath = ["."]\n'


def replayed(folder: Path, test: str) -> str:
    (folder / "pyproject.toml").write_text(PYTEST)
    environment = plain_environment()
    for name in [name for name in environment if name.startswith(("PYTEST_", "COV_"))]:
        del environment[name]
    command = [sys.executable, "-m", "pytest", "-q", test]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_an_action_is_recorded_without_personal_data_and_replayed_without_the_org(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    before = len(acme.rows("Lead"))
    record = {
        "LastName": "Lovelace",
        "Company": "Analytical",
        "Email": "ada@analytical.org",
        "Description": "Lovelace!",
    }
    outcome = orgsync("record", "create", "sobject=Lead", f"record:={json.dumps(record)}")
    assert outcome.code == 0, outcome.err
    assert len(acme.rows("Lead")) == before + 1  # what an action does, it does
    cassette = (folder / "cassettes" / "test_create" / "test_create.yaml").read_text()
    test = (folder / "tests" / "test_create.py").read_text()
    for text in (cassette, test):
        assert "Lovelace" not in text
        assert "ada@" not in text
    assert "result.created is True" in test
    assert orgsync("cassettes", "check").code == 0
    acme.stop()
    assert "1 passed" in replayed(folder, "tests/test_create.py")


def test_an_action_of_the_project_is_recorded_by_its_name(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    write_script(folder)
    case = str(acme.rows("Case")[0]["Id"])
    [written] = orgsync("record", "close_case", f"case_id={case}", "--json").objects()
    assert (written["action"], written["steps"], written["test_is"]) == ("close_case", 3, "written")
    test = (folder / "tests" / "test_close_case.py").read_text()
    assert "from syncs.cases import close_case" in test
    assert 'result.status == "Closed"' in test
    acme.stop()
    assert "1 passed" in replayed(folder, "tests/test_close_case.py")


def test_what_is_wrong_with_a_recording_of_an_action_is_said_before_anything_is_sent(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    acme.clear_requests()
    assert "takes no argument sobjekt" in orgsync("record", "create", "sobjekt=Lead").problem()[0]
    assert "needs record" in orgsync("record", "create", "sobject=Lead").problem()[0]
    assert "--runs and --max-rows are for syncs" in orgsync("record", "limits", "--runs", "2").problem()[0]
    assert "There is no action 'contacts'" in orgsync("record", "contacts", "x=1").problem()[0]
    assert not acme.requests
    assert not (folder / "cassettes").exists()


def test_an_action_that_fails_is_not_recorded(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    outcome = orgsync("record", "get", "sobject=Contact", "id=003000000000000AAA")
    assert outcome.code == 1
    assert not (folder / "cassettes").exists()


def test_a_new_action_runs_as_it_is_written(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    assert orgsync("new", "action", "reopen_case").out.startswith("wrote syncs/reopen_case.py\n")
    case = str(acme.rows("Case")[0]["Id"])
    done = json.loads(orgsync("do", "reopen_case", f"case_id={case}", "status=New").out)
    assert done == {"id": case, "status": "New"}
    again = orgsync("new", "action", "reopen_case")
    assert (again.code, "exists already" in again.problem()[0]) == (2, True)
    assert orgsync("new", "action", "reopen_case", "--force", "--json").objects() == [
        {"action": "reopen_case", "file": str(folder / "syncs" / "reopen_case.py")}
    ]
    assert "cannot be the name of a function" in orgsync("new", "action", "close-case").problem()[0]
