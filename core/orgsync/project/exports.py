"""Rows of the copy, or their changes, written to a file: CSV, JSON lines or Parquet."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from orgsync.errors import ArgumentInvalid
from orgsync.settings import Settings, load_settings
from orgsync.store.view import Selection, View
from orgsync.suggest import nearest

from .column_types import python_types
from .new_file import new_file, require_usable
from .row_text import csv_cells, json_lines
from .selections import selection_of
from .view import open_view

if TYPE_CHECKING:
    from orgsync.records import Record

__all__ = ["Exported", "FileFormat", "export", "exported_view", "file_format", "write_rows"]

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


async def export(
    model: "type[Record] | str",
    path: Path | str,
    *,
    connection: str | None = None,
    columns: Sequence[str] = (),
    where: str = "",
    changes_after: int | None = None,
    overwrite: bool = False,
    settings: Settings | None = None,
) -> Exported:
    """Write the live rows of a record class to FILE.parquet, FILE.csv or FILE.jsonl, as `orgsync records --to` does.

    `where` is an SQL expression, `columns` are all by default. With `changes_after` it is the changes after that number
    that are written, deleted rows included. All rows are of one moment. The file is whole or not there, and its owner
    alone can read it. Cancelling leaves no file.

    Raises NameUnknown for a table, connection or column that does not exist, ArgumentInvalid for a suffix that names no
    format, for a condition that is not one expression, for a number that the feed has not reached, and for a value that
    a Parquet file cannot hold; NameTaken where there is a file already and `overwrite` is not set, FileUnusable for a
    place where none can be made, PackageMissing where Parquet's packages are not installed.
    """
    import anyio.from_thread
    import anyio.to_thread

    loaded, place = settings or load_settings(), Path(path)
    table = model if isinstance(model, str) else _table_of(model)
    form = file_format(place)

    def write() -> Exported:
        with open_view(loaded) as view:
            changes = changes_after is not None
            selection = selection_of(
                view,
                loaded,
                table,
                connection=connection,
                changes=changes,
                after=changes_after or 0,
                columns=columns,
                where=where,
            )
            checked = anyio.from_thread.check_cancelled
            return write_rows(view, selection, place, form, settings=loaded, overwrite=overwrite, on_page=checked)

    return await anyio.to_thread.run_sync(write)


def _table_of(model: "type[Record]") -> str:
    from orgsync.records import schema_of  # here: the command, which names tables, loads no record classes

    return schema_of(model).table


def write_rows(
    view: View,
    selection: Selection,
    path: Path,
    form: FileFormat,
    *,
    settings: Settings,
    overwrite: bool = False,
    on_page: Callable[[], None] = lambda: None,
) -> Exported:
    """Write rows to a file, all from one state of the database; what `on_page` raises ends it.

    Raises NameTaken, FileUnusable, PackageMissing and ArgumentInvalid, and leaves no file then.
    """
    require_usable(path, view, settings, overwrite=overwrite)
    if form == "parquet":
        from .parquet import require_parquet

        require_parquet()
    with view.one_state(), new_file(path, overwrite=overwrite) as beside:
        columns = view.columns(selection.table, changes=selection.changes)
        kinds = {name: columns.get(name, "") for name in selection.columns or columns}
        counted = _Counted(view.pages(selection), on_page)
        if form == "parquet":
            from .parquet import write_parquet

            write_parquet(beside, counted, kinds, python_types(view, selection.table, settings))
        else:
            _TEXT_WRITERS[form](beside, counted, kinds)
        size = beside.stat().st_size
    return Exported(path, form, counted.rows, size)


class _Counted:
    """Pages of rows, counted while they are read."""

    def __init__(self, pages: Iterator[list[tuple[Any, ...]]], on_page: Callable[[], None]) -> None:
        self.rows = 0
        self._pages = pages
        self._on_page = on_page

    def __iter__(self) -> Iterator[Sequence[tuple[Any, ...]]]:
        for page in self._pages:
            self._on_page()
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
