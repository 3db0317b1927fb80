"""Reading the CSV of a write."""

import csv
from pathlib import Path

from orgsync.writes.csv_file import CsvRows


def test_a_field_may_be_longer_than_others_of_the_process_read(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    long = "x" * (before + 1)
    (tmp_path / "rows.csv").write_text(f'Name,Note\nA,"{long}"\nB,\n')
    rows = CsvRows(tmp_path / "rows.csv")
    assert [cells["Name"] for _, cells in rows] == ["A", "B"]
    assert csv.field_size_limit() == before == 131_072
