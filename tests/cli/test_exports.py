"""Rows and changes of the copy, written to files."""

import csv
import json
import signal
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import pytest

import orgsync as application
from orgsync.demo_org import DemoOrg
from orgsync.errors import ArgumentInvalid, NameTaken, NameUnknown
from orgsync.project.row_text import csv_cells

from .commandline import PROGRAM, Command, plain_environment

ALL_TYPES = '''
"""Everything that a column can hold."""

from datetime import date, datetime, time
from decimal import Decimal

from orgsync import Batch, Batches, Context, Record, sync


class Thing(Record, table=True):
    """One of each."""

    __sobject__ = None

    text: str | None
    yes: bool | None
    whole: int | None
    rough: float | None
    exact: Decimal | None
    at: datetime | None
    day: date | None
    clock: time | None
    nested: dict | None
    many: list | None


@sync
async def things(ctx: Context) -> Batches[Thing]:
    """Two rows: one of everything, and one of nothing."""
    full = {
        "id": "a",
        "text": "=1+1, \\"Zoë\\"\\nAnn",
        "yes": False,
        "whole": 2**62,
        "rough": 0.1,
        "exact": Decimal("123456789012345678.000000000000000001"),
        "at": datetime.fromisoformat("2026-01-31T10:15:00.123+00:00"),
        "day": date(2026, 1, 31),
        "clock": time(10, 15, 0, 123000),
        "nested": {"b": [1, None], "a": "ü"},
        "many": [1, "x"],
    }
    yield Batch(Thing, [full, {"id": "b"}])
'''

FIELDS = ("text", "yes", "whole", "rough", "exact", "at", "day", "clock", "nested", "many")


@pytest.fixture
def things(orgsync: Command, acme: DemoOrg, folder: Path) -> Command:
    (folder / "syncs").mkdir()
    (folder / "syncs" / "things.py").write_text(ALL_TYPES, encoding="utf-8")
    assert orgsync("run", "things").code == 0
    return orgsync


@pytest.fixture
def copied(orgsync: Command, acme: DemoOrg) -> DemoOrg:
    assert orgsync("run", "contacts").code == 0
    return acme


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Read a Parquet file with arro3."""
    from arro3.io import read_parquet

    table: Any = read_parquet(path).read_all()
    names: list[str] = table.schema.names
    columns = [table.column(name).to_pylist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def types_of(path: Path) -> dict[str, Any]:
    from arro3.io import read_parquet

    schema = read_parquet(path).schema
    return {name: schema.field(name).type for name in schema.names}


def test_a_csv_file_has_what_was_shown_and_is_its_owners_alone(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    written = orgsync("records", "contact", "--to", "contacts.csv")
    assert (written.code, written.err) == (0, "")
    assert written.out.startswith("25 rows in contacts.csv (")
    path = folder / "contacts.csv"
    assert path.read_text(encoding="utf-8") == orgsync("records", "contact", "--format", "csv").out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert leftovers(folder) == []


def test_lines_of_json_have_what_was_shown(things: Command, folder: Path) -> None:
    things("records", "thing", "--to", "things.jsonl")
    lines = (folder / "things.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == things("records", "thing", "--json").objects()


def test_csv_has_booleans_json_and_digits_as_texts_that_can_be_read_back(things: Command, folder: Path) -> None:
    things("records", "thing", "--to", "things.csv", "--columns", ",".join(FIELDS))
    with (folder / "things.csv").open(encoding="utf-8", newline="") as file:
        full, empty = csv.DictReader(file)
    assert full == {
        "text": '=1+1, "Zoë"\nAnn',
        "yes": "false",
        "whole": "4611686018427387904",
        "rough": "0.1",
        "exact": "123456789012345678.000000000000000001",
        "at": "2026-01-31T10:15:00.123Z",
        "day": "2026-01-31",
        "clock": "10:15:00.123",
        "nested": '{"a": "ü", "b": [1, null]}',
        "many": '[1, "x"]',
    }
    assert set(empty.values()) == {""}


def test_parquet_has_the_values_in_their_types(things: Command, folder: Path) -> None:
    assert things("records", "thing", "--to", "things.parquet").code == 0
    full, empty = rows_of(folder / "things.parquet")
    assert {name: full[name] for name in FIELDS} == {
        "text": '=1+1, "Zoë"\nAnn',
        "yes": False,
        "whole": 2**62,
        "rough": 0.1,
        "exact": Decimal("123456789012345678.000000000000000001"),
        "at": datetime(2026, 1, 31, 10, 15, 0, 123000, tzinfo=UTC),
        "day": date(2026, 1, 31),
        "clock": time(10, 15, 0, 123000),
        "nested": '{"a": "ü", "b": [1, null]}',
        "many": '[1, "x"]',
    }
    assert full["is_deleted"] is False
    assert full["sync_changed_at"].tzinfo is not None
    assert {empty[name] for name in FIELDS} == {None}


def test_a_file_that_is_there_is_replaced_only_when_asked(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    path = folder / "mine.csv"
    path.write_text("mine")
    path.chmod(0o640)
    cause, remedy = orgsync("records", "contact", "--to", "mine.csv").problem()
    assert ("mine.csv already" in cause, "--overwrite" in remedy) == (True, True)
    assert path.read_text() == "mine"
    assert orgsync("records", "contact", "--to", "mine.csv", "--overwrite").code == 0
    assert path.read_text().startswith("connection,id,")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("options", "reported", "remedy"),
    [
        (("--to", "x.json"), "the suffix .json names no format", "Did you mean x.jsonl?"),
        (("--to", "x.paquet"), "the suffix .paquet names no format", "Did you mean x.parquet?"),
        (("--to", "x"), "it has no suffix", "or add --format"),
        (("--to", "x.csv", "--format", "table"), "a file is csv, json or parquet", "--help"),
        (("--to", "x.csv", "--format", "jsnl"), "'jsnl' is not one of", "Did you mean json?"),
        (("--format", "parquet"), "parquet goes into a file", "--help"),
        (("--overwrite",), "it needs --to FILE", "--help"),
        (("--to", "missing/x.csv"), "there is no folder missing", "Create the folder"),
        (("--to", ".orgsync/x.csv"), "which is orgsync's own", "outside of it"),
        (("--to", "syncs", "--format", "csv"), "syncs is a folder", "Name a file"),
        (("--to", "x.csv", "--columns", "emial"), "no column 'emial'; did you mean 'email'?", "first_name"),
        (("--to", "x.csv", "--where", "emial IS NULL"), "no such column: emial", "Did you mean email?"),
        (("--to", "x.csv", "-c", "amce"), "no connection 'amce'; did you mean 'acme'?", "acme"),
        (("--to", "x.csv", "--changes", "--after", "99"), "no number 99", "from 0"),
        (("--to", "x.csv", "--changes", "--follow"), "a file is written at once", "--help"),
        (("--follow",), "it needs --changes", "--help"),
        (("--changes", "--follow", "--format", "table"), "it writes line by line", "--help"),
    ],
)
def test_what_cannot_be_written_is_named_and_leaves_nothing(
    options: tuple[str, ...], reported: str, remedy: str, orgsync: Command, copied: DemoOrg, folder: Path
) -> None:
    (folder / "syncs").mkdir()
    before = sorted(path.name for path in folder.iterdir())
    refused = orgsync("records", "contact", *options)
    assert refused.code == 2
    cause, way_out = refused.problem()
    assert reported in cause
    assert remedy in way_out
    assert sorted(path.name for path in folder.iterdir()) == before


def test_the_format_may_be_named_in_place_of_the_suffix(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    [written] = orgsync("records", "contact", "--to", "x.txt", "--format", "json", "--json").objects()
    size = (folder / "x.txt").stat().st_size
    assert written == {"file": "x.txt", "format": "json", "rows": 25, "bytes": size}


def test_changes_of_deleted_rows_and_chosen_columns_are_written(
    orgsync: Command, copied: DemoOrg, folder: Path
) -> None:
    gone = str(copied.rows("Contact")[0]["Id"])
    copied.delete("Contact", gone)
    orgsync("run", "contacts")
    options = ("--changes", "--after", "25", "--columns", "sync_seq,sync_change,id")
    for name in ("c.csv", "c.parquet"):
        assert orgsync("records", "contact", *options, "--to", name).out.startswith("1 change in ")
    assert (folder / "c.csv").read_text() == f"sync_seq,sync_change,id\n26,deleted,{gone}\n"
    assert rows_of(folder / "c.parquet") == [{"sync_seq": 26, "sync_change": "deleted", "id": gone}]
    orgsync("records", "contact", "--to", "live.csv", "--columns", "id")
    assert gone not in (folder / "live.csv").read_text()


def test_no_rows_make_a_file_with_its_columns(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    for form in ("csv", "jsonl", "parquet"):
        assert orgsync("records", "contact", "--where", "0", "--columns", "id,email", "--to", f"none.{form}").code == 0
    assert (folder / "none.csv").read_text() == "id,email\n"
    assert (folder / "none.jsonl").read_text() == ""
    assert rows_of(folder / "none.parquet") == []


def test_parquet_without_its_packages_says_what_to_install(
    orgsync: Command, copied: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "arro3.io", None)
    cause, remedy = orgsync("records", "contact", "--to", "x.parquet").problem()
    assert "not installed" in cause
    assert "pip install 'orgsync[parquet]'" in remedy
    assert "--to FILE.csv" in remedy
    assert not (folder / "x.parquet").exists()


@pytest.mark.parametrize(
    ("column", "value", "row", "reported"),
    [
        ("exact__exact", "0.1234567890123456789", "a", "exact has in row 1 a number of more than 18 decimals"),
        ("exact__exact", "123456789012345678901", "a", "exact has in row 1 a number of more than 20 digits before"),
        ("whole", "many", "a", "whole has in row 1 a value that is not of type INTEGER"),
        ("at", "yesterday", "b", "at has in row 2 a text that is not an instant"),
    ],
)
def test_a_value_that_parquet_cannot_hold_as_it_is_ends_the_export(
    column: str, value: str, row: str, reported: str, things: Command, folder: Path
) -> None:
    with closing(sqlite3.connect(".orgsync/orgsync.db")) as database, database:
        database.execute(f"UPDATE thing SET {column} = ? WHERE id = ?", [value, row])
    cause, remedy = things("records", "thing", "--to", "x.parquet").problem()
    assert reported in cause
    assert value not in cause
    assert "--columns" in remedy
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "orgsync.toml", "syncs"]
    assert things("records", "thing", "--to", "x.csv").code == 0


def test_instants_keep_their_type_where_every_row_is_empty_and_the_script_is_gone(
    things: Command, orgsync: Command, folder: Path
) -> None:
    assert things("records", "thing", "--where", "id = 'b'", "--to", "b.parquet").code == 0
    assert "Timestamp" in str(types_of(folder / "b.parquet")["at"])
    (folder / "syncs" / "things.py").unlink()
    assert things("records", "thing", "--to", "c.parquet").code == 0
    assert "Utf8" in str(types_of(folder / "c.parquet")["at"])
    assert orgsync("run", "contacts").code == 0
    assert orgsync("records", "contact", "--to", "d.parquet").code == 0
    assert "Timestamp" in str(types_of(folder / "d.parquet")["created_date"])


def test_all_rows_of_a_file_are_of_one_moment(
    orgsync: Command, copied: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgsync.store.row_pages._MOST_ROWS", 4)

    def change_rows(page: Any, kinds: Any) -> Any:
        with closing(sqlite3.connect(".orgsync/orgsync.db")) as database, database:
            database.execute("UPDATE contact SET title = 'changed meanwhile'")
        return csv_cells(page, kinds)

    monkeypatch.setattr("orgsync.project.exports.csv_cells", change_rows)
    assert orgsync("records", "contact", "--to", "x.csv").out.startswith("25 rows")
    assert "changed meanwhile" not in (folder / "x.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_interrupted_export_leaves_no_file(
    number: int, code: int, form: str, copied: DemoOrg, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    hook = tmp_path_factory.mktemp("hook")
    (hook / "sitecustomize.py").write_text(INTERRUPTED, encoding="utf-8")
    variables = {**plain_environment(), "PYTHONPATH": str(hook), "SIGNAL": str(int(number))}
    ended = subprocess.run(
        [str(PROGRAM), "records", "contact", "--to", f"x.{form}"],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == code, ended
    assert "Traceback" not in ended.stderr
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "orgsync.toml"]


INTERRUPTED = """
import os
from orgsync.store import row_pages

_pages_of = row_pages.pages_of

def pages_of(*args, **options):
    for page in _pages_of(*args, **options):
        yield page
        os.kill(os.getpid(), int(os.environ["SIGNAL"]))

row_pages.pages_of = pages_of
"""
"""What signals the process to itself behind the first page."""


def test_an_application_exports_by_class_or_table(orgsync: Command, copied: DemoOrg, folder: Path) -> None:
    from orgsync_syncs.contacts import Contact

    async def write() -> list[application.Exported]:
        chosen = await application.export(Contact, "a.csv", connection="acme", columns=["id"], where="title IS NULL")
        changed = await application.export("Contact", folder / "b.parquet", changes_after=20)
        with pytest.raises(NameUnknown, match="did you mean 'acme'"):
            await application.export(Contact, "c.csv", connection="amce")
        with pytest.raises(NameTaken):
            await application.export(Contact, "a.csv")
        with pytest.raises(ArgumentInvalid, match="no number 99"):
            await application.export(Contact, "c.csv", changes_after=99)
        return [chosen, changed]

    first, second = anyio.run(write)
    without_title = orgsync("records", "contact", "--where", "title IS NULL", "--json").objects()
    assert (first.form, first.rows, second.form, second.rows) == ("csv", len(without_title), "parquet", 5)
    assert [row["sync_seq"] for row in rows_of(folder / "b.parquet")] == [21, 22, 23, 24, 25]
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "a.csv", "b.parquet", "orgsync.toml"]


def test_an_application_may_cancel_an_export(
    orgsync: Command, copied: DemoOrg, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = anyio.from_thread.check_cancelled

    async def write() -> None:
        with anyio.CancelScope() as scope:

            def cancel() -> None:
                anyio.from_thread.run_sync(scope.cancel)
                go_on()

            monkeypatch.setattr("anyio.from_thread.check_cancelled", cancel)
            await application.export("contact", "x.parquet")
        assert scope.cancelled_caught

    anyio.run(write)
    assert sorted(path.name for path in folder.iterdir()) == [".orgsync", "orgsync.toml"]


def test_a_users_own_columns_are_read_as_they_are(things: Command, folder: Path) -> None:
    with closing(sqlite3.connect(".orgsync/orgsync.db")) as database, database:
        for column in ("score NUMERIC", "size DOUBLE", "note", "count INT"):
            database.execute(f"ALTER TABLE thing ADD COLUMN {column}")
        database.execute("UPDATE thing SET score = 1.5, size = 2, note = 'x', count = 3 WHERE id = 'a'")
        database.execute("UPDATE thing SET note = 4 WHERE id = 'b'")
    shown = things("records", "thing", "--columns", "score,size,note,count", "--json").objects()
    assert shown[0] == {"score": 1.5, "size": 2.0, "note": "x", "count": 3}
    assert things("records", "thing", "--to", "x.parquet", "--columns", "score,size,note,count").code == 0
    assert rows_of(folder / "x.parquet") == [
        {"score": "1.5", "size": 2.0, "note": "x", "count": 3},
        {"score": None, "size": None, "note": "4", "count": None},
    ]
