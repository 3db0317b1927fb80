"""Writing a file: checked to its last line before anything is sent, resumed by the same call, refused rows kept."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

import anyio

from orgsync.errors import ArgumentInvalid, FileUnusable
from orgsync.salesforce.api.client import Client
from orgsync.suggest import path_remedy

from .checks import RowProblem, row_problems
from .csv_file import CsvRows
from .intake import Intake
from .json_lines import JsonRows, is_json_lines
from .ledgers import Ledgers, key_of
from .operation import operation_named
from .outcome_files import OutcomeFiles, write_outcomes
from .plan import DEFAULT_PLAN, PlanSizes, plan
from .request import WriteRequest, unobserved
from .result import WriteResult
from .spool import Spool
from .target import Target, aim
from .writer import WriteProgress, Writer

__all__ = ["FileCheck", "FileResult", "FileWrite", "check_file", "write_file"]


@dataclass(frozen=True, slots=True)
class FileWrite:
    """A file of rows to write: CSV, or JSON lines where its name ends in .jsonl or .ndjson.

    One that was written before is not written again but with `again`.
    """

    path: Path
    request: WriteRequest
    delimiter: str = ","
    again: bool = False

    def rows(self) -> CsvRows | JsonRows:
        """Return what reads it."""
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n':
            raise ArgumentInvalid("A delimiter is one character, and not a quote.", "Use , or ; or | or tab.")
        return JsonRows(self.path) if is_json_lines(self.path) else CsvRows(self.path, self.delimiter)


@dataclass(frozen=True, slots=True)
class FileResult:
    """How the write of a file ended.

    `begun_at` is when an earlier call began it, `finished_at` when an earlier call had completed it, so that nothing
    was sent now. `files` are those with the rows that were not written.
    """

    result: WriteResult
    begun_at: datetime | None
    finished_at: datetime | None
    files: OutcomeFiles


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What a write of a file would do: its rows, the collections and the jobs, and the rows that would be refused."""

    rows: int
    collections: int
    jobs: int
    columns: tuple[str, ...]
    invalid_rows: int
    problems: tuple[RowProblem, ...]


@dataclass(slots=True)
class _Taken:
    """A file that was taken in."""

    target: Target
    spool: Spool
    rows: CsvRows | JsonRows

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the file, those of orgsync's own left out."""
        seen = dict.fromkeys(name for group in self.spool.groups() for name in group.columns)
        return tuple(seen)


async def write_file(
    client: Client,
    ledgers: Ledgers,
    file: FileWrite,
    *,
    observe: Callable[[WriteProgress], None] = unobserved,
    stopped: Callable[[WriteResult], None] = lambda _: None,
    stalled_after: timedelta,
    sizes: PlanSizes = DEFAULT_PLAN,
) -> FileResult:
    """Write the rows of a file; the same call later resumes what is unfinished, and sends nothing that was sent.

    `stopped` is called with what is known when the write is cancelled. Raises FileUnusable for a file that cannot be
    read to its end, and else as `write_rows`.
    """
    taken = await _take(client, file)
    try:
        key = key_of(
            "file",
            taken.rows.digest,
            file.request.sobject.lower(),
            str(taken.target.operation),
            taken.target.external_id,
            file.request.update_only,
            file.delimiter,
        )
        async with ledgers.open(key, file.path.name, by="the same command", again=file.again) as opened:
            writer = Writer(client, taken.target, taken.spool, opened.ledger, observe, stalled_after, sizes)
            try:
                result = await writer.write()
            except anyio.get_cancelled_exc_class():
                stopped(writer.stopped())
                raise
            fresh, resumed = opened.finished_at is None, opened.begun_at is not None
            files = write_outcomes(
                file.path, taken.spool, taken.columns, file.delimiter, replace=fresh, resumed=resumed
            )
            return FileResult(result, opened.begun_at, opened.finished_at, files)
    except BaseException:
        with suppress(Exception):
            taken.spool.close()
        raise


async def check_file(client: Client, file: FileWrite, *, most: int = 20, sizes: PlanSizes = DEFAULT_PLAN) -> FileCheck:
    """Check the rows of a file against describe, and send nothing; at most `most` of the problems are returned."""
    taken = await _take(client, file)
    try:
        found = row_problems(taken.spool, taken.target)
        shown = tuple(islice(found, most))
        invalid_rows = len(shown) + sum(1 for _ in found)
        ways = Counter(part.bulk for part in plan(taken.spool, taken.target.operation, sizes))
        rows = taken.spool.counts().rows
        return FileCheck(rows, ways[False], ways[True], taken.columns, invalid_rows, shown)
    finally:
        taken.spool.close()


async def _take(client: Client, file: FileWrite) -> _Taken:
    """Read a file to its end, each row checked against the object."""
    operation = operation_named(file.request.operation)
    request, rows = file.request, file.rows()
    _require_file(file.path)
    target = await aim(
        client, request.sobject, operation, external_id=request.external_id, update_only=request.update_only
    )
    spool = Spool()
    try:
        intake = Intake(client, target, spool, request.schema)
        for line, row in rows:
            if not intake.rows:
                await _check_header(intake, rows)
            await intake.add(row, line=line)
        if not intake.rows:
            await _check_header(intake, rows)
        intake.flush()
    except BaseException:
        spool.close()
        raise
    return _Taken(target, spool, rows)


async def _check_header(intake: Intake, rows: CsvRows | JsonRows) -> None:
    if isinstance(rows, CsvRows):
        await intake.header(rows.columns)


def _require_file(path: Path) -> None:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise FileUnusable(f"{path} {what}.", path_remedy(path))
