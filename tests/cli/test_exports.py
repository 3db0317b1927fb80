"""Rows and changes of the copy, written to files."""

import csv
import json
import stat
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orgsync.demo_org import DemoOrg

from .commandline import Command

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

    table = read_parquet(path).read_all()
    names = table.schema.names
    columns = [table.column(name).to_pylist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


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
