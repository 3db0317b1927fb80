"""What was run, and how it ended."""

from orgsync.demo_org import DemoOrg

from .commandline import Command


def test_the_latest_runs_come_first(orgsync: Command, acme: DemoOrg) -> None:
    assert "Nothing was run yet." in orgsync("runs").err
    orgsync("run", "contacts", "accounts")
    listed = orgsync("runs", "--json").objects()
    assert [run["sync"] for run in listed] == ["accounts", "contacts"]
    assert [run["id"] for run in listed] == [2, 1]
    assert "contacts" in orgsync("runs").out
    assert [run["id"] for run in orgsync("runs", "--limit", "1", "--json").objects()] == [2]
    assert [run["id"] for run in orgsync("runs", "--sync", "contacts", "--json").objects()] == [1]
    assert orgsync("runs", "-c", "other").err == "There is no run on other. orgsync runs lists all of them.\n"
    unknown = orgsync("runs", "--action", "creat")
    assert unknown.err == "There is no run of the action creat. orgsync runs lists all of them.\n"


def test_one_run_is_shown_with_its_error(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_field("Contact", "Email")
    orgsync("run", "contacts")
    out = orgsync("runs", "1").out
    assert "failed" in out
    assert "Contact has no field Email" in out
    assert orgsync("runs", "1", "--json").objects()[0]["error"]
    assert orgsync("runs", "7").code == 2
