"""Rows of the copy, as a table, JSON or CSV."""

import csv
import dataclasses
import io
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from rich.cells import cell_len

from orgsync.demo_org import DemoOrg
from orgsync.engine import Job
from orgsync.project import open_project
from orgsync.settings import Settings, load_settings
from orgsync.store import Connection, ConnectionRow, Run, RunRow, Selection, open_view
from tests.projects import credentials_for
from tests.raw_database import on_postgres
from tests.warm_process import opened

from .commandline import PROGRAM, Command, finished, plain_environment

AWKWARD = {"LastName": 'O"Neil, Jr.', "FirstName": "Zoë\nAnn", "Description": "x" * 200}


@pytest.fixture(scope="module")
def kept_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project's own folder with a copy of the contacts, made once; each test has it in its own project."""
    project = tmp_path_factory.mktemp("kept")

    async def fill(org: DemoOrg) -> None:
        async with open_project(Settings.model_validate({"project": project, "database_url": ""})) as opened:
            await opened.connections.connect("acme", credentials_for(org))
            assert (await opened.execute(Job("sync", "contacts", "acme"))).problem is None

    with DemoOrg(contacts=25, accounts=5) as org:
        org.insert("Contact", **AWKWARD)
        anyio.run(fill, org)
    return project / ".orgsync"


@pytest.fixture
def copied(request: pytest.FixtureRequest, folder: Path, kept_copy: Path) -> None:
    """A copy of the contacts of an org that is no more."""
    if on_postgres():
        request.getfixturevalue("connected")
        return
    shutil.copytree(kept_copy, folder / ".orgsync")


@pytest.fixture
def connected(orgsync: Command, acme: DemoOrg) -> DemoOrg:
    """A copy of the contacts, and the org that more can be read from."""
    acme.insert("Contact", **AWKWARD)
    assert orgsync("run", "contacts").code == 0
    return acme


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_a_table_fits_the_terminal(width: int, orgsync: Command, copied: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = orgsync("records", "contact", "--limit", "7")
    lines = [line for line in shown.out.splitlines() if line.strip()]
    assert max(cell_len(line.rstrip()) for line in lines) <= width
    assert len(lines) == 9  # one line a row, a heading and a rule
    assert lines[0].split()[0] == "id"
    assert "--limit N" in shown.err
    assert "--json" in shown.err


def test_json_has_every_column_and_every_row(orgsync: Command, copied: None) -> None:
    rows = orgsync("records", "Contact", "--format", "json").objects()
    assert len(rows) == 26
    one = next(row for row in rows if row["last_name"] == 'O"Neil, Jr.')
    assert one["first_name"] == "Zoë\nAnn"
    assert one["is_deleted"] is False
    assert one["email"] is None
    assert one["created_date"].endswith("Z")


def test_csv_is_read_back_as_it_was(orgsync: Command, copied: None) -> None:
    out = orgsync("records", "contact", "--format", "csv").out
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert len(rows) == 26
    one = next(row for row in rows if row["last_name"] == 'O"Neil, Jr.')
    assert one["first_name"] == "Zoë\nAnn"
    assert one["email"] == ""


def test_changes_come_in_order_and_after_a_number(orgsync: Command, connected: DemoOrg) -> None:
    gone = str(connected.rows("Contact")[0]["Id"])
    last = orgsync("records", "contact", "--changes", "--format", "json").objects()[-1]["sync_seq"]
    connected.delete("Contact", gone)
    orgsync("run", "contacts")
    feed = orgsync("records", "contact", "--changes", "--after", str(last), "--format", "json").objects()
    assert [(row["sync_change"], row["id"]) for row in feed] == [("deleted", gone)]
    assert feed[0]["sync_seq"] > last
    table = orgsync("records", "contact", "--changes", "--after", str(last)).out
    assert table.split()[:2] == ["sync_seq", "sync_change"]
    assert "no changes after" in orgsync("records", "contact", "--changes", "--after", str(feed[0]["sync_seq"])).err
    assert orgsync("records", "contact", "--after", "27").code == 2


def test_rows_of_one_connection_are_shown(orgsync: Command, copied: None) -> None:
    assert len(orgsync("records", "contact", "-c", "acme", "--format", "json").objects()) == 26
    assert orgsync("records", "contact", "-c", "acne").code == 2


def test_an_unknown_record_class_is_answered_with_the_nearest(orgsync: Command, copied: None) -> None:
    refused = orgsync("records", "contcat")
    assert refused.code == 2
    assert "contact" in refused.problem()[0]


def test_an_empty_database_has_nothing_to_show(orgsync: Command) -> None:
    refused = orgsync("records", "contact")
    assert refused.code == 2
    assert refused.problem()[0].startswith("The sync contacts has not run yet")


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
def test_a_reader_that_has_read_enough_ends_it_quietly(form: str, folder: Path, copied: None) -> None:
    with opened(
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


def test_the_columns_that_are_named_are_shown_in_their_order(orgsync: Command, copied: None) -> None:
    rows = orgsync("records", "contact", "--columns", "email, id", "--format", "json").objects()
    assert len(rows) == 26
    assert {tuple(row) for row in rows} == {("email", "id")}
    assert orgsync("records", "contact", "--columns", "email,id", "--format", "csv").out.startswith("email,id\n")
    assert orgsync("records", "contact", "--columns", "last_name,id").out.split()[:2] == ["last_name", "id"]
    cause, remedy = orgsync("records", "contact", "--columns", "id,emial").problem()
    assert ("'email'" in cause, "first_name" in remedy) == (True, True)
    assert orgsync("records", "contact", "--columns", "id,,email").code == 2


def test_a_number_that_the_feed_has_not_reached_is_refused(orgsync: Command, copied: None) -> None:
    assert orgsync("records", "contact", "--changes", "--after", "25").code == 0
    refused = orgsync("records", "contact", "--changes", "--after", "99")
    assert refused.code == 2
    assert "no number 99: the last one is 26" in refused.problem()[0]


def test_a_condition_narrows_rows_and_changes(orgsync: Command, copied: None) -> None:
    def found(*options: str) -> int:
        return len(orgsync("records", "contact", "--format", "json", *options).objects())

    assert found("--where", "last_name LIKE 'O\"N%'") == 1
    assert found("--where", "email IS NULL OR 1 = 1") == 26
    assert found("--where", "id IN (SELECT id FROM contact LIMIT 3)", "--changes", "-c", "acme") == 3
    assert found("--where", '"last_name" = \'O"Neil, Jr.\'') == 1
    assert "no such rows" in orgsync("records", "contact", "--where", "last_name = 'nobody'").err


@pytest.mark.parametrize(
    ("condition", "reported"),
    [
        ("lastname = 'x'", "last_name"),
        ('last_name = "Lovelace"', "'Lovelace'"),
        ("1) UNION SELECT 1, (2", "record tables alone|SELECTs|do not match"),
        ("1); DELETE FROM contact; --", "has no place|do not match"),
        ("1 -- and", "-- has no place"),
        ("last_name = ?", "[?] has no place"),
        ("last_name = :x", ": has no place"),
        ("(1", "do not match"),
        (")(", "do not match"),
        ("last_name = 'x", "not closed"),
        ("", "empty"),
        ("EXISTS (SELECT secrets FROM orgsync_connection)", "record tables alone"),
        ("(SELECT count(*) FROM sqlite_master) > 0", "record tables alone"),
        ("load_extension('x')", "record tables alone"),
        ("json(last_name) = 1", "malformed JSON"),
        ("last_name ==== 1", "syntax error"),
    ],
)
@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_a_condition_is_one_expression_that_reads_record_tables(
    form: str, condition: str, reported: str, orgsync: Command, copied: None
) -> None:
    refused = orgsync("records", "contact", "--format", form, "--where", condition)
    assert refused.code == 2
    if form == "json":
        assert [each["error"]["exit_code"] for each in refused.objects()] == [2]
    else:
        assert refused.out == ""
    assert re.search(reported, refused.err)
    assert len(orgsync("records", "contact", "--format", "json").objects()) == 26


def test_csv_without_rows_has_its_heading(orgsync: Command, copied: None) -> None:
    out = orgsync("records", "contact", "--columns", "id,email", "--where", "0", "--format", "csv").out
    assert out == "id,email\n"


def test_the_changes_of_a_removed_connection_are_shown(orgsync: Command, connected: DemoOrg) -> None:
    orgsync("connections", "remove", "acme", "--yes")
    [row] = orgsync("records", "contact", "--changes", "-c", "acme", "--json").objects()
    assert (row["sync_change"], row["connection"], row["id"], row["email"]) == ("cleared", "acme", None, None)
    assert "no connection 'acme'" in orgsync("records", "contact", "-c", "acme").err
    assert "no connection 'amce'" in orgsync("records", "contact", "--changes", "-c", "amce").err


def test_the_changes_of_a_sync_that_was_reset_are_shown_with_all_columns(orgsync: Command, copied: None) -> None:
    before = orgsync("records", "contact", "--changes", "--format", "csv").out.splitlines()
    orgsync("reset", "contacts", "--yes")
    [row] = orgsync("records", "Contact", "--changes", "--json").objects()
    assert (row["sync_change"], row["is_deleted"]) == ("cleared", True)
    heading, only = orgsync("records", "contact", "--changes", "--format", "csv").out.splitlines()
    assert heading == before[0]
    assert "cleared" in only
    assert "sync_change" in orgsync("records", "contact", "--changes").out


def test_a_condition_may_read_change_feeds_and_nothing_behind_them(orgsync: Command, copied: None) -> None:
    inside = "id IN (SELECT id FROM contact_changes WHERE sync_seq > 20)"
    assert orgsync("records", "contact", "--where", inside, "--json").objects()
    assert orgsync("records", "contact", "--changes", "--where", "sync_seq > 20", "--json").objects()
    named_like_a_feed = "WITH contact_changes AS (SELECT * FROM orgsync_connection) SELECT 1 FROM contact_changes"
    for hidden in (named_like_a_feed, "SELECT 1 FROM orgsync_connection", "SELECT 1 FROM orgsync_cleared"):
        refused = orgsync("records", "contact", "--where", f"EXISTS ({hidden})")
        assert refused.code == 2
        assert "record tables alone" in refused.err


def test_pages_follow_each_other_without_a_gap(copied: None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgsync.store.row_pages._MOST_ROWS", 4)
    settings = load_settings()
    with open_view(settings.store_url, folder=settings.folder) as opened:
        rows = [[row["id"] for row in opened.read(Selection("contact", connection=owner))] for owner in (None, "acme")]
        feeds = [
            [row["sync_seq"] for row in opened.read(Selection("contact", connection=owner, changes=True))]
            for owner in (None, "acme")
        ]
        few = [row["id"] for row in opened.read(Selection("contact", limit=10))]
    assert rows[0] == rows[1] == sorted(rows[0])
    assert feeds[0] == feeds[1] == sorted(feeds[0])
    assert (len(set(rows[0])), len(set(feeds[0])), few) == (26, 26, rows[0][:10])


def test_pages_are_as_short_as_their_rows_are_large(
    copied: None, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.store.row_pages.FIRST_PAGE", 10)
    settings = load_settings()

    def sizes() -> list[int]:
        with open_view(settings.store_url, folder=settings.folder) as opened:
            return [len(page) for page in opened.pages(Selection("contact"))]

    assert sizes() == [10, 16]
    monkeypatch.setattr("orgsync.store.row_pages._PAGE_BYTES", 1)
    assert sizes() == [10, *[1] * 16]


def test_the_view_and_the_store_tell_the_same(orgsync: Command, copied: None) -> None:
    settings = load_settings()

    async def stored() -> tuple[Sequence[Connection], Sequence[Run], list[dict[str, Any]]]:
        async with open_project(settings) as opened:
            store = opened.store
            return (
                await store.connections.list(),
                await store.runs.list(9),
                [row async for row in store.rows.read("contact")],
            )

    connections, runs, rows = anyio.run(stored)
    with open_view(settings.store_url, folder=settings.folder) as opened:
        assert list(opened.read(Selection("contact"))) == rows
        pairs: list[tuple[ConnectionRow | RunRow, Connection | Run]] = [
            *zip(opened.connections(), connections, strict=True),
            *zip(opened.runs(9), runs, strict=True),
        ]
        assert len(pairs) == 2
        for one, other in pairs:
            names = {name: "metadata_" if name == "metadata" else name for name in dataclasses.asdict(one)}
            expected = {name: getattr(other, its) for name, its in names.items()}
            if "mapping" in expected:
                expected["mapping"] = {}  # as users write it: {"contact.level": "Tier__c"}
            assert dataclasses.asdict(one) == expected
    assert {each.name for each in dataclasses.fields(RunRow)} == set(Run.model_fields)
    columns = {name.rstrip("_") for name in Connection.model_fields} - {"secrets"}
    assert {each.name for each in dataclasses.fields(ConnectionRow)} == columns


def test_a_database_of_a_newer_version_is_not_shown(orgsync: Command, copied: None) -> None:
    with closing(sqlite3.connect(".orgsync/orgsync.db")) as database, database:
        database.execute("UPDATE orgsync_version SET version_num = '9999'")
    assert "newer than this orgsync" in orgsync("runs").problem()[0]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_narrow_encoding_ends_no_command(encoding: str, folder: Path, connected: DemoOrg) -> None:
    connected.insert("Contact", LastName="勝又", FirstName="Ω")
    narrow = {"PYTHONIOENCODING": encoding}
    assert finished(folder, "run", "contacts", env=narrow).code == 0
    for form in ("table", "json", "csv"):
        words = ("records", "contact", "--where", "first_name = 'Ω'", "--columns", "id,last_name", "--format", form)
        shown = finished(folder, *words, env=narrow)
        assert (shown.code, "\\u52dd\\u53c8" in shown.out) == (0, True), shown
        if form == "json":
            assert shown.objects()[0]["last_name"] == "勝又"


def test_json_is_asked_for_as_of_every_other_command(orgsync: Command, acme: DemoOrg) -> None:
    orgsync("run", "contacts")
    assert orgsync("records", "contact", "--json").out == orgsync("records", "contact", "--format", "json").out
    assert "--json" in orgsync("records", "contact", "--json", "--format", "csv").err
