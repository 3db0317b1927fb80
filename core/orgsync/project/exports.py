"""Rows of the copy, or their changes, written to a file: CSV, JSON lines or Parquet."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from orgsync.errors import ArgumentInvalid
from orgsync.settings import Settings
from orgsync.store.view import Selection, View
from orgsync.suggest import nearest

from .column_types import python_types
from .new_file import new_file, require_usable
from .row_text import csv_cells, json_lines

__all__ = ["Exported", "FileFormat", "export", "exported_view", "file_format"]

FileFormat: TypeAlias = Literal["csv", "json", "parquet"]
"""How rows stand in a file; json is one object a line."""

_SUFFIXES: dict[str, FileFormat] = {".csv": "csv", ".jsonl": "json", ".ndjson": "json", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote; `size` is the file's, in bytes."""

    path: Path
    form: FileFormat
    rows: int
    size: int


def exported_view(written: Exported) -> dict[str, Any]:
    """Return what an export wrote, for programs."""
    return {"file": str(written.path), "format": written.form, "rows": written.rows, "bytes": written.size}


def file_format(path: Path) -> FileFormat:
    """Return the format that a file's suffix names; raises ArgumentInvalid for one that names none."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    near = ".jsonl" if suffix == ".json" else nearest(suffix, _SUFFIXES)
    guess = f"Did you mean {path.stem}{near}? " if near and suffix else ""
    why = f"the suffix {suffix} names no format" if suffix else "it has no suffix that names a format"
    raise ArgumentInvalid(
        f"Nothing can be written to {path}: {why}.",
        f"{guess}Use .csv, .jsonl or .parquet, or add --format.",
    )


def export(
    view: View, selection: Selection, path: Path, form: FileFormat, *, settings: Settings, overwrite: bool = False
) -> Exported:
    """Write rows to a file, all from one state of the database; the file is complete, or is not there.

    Raises NameTaken, FileUnusable, PackageMissing and ArgumentInvalid, and leaves no file then.
    """
    require_usable(path, view, settings, overwrite=overwrite)
    if form == "parquet":
        from .parquet import require_parquet

        require_parquet()
    with view.one_state(), new_file(path, overwrite=overwrite) as beside:
        columns = view.columns(selection.table, changes=selection.changes)
        kinds = {name: columns.get(name, "") for name in selection.columns or columns}
        counted = _Counted(view.pages(selection))
        if form == "parquet":
            from .parquet import write_parquet

            write_parquet(beside, counted, kinds, python_types(view, selection.table, settings))
        else:
            _TEXT_WRITERS[form](beside, counted, kinds)
        size = beside.stat().st_size
    return Exported(path, form, counted.rows, size)


class _Counted:
    """Pages of rows, counted while they are read."""

    def __init__(self, pages: Iterator[list[tuple[Any, ...]]]) -> None:
        self.rows = 0
        self._pages = pages

    def __iter__(self) -> Iterator[Sequence[tuple[Any, ...]]]:
        for page in self._pages:
            self.rows += len(page)
            yield page


def _write_csv(path: Path, pages: _Counted, kinds: dict[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(kinds)
        for page in pages:
            writer.writerows(csv_cells(page, list(kinds.values())))


def _write_json_lines(path: Path, pages: _Counted, kinds: dict[str, str]) -> None:
    with path.open("wb") as file:
        for page in pages:
            file.write(json_lines(page, kinds))


_TEXT_WRITERS = {"csv": _write_csv, "json": _write_json_lines}
