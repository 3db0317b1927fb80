"""What was run, and how it ended."""

import pytest

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
    never = orgsync("runs", "-c", "acme", "--sync", "leads")
    assert (never.code, never.err) == (
        0,
        "There is no run of the sync leads on acme. orgsync runs lists all of them.\n",
    )


@pytest.mark.parametrize(
    ("option", "name", "says"),
    [
        ("-c", "acmee", "There is no connection 'acmee'; did you mean 'acme'?"),
        ("--sync", "contcts", "There is no sync 'contcts'; did you mean 'contacts'?"),
        ("--action", "tidy", "There is no action 'tidy'"),
    ],
)
def test_runs_of_a_name_that_there_is_not_are_not_listed_as_none(
    orgsync: Command, acme: DemoOrg, option: str, name: str, says: str
) -> None:
    answer = orgsync("runs", option, name)
    assert (answer.code, answer.out) == (2, "")
    assert answer.problem()[0].startswith(says)
    [problem] = orgsync("runs", option, name, "--json").objects()
    assert problem["error"]["code"] == "name_unknown"


def test_one_run_is_shown_with_its_error(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_field("Contact", "Email")
    orgsync("run", "contacts")
    out = orgsync("runs", "1").out
    assert "failed" in out
    assert "Contact has no field Email" in out
    assert orgsync("runs", "1", "--json").objects()[0]["error"]
    assert orgsync("runs", "7").code == 2


def test_a_narrow_terminal_has_whole_numbers_or_none(
    orgsync: Command, acme: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1_100):
        acme.insert("Contact", LastName=f"Lovelace {number}")
    assert orgsync("run", "contacts").code == 0
    monkeypatch.setenv("COLUMNS", "56")
    shown = orgsync("runs")
    assert "…" not in shown.out
    left_out = shown.err.partition("too wide: ")[2].partition(";")[0].split(", ")
    assert {"took", "calls", "deleted"} <= set(left_out)
    assert "added" in left_out or "1,125" in shown.out
