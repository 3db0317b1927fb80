"""Parquet files as other libraries read them: `pip install -e '.[data]'`; without them these tests are skipped."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("arro3.io")

from orgsync.project.parquet import write_parquet

KINDS = {
    "text": "VARCHAR",
    "yes": "BOOLEAN",
    "whole": "INTEGER",
    "rough": "FLOAT",
    "exact": "NUMERIC",
    "at": "VARCHAR",
    "day": "DATE",
    "clock": "VARCHAR",
    "nested": "JSON",
}
STORED = ("Zoë", 0, 2**62, 0.1, "123456789012345678.000000000000000001", "2026-01-31T10:15:00.123Z", "2026-01-31")
FULL = (
    *("Zoë", False, 2**62, 0.1, Decimal("123456789012345678.000000000000000001")),
    *(datetime(2026, 1, 31, 10, 15, 0, 123000, tzinfo=UTC), date(2026, 1, 31), time(10, 15, 0, 123000), '{"a": 1}'),
)
EMPTY = (None,) * len(KINDS)


def pyarrow_rows(path: str) -> list[tuple[Any, ...]]:
    parquet: Any = import_module("pyarrow.parquet")
    return [tuple(row.values()) for row in parquet.read_table(path).to_pylist()]


def pandas_rows(path: str) -> list[tuple[Any, ...]]:
    pandas: Any = import_module("pandas")
    frame = pandas.read_parquet(path, dtype_backend="pyarrow")
    rows = frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None)
    return [tuple(each.to_pydatetime() if hasattr(each, "to_pydatetime") else each for each in row) for row in rows]


def polars_rows(path: str) -> list[tuple[Any, ...]]:
    polars: Any = import_module("polars")
    return [*polars.read_parquet(path).rows()]


def duckdb_rows(path: str) -> list[tuple[Any, ...]]:
    duckdb: Any = import_module("duckdb")
    return [*duckdb.sql(f"SELECT * FROM '{path}'").fetchall()]


READERS: dict[str, Callable[[str], list[tuple[Any, ...]]]] = {
    "pyarrow": pyarrow_rows,
    "pandas": pandas_rows,
    "polars": polars_rows,
    "duckdb": duckdb_rows,
}


@pytest.mark.parametrize("library", READERS)
def test_another_library_reads_the_values_as_they_were(library: str, tmp_path: Path) -> None:
    for name in {library, "pyarrow"} if library == "pandas" else {library}:
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed: pip install -e '.[data]'")
    path = tmp_path / "things.parquet"
    rows = [(*STORED, "10:15:00.123", '{"a": 1}'), EMPTY]
    write_parquet(path, [rows], KINDS, {"at": "datetime", "clock": "time"})
    assert READERS[library](str(path)) == [FULL, EMPTY]


def test_row_groups_are_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec("pyarrow") is None:
        pytest.skip("pyarrow is not installed: pip install -e '.[data]'")
    parquet: Any = import_module("pyarrow.parquet")
    path = tmp_path / "rows.parquet"
    pages = ([(number,) for number in range(start, start + 1000)] for start in range(0, 200_000, 1000))
    write_parquet(path, pages, {"number": "INTEGER"}, {})
    found = parquet.ParquetFile(path).metadata
    assert [found.row_group(at).num_rows for at in range(found.num_row_groups)] == [131_072, 68_928]
