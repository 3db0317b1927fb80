"""Rows of the copy, as a table, JSON or CSV."""

import csv
import io
import subprocess
from pathlib import Path

import pytest
from rich.cells import cell_len

from orgsync.demo_org import DemoOrg

from .commandline import PROGRAM, Command, plain_environment


@pytest.fixture
def copied(orgsync: Command, acme: DemoOrg) -> DemoOrg:
    acme.insert("Contact", LastName='O"Neil, Jr.', FirstName="Zoë\nAnn", Description="x" * 200)
    assert orgsync("run", "contacts").code == 0
    return acme


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_a_table_fits_the_terminal(
    width: int, orgsync: Command, copied: DemoOrg, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = orgsync("records", "contact", "--limit", "7")
    lines = [line for line in shown.out.splitlines() if line.strip()]
    assert max(cell_len(line.rstrip()) for line in lines) <= width
    assert len(lines) == 9  # one line a row, a heading and a rule
    assert lines[0].split()[0] == "id"
    assert "--limit N" in shown.err
    assert "--format json" in shown.err


def test_json_has_every_column_and_every_row(orgsync: Command, copied: DemoOrg) -> None:
    rows = orgsync("records", "Contact", "--format", "json").objects()
    assert len(rows) == 26
    one = next(row for row in rows if row["last_name"] == 'O"Neil, Jr.')
    assert one["first_name"] == "Zoë\nAnn"
    assert one["is_deleted"] is False
    assert one["email"] is None
    assert one["created_date"].endswith("Z")


def test_csv_is_read_back_as_it_was(orgsync: Command, copied: DemoOrg) -> None:
    out = orgsync("records", "contact", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert len(rows) == 26
    one = next(row for row in rows if row["last_name"] == 'O"Neil, Jr.')
    assert one["first_name"] == "Zoë\nAnn"
    assert one["email"] == ""


def test_changes_come_in_order_and_after_a_number(orgsync: Command, copied: DemoOrg) -> None:
    gone = str(copied.rows("Contact")[0]["Id"])
    last = orgsync("records", "contact", "--changes", "--format", "json").objects()[-1]["sync_seq"]
    copied.delete("Contact", gone)
    orgsync("run", "contacts")
    feed = orgsync("records", "contact", "--changes", "--after", str(last), "--format", "json").objects()
    assert [(row["sync_change"], row["id"]) for row in feed] == [("deleted", gone)]
    assert feed[0]["sync_seq"] > last
    table = orgsync("records", "contact", "--changes", "--after", str(last)).out
    assert table.split()[:2] == ["sync_seq", "sync_change"]
    assert "no changes after" in orgsync("records", "contact", "--changes", "--after", str(last + 9)).err
    assert orgsync("records", "contact", "--after", "27").code == 2


def test_rows_of_one_connection_are_shown(orgsync: Command, copied: DemoOrg) -> None:
    assert len(orgsync("records", "contact", "-c", "acme", "--format", "json").objects()) == 26
    assert orgsync("records", "contact", "-c", "acne").code == 2


def test_an_unknown_record_class_is_answered_with_the_nearest(orgsync: Command, copied: DemoOrg) -> None:
    refused = orgsync("records", "contcat")
    assert refused.code == 2
    assert "contact" in refused.problem()[0]


def test_an_empty_database_has_nothing_to_show(orgsync: Command) -> None:
    refused = orgsync("records", "contact")
    assert refused.code == 2
    assert refused.problem()[0].startswith("There is no record table")


def test_an_empty_table_says_so(orgsync: Command, acme: DemoOrg) -> None:
    for row in acme.rows("Contact"):
        acme.hard_delete("Contact", str(row["Id"]))
    orgsync("run", "contacts")
    acme.insert("Contact", LastName="Only")
    orgsync("run", "contacts")
    acme.delete("Contact", str(acme.rows("Contact")[0]["Id"]))
    orgsync("run", "contacts")
    assert "There are no rows." in orgsync("records", "contact").err


@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_a_reader_that_has_read_enough_ends_it_quietly(form: str, folder: Path, copied: DemoOrg) -> None:
    with subprocess.Popen(
        [str(PROGRAM), "records", "contact", "--limit", "2", "--format", form],
        cwd=folder,
        env=plain_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert "Broken" not in err
    assert "Traceback" not in err
    assert process.returncode == 141
