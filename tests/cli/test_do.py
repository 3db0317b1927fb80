"""`orgsync do` and `orgsync actions`: arguments typed, wrong ones named before anything is sent, results as JSON."""

import json
import subprocess
import sys
from ast import literal_eval
from pathlib import Path

import pytest

from orgsync.demo_org import DemoOrg, Fault
from tests.actions.scripts import CASES, write_script

from .commandline import Command, finished, started


def case_of(org: DemoOrg) -> str:
    return str(next(each["Id"] for each in org.rows("Case") if each["Status"] != "Closed"))


def test_an_action_of_the_project_is_run_with_typed_arguments_and_its_result_is_json(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    write_script(folder)
    case = case_of(acme)
    outcome = orgsync("do", "close_case", f"case_id={case}", "hours=1.5")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out) == {"id": case, "status": "Closed", "hours": 1.5}
    assert outcome.err == ""
    assert json.loads(orgsync("do", "count", "words=a", "words=b").out) == {"count": 2}
    assert json.loads(orgsync("do", "count", 'words:=["a"]').out) == {"count": 1}


def test_arguments_come_from_a_file_or_stdin_too(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    write_script(folder)
    case = case_of(acme)
    (folder / "arguments.json").write_text(json.dumps({"case_id": case}))
    assert orgsync("do", "close_case", "--input", "arguments.json", "hours:=2").code == 0
    outcome = orgsync("do", "close_case", "--input", "-", answers=json.dumps({"case_id": case}))
    assert json.loads(outcome.out)["status"] == "Closed"
    (folder / "words.json").write_text('["a", "b", "c"]')
    assert json.loads(orgsync("do", "count", "words:=@words.json").out) == {"count": 3}


@pytest.mark.parametrize(
    ("arguments", "cause", "remedy"),
    [
        (
            ("close_cas", "case_id=1"),
            "There is no action 'close_cas'; did you mean 'close_case'?",
            "List them: orgsync actions.",
        ),
        (("contacts",), "There is no action 'contacts'", "contacts is a sync: orgsync run contacts."),
        (("close_case", "caseid=1"), "takes no argument caseid", "Did you mean case_id?"),
        (("close_case",), "needs case_id.", "Give it: case_id=..."),
        (
            ("close_case", "case_id=1", "hours=many"),
            "hours: input should be a valid number",
            "orgsync actions close_case",
        ),
        (("close_case", "case_id=1", "case_id=2"), "case_id is given twice", "Give it once."),
        (
            ("close_case", "500000000000000"),
            "'500000000000000' is not an argument",
            "orgsync do close_case case_id=...",
        ),
        (("close_case", "case_id:=x"), "case_id is not JSON (line 1, column 1).", "Write case_id=TEXT for text"),
        (("close_case", "case_id:=@no.json"), "no.json cannot be read", "Check the path after the @."),
        (("close_case", "--input", "no.json"), "no.json cannot be read", "Check the path after --input."),
        (("create", "sobject=Lead", "record=x"), "record is a JSON object.", "Write record:='{...}'"),
        (("create_many", "sobject=Lead", "rows={}"), "rows is a list of JSON objects.", "Write rows:='[{...}]'"),
        (("limits", "x=1"), "takes no argument x.", "It takes none."),
    ],
)
def test_what_is_wrong_with_a_call_is_said_before_anything_is_sent(
    orgsync: Command, acme: DemoOrg, folder: Path, arguments: tuple[str, ...], cause: str, remedy: str
) -> None:
    write_script(folder)
    acme.clear_requests()
    outcome = orgsync("do", *arguments)
    assert outcome.code == 2
    assert cause in outcome.problem()[0]
    assert remedy in outcome.problem()[1]
    assert not acme.requests
    assert orgsync("runs").out == ""


@pytest.mark.parametrize("text", ["[1]", "{", "7"])
def test_an_input_that_is_no_json_object_is_refused(orgsync: Command, acme: DemoOrg, folder: Path, text: str) -> None:
    outcome = orgsync("do", "limits", "--input", "-", answers=text)
    assert outcome.code == 2
    assert "stdin is not" in outcome.problem()[0]


def test_an_argument_in_the_input_and_in_the_call_is_refused(orgsync: Command, acme: DemoOrg) -> None:
    outcome = orgsync("do", "get", "--input", "-", "id=1", answers='{"id": "2"}')
    assert "id is in --input and in the call" in outcome.problem()[0]


def test_an_action_that_is_run_as_a_sync_is_named_as_one(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    write_script(folder)
    assert "limits is an action: orgsync do limits." in orgsync("run", "limits").problem()[1]
    assert "close_case is an action: orgsync do close_case." in orgsync("run", "close_case").problem()[1]


def test_json_is_one_object_for_the_run_also_for_one_that_fails(orgsync: Command, acme: DemoOrg) -> None:
    [done] = orgsync("do", "recent_items", "--json").objects()
    assert (done["action"], done["status"], done["success"], done["result"]) == ("recent_items", "done", True, [])
    outcome = orgsync("do", "get", "sobject=Contact", "id=003000000000000AAA", "--json")
    assert outcome.code == 1
    [failed] = outcome.objects()
    assert (failed["status"], failed["success"], failed["error_code"]) == ("failed", False, "not_found")
    assert failed["run"] == done["run"] + 1


def test_a_part_that_is_refused_is_in_the_result_and_exits_with_1(orgsync: Command, acme: DemoOrg) -> None:
    rows = json.dumps([{"LastName": "Lovelace"}, {"FirstName": "Nobody"}])
    outcome = orgsync("do", "create_many", "sobject=Contact", f"rows:={rows}")
    assert outcome.code == 1
    assert [each["success"] for each in json.loads(outcome.out)["rows"]] == [True, False]
    assert "1 of 2 rows was not written" in outcome.problem()[0]


def test_runs_of_actions_are_listed_apart(orgsync: Command, acme: DemoOrg) -> None:
    assert orgsync("run", "contacts").code == 0
    assert orgsync("do", "limits").code == 0
    listed = orgsync("runs", "--json").objects()
    assert [(each["kind"], each["sync"], each["action"]) for each in listed] == [
        ("action", None, "limits"),
        ("sync", "contacts", None),
    ]
    assert "limits (action)" in orgsync("runs").out
    assert [each["action"] for each in orgsync("runs", "--action", "limits", "--json").objects()] == ["limits"]
    assert "There is no sync 'limits'." in orgsync("runs", "--sync", "limits").err
    shown = orgsync("runs", str(listed[0]["id"])).out
    assert "action      limits" in shown
    assert "added" not in shown
    assert "limits" not in orgsync("status").out
    both = orgsync("runs", "--sync", "contacts", "--action", "limits")
    assert (both.code, "not both" in both.problem()[0]) == (2, True)


def test_actions_lists_those_of_the_project_and_those_that_come_with_orgsync(orgsync: Command, folder: Path) -> None:
    write_script(folder)
    listed = {each["action"]: each for each in orgsync("actions", "--json").objects()}
    assert listed["close_case"]["summary"] == "Close a case, and say why."
    assert listed["close_case"]["parameters"][1] == {
        "name": "reason",
        "type": "str",
        "required": False,
        "default": "'Solved'",
    }
    assert listed["create"]["where"] == "orgsync_syncs.actions.records"
    shown = orgsync("actions").out
    assert "case_id, [reason], [hours]" in shown


def test_one_action_is_shown_with_the_json_schema_of_what_it_takes_and_returns(orgsync: Command, folder: Path) -> None:
    write_script(folder)
    [shown] = orgsync("actions", "close_case", "--json").objects()
    assert shown["arguments"]["required"] == ["case_id"]
    assert shown["result"]["properties"]["hours"]["type"] == "number"
    text = orgsync("actions", "close_case").out
    assert orgsync("actions", "create").out.startswith("create(sobject: str, record: dict[str, Any])\n")
    assert text.startswith("close_case(case_id: str, reason: str = 'Solved', hours: float = 0.0)\n")
    assert "There is no action" in orgsync("actions", "close_cas").problem()[0]


def test_a_script_that_does_not_load_is_listed_with_its_problem(orgsync: Command, folder: Path) -> None:
    write_script(folder, "import nothing_of_that_name\n", "broken.py")
    outcome = orgsync("actions")
    assert outcome.code == 0
    assert "does not load" in outcome.out
    assert "nothing_of_that_name" in outcome.err
    assert "nothing_of_that_name" in orgsync("do", "close_case").problem()[0]


def test_two_actions_of_one_name_are_refused(orgsync: Command, acme: DemoOrg, folder: Path) -> None:
    write_script(folder)
    write_script(folder, CASES, "again.py")
    assert "Two actions are called close_case" in orgsync("do", "close_case", "case_id=1").problem()[0]
    assert "Two actions are called close_case" in orgsync("actions").problem()[0]


def test_a_projects_action_takes_the_place_of_one_that_comes_with_orgsync(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    text = "from orgsync import Org, action\n\n\n@action\nasync def limits(org: Org) -> str:\n    return 'mine'\n"
    write_script(folder, text)
    assert json.loads(orgsync("do", "limits").out) == "mine"


def test_listing_actions_and_syncs_imports_no_script_in_the_usual_form(folder: Path) -> None:
    write_script(
        folder,
        "from typing import Any\n\nfrom orgsync import Org, action\n\n\n@action\n"
        "async def look(org: Org, name: str | None = None) -> dict[str, Any]:\n"
        '    """Look."""\n    return await org.get(name or "limits")\n',
    )
    code = (
        "import sys\nfrom orgsync.project.actions import listed_actions\nfrom orgsync.project.syncs import names_of\n"
        "from orgsync.settings import load_settings\nsettings = load_settings()\n"
        "print([each.name for each in listed_actions(settings) if not each.shipped], names_of(settings))\n"
        "print('sqlmodel' in sys.modules, 'orgsync_syncs.actions.records' in sys.modules)\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder)
    actions, _, rest = shown.stdout.partition("] ")
    syncs, imported, _ = rest.split("\n")
    assert (actions, imported) == ("['look'", "False False")
    assert {"accounts", "contacts", "tickets"} <= set(literal_eval(syncs))


def test_ctrl_c_stops_an_action_and_says_that_it_may_have_been_carried_out(
    orgsync: Command, acme: DemoOrg, folder: Path
) -> None:
    import signal
    import time

    acme.add_fault(Fault.hang(), match="/limits")
    process = started(folder, "do", "limits")
    deadline = time.monotonic() + 60
    while not any(each.path.endswith("/limits") for each in acme.requests) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "may have been carried out" in err
    [run] = finished(folder, "runs", "--json").objects()
    assert (run["status"], run["error_code"]) == ("stopped", "action_interrupted")
