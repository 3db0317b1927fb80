"""Files with the rows that were not written: to correct and write again, or to look for in the org first."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

from orgsync.errors import FileUnusable

from .csv_file import RESERVED
from .json_lines import is_json_lines
from .row_result import RowResult, RowStatus
from .spool import ABSENT, Given, Spool
from .values import csv_text

__all__ = ["OutcomeFiles", "write_outcomes"]

_AT_ONCE = 500
_ADDED = (f"{RESERVED}line", f"{RESERVED}status", f"{RESERVED}error")


@dataclass(frozen=True, slots=True)
class OutcomeFiles:
    """The files that were written, None where there is no row for one.

    `refused` holds rows that are surely not in the org, to be corrected and written again; `unknown` those that may be
    there.
    """

    refused: Path | None = None
    unknown: Path | None = None


def write_outcomes(
    source: Path, spool: Spool, columns: Sequence[str], delimiter: str, *, replace: bool, resumed: bool = False
) -> OutcomeFiles:
    """Write FILE.refused and FILE.unknown beside a file, in its format; without `replace`, those that exist stay.

    A name that exists is replaced at once by a whole file; where the write was `resumed` and there is no row for it, it
    is deleted, for its rows are those of the write's earlier part. Raises FileUnusable where that cannot be done.
    """
    refused = RowStatus.REFUSED, RowStatus.UNPROCESSED

    def made(word: str, statuses: Sequence[RowStatus]) -> Path | None:
        path = source.with_suffix(f".{word}{source.suffix}")
        if next(spool.results(*statuses), None) is None:
            if replace and resumed:
                _delete(path)
            return None
        if replace or not path.exists():
            _write(path, spool, statuses, columns, delimiter)
        return path

    return OutcomeFiles(made("refused", refused), made("unknown", [RowStatus.UNKNOWN]))


def _write(path: Path, spool: Spool, statuses: Sequence[RowStatus], columns: Sequence[str], delimiter: str) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            rows = _rows(spool, statuses)
            if is_json_lines(path):
                _write_json(file, spool, rows)
            else:
                _write_csv(file, spool, rows, columns, delimiter)
        part.replace(path)
    except OSError as error:
        raise FileUnusable(
            f"{path} cannot be written: {error.strerror}.",
            "Make room, or give this user the right to write there; the same command then writes it.",
        ) from None


def _delete(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise FileUnusable(
            f"{path} cannot be deleted: {error.strerror}.",
            "Delete it: it is of an earlier part of the write, and no row is left for it.",
        ) from None


def _rows(spool: Spool, statuses: Sequence[RowStatus]) -> Iterator[tuple[Given, RowResult]]:
    results = spool.results(*statuses)
    while some := list(islice(results, _AT_ONCE)):
        yield from zip(spool.at([each.place for each in some]), some, strict=True)


def _write_csv(
    file: IO[str], spool: Spool, rows: Iterator[tuple[Given, RowResult]], columns: Sequence[str], delimiter: str
) -> None:
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*columns, *_ADDED])
    for row, result in rows:
        cells = dict(zip(spool.columns(row.group), row.cells, strict=True))
        texts = [csv_text(cells[name]) if name in cells else "" for name in columns]
        writer.writerow([*texts, row.line, result.status.value, _error(result)])


def _write_json(file: IO[str], spool: Spool, rows: Iterator[tuple[Given, RowResult]]) -> None:
    for row, result in rows:
        cells = dict(zip(spool.columns(row.group), row.cells, strict=True))
        added = dict(zip(_ADDED, (row.line, result.status.value, _error(result)), strict=True))
        given = {name: value for name, value in cells.items() if value is not ABSENT}
        file.write(json.dumps({**given, **added}, ensure_ascii=False) + "\n")


def _error(result: RowResult) -> str:
    fields = f" [{', '.join(result.fields)}]" if result.fields else ""
    return f"{result.code}{fields}: {result.message}" if result.code else result.message
