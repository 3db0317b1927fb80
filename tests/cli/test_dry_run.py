"""`orgsync run --dry-run` and `--limit`: what a run would change."""

import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from rich.cells import cell_len

from orgsync.demo_org import DemoOrg, Fault
from orgsync.project import DryRunChange
from orgsync_cli.dry_run import fields_line
from orgsync_cli.run_lines import wrapped_parts

from .commandline import Command, objects, started
from .test_signals import until_a_page_was_read

KEYS = [
    "kind", "sync", "action", "connection", "status", "added", "updated", "deleted", "unchanged",
    "api_calls", "seconds", "watermark", "error", "error_code", "plan", "dry_run", "at_limit", "changes",
]  # fmt: skip


@pytest.fixture
def changed(orgsync: Command, acme: DemoOrg) -> dict[str, str]:
    """A copy, and an org that has changed since: one contact updated, one deleted, one new; by kind."""
    assert orgsync("run", "contacts").code == 0
    updated, deleted, *_ = (str(row["Id"]) for row in acme.rows("Contact"))
    acme.update("Contact", updated, Email="b@example.com", Description="x" * 500)
    acme.delete("Contact", deleted)
    added = acme.insert("Contact", LastName="New", Email="new@example.com")
    return {"updated": updated, "deleted": deleted, "added": added}


def database(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / ".orgsync" / "orgsync.db")) as opened:
        return list(opened.iterdump())


def test_a_person_sees_each_change_and_one_line(
    orgsync: Command, folder: Path, changed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    before = database(folder)
    shown = orgsync("run", "contacts", "--dry-run")
    assert (shown.code, shown.err) == (0, "")
    heading, rule, *rows, _, line = shown.out.splitlines()
    assert heading.split() == ["change", "contact", "fields"]
    assert set(rule) == {"─"}
    assert {row.split()[0]: row.split()[1] for row in rows} == changed
    reported = next(row for row in rows if changed["updated"] in row)
    assert "email: " in reported
    assert " → b@example.com" in reported
    assert max(cell_len(row.rstrip()) for row in rows) <= 80
    assert line.startswith("contacts on acme: would add 1, update 1, delete 1 (")
    assert line.endswith("); nothing was written")
    assert database(folder) == before
    assert [run["status"] for run in orgsync("runs", "--json").objects()] == ["done"]


def test_a_program_gets_one_object_with_every_change(orgsync: Command, changed: dict[str, str]) -> None:
    [run] = orgsync("run", "contacts", "--dry-run", "--json").objects()
    assert list(run) == KEYS
    assert (run["status"], run["added"], run["dry_run"], run["at_limit"]) == ("done", 1, True, False)
    assert {each["change"]: each["id"] for each in run["changes"]} == changed
    assert {each["table"] for each in run["changes"]} == {"contact"}
    [added] = [each["fields"] for each in run["changes"] if each["change"] == "added"]
    assert added["email"] == [None, "new@example.com"]


def test_a_run_that_would_change_nothing_says_so(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    assert orgsync("run", "contacts", "--dry-run").out.startswith("contacts on acme: would change nothing (")
    assert "would leave 25 unchanged (" in orgsync("run", "contacts", "--dry-run", "--full").out
    assert orgsync("run", "contacts", "--dry-run", "--json").objects()[0]["changes"] == []


def test_a_table_shows_twenty_changes_and_says_that_there_are_more(orgsync: Command, acme: DemoOrg) -> None:
    shown = orgsync("run", "contacts", "accounts", "--dry-run")
    assert sum(line.startswith("added") for line in shown.out.splitlines()) == 25  # 20 contacts and 5 accounts
    assert shown.err == "There are more changes: --limit N shows N of them, --json all.\n"


def test_a_limit_stops_the_run_and_says_so(orgsync: Command, acme: DemoOrg) -> None:
    acme.page_size = 5
    shown = orgsync("run", "contacts", "--dry-run", "--limit", "3")
    assert shown.code == 0
    assert sum(line.startswith("added") for line in shown.out.splitlines()) == 3
    assert shown.err == "Stopped at 3 changes, as --limit says; a run would continue.\n"
    assert "would add 5 or more (" in shown.out
    [run] = orgsync("run", "contacts", "--dry-run", "--limit", "3", "--json").objects()
    assert (run["status"], run["at_limit"], len(run["changes"])) == ("stopped", True, 3)


def test_a_limit_without_a_dry_run_is_refused_with_a_remedy(orgsync: Command, acme: DemoOrg) -> None:
    acme.clear_requests()
    refused = orgsync("run", "contacts", "--limit", "3")
    assert (refused.code, refused.problem()[0]) == (2, "--limit is for a dry run.")
    assert "--dry-run" in refused.problem()[1]
    assert acme.requests == []


def test_a_run_that_would_fail_is_reported_with_its_exit_code(orgsync: Command, acme: DemoOrg) -> None:
    acme.hide_field("Contact", "Email")
    refused = orgsync("run", "contacts", "--dry-run")
    assert refused.code == 1
    assert refused.out.startswith("contacts on acme: would fail (")
    assert "Contact has no field Email" in refused.problem()[0]
    acme.show_everything()
    acme.api_used = acme.api_limit
    stopped = orgsync("run", "contacts", "--dry-run", "--json")
    assert (stopped.code, stopped.objects()[0]["status"]) == (4, "stopped")


def test_no_room_for_the_copy_is_reported(
    orgsync: Command, acme: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    refused = orgsync("run", "contacts", "--dry-run")
    assert refused.code == 2
    assert "No temporary folder" in refused.problem()[0]
    assert "TMPDIR" in refused.problem()[1]


def test_ctrl_c_ends_a_dry_run_and_leaves_nothing_behind(folder: Path, acme: DemoOrg) -> None:
    acme.page_size = 5
    acme.add_fault(Fault.delay(0.4), match="query", times=None)
    place = folder / "temporary"
    place.mkdir()
    before = database(folder)
    process = started(folder, "run", "contacts", "--dry-run", "--json", env={"TMPDIR": str(place)})
    with process:
        until_a_page_was_read(acme, process)
        assert len(list(place.iterdir())) == 1
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert objects(out) == []
    assert err.splitlines()[-1] == "Interrupted; nothing was written."
    assert list(place.iterdir()) == []
    assert database(folder) == before


@pytest.mark.parametrize(
    ("kind", "fields", "reported"),
    [
        ("updated", {"email": ("a@x", "b@x"), "title": (None, "CEO")}, "email: a@x → b@x, title: (empty) → CEO"),
        ("updated", {"account_id": ("1", "2"), "active": (True, False)}, "active: yes → no, account_id: 1 → 2"),
        ("updated", {}, "system_modstamp alone"),
        ("added", {"active": (None, False), "age": (None, 0)}, "active: no, age: 0"),
        ("deleted", {"active": (False, None), "labels": (["a"], None)}, 'active: no, labels: ["a"]'),
        ("added", {"text": (None, "one\n  two" + "x" * 50)}, "text: one twoxxxxxxxxxxxxxxxxxxxx…"),
    ],
)
def test_what_differs_is_reported_on_one_short_line(kind: object, fields: object, reported: str) -> None:
    change = DryRunChange("contact", "a", kind, fields)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    assert fields_line(change, 80) == reported


def test_a_row_of_many_fields_is_reported_as_far_as_a_terminal_shows() -> None:
    change = DryRunChange("contact", "a", "added", {f"field_{number}": (None, "x" * 20) for number in range(500)})
    assert 80 < cell_len(fields_line(change, 80)) < 200


def test_a_line_too_wide_for_a_terminal_is_broken_at_its_semicolon() -> None:
    line = "contacts on acme: would add 1, update 3 (4 API calls, 0.26 s); nothing was written"
    assert wrapped_parts(line, 100) == line
    assert wrapped_parts(line, 80).splitlines() == [
        "contacts on acme: would add 1, update 3 (4 API calls, 0.26 s);",
        "  nothing was written",
    ]
    assert max(len(each) for each in wrapped_parts(line, 40).splitlines()) <= 40
