"""Files of rows that are written to an org: what the command gives, and what it shows of the end."""

from itertools import islice
from pathlib import Path
from typing import Any

from orgsync.writes import FileCheck, FileResult, FileWrite, RowResult, WriteProgress, WriteRequest, WriteResult

from .views import instant

__all__ = [
    "FileCheck",
    "FileResult",
    "FileWrite",
    "WriteProgress",
    "WriteResult",
    "check_view",
    "counts_view",
    "failure_lines",
    "file_write",
    "write_view",
]

_MOST_FAILURES = 100


def file_write(
    path: Path,
    sobject: str,
    operation: str,
    *,
    external_id: str | None = None,
    update_only: bool = False,
    delimiter: str = ",",
    again: bool = False,
) -> FileWrite:
    """Return the write of a file as the command's options name it; `tab` is a delimiter."""
    request = WriteRequest(sobject, operation, external_id, update_only)
    return FileWrite(path, request, {"tab": "\t", "\\t": "\t"}.get(delimiter, delimiter), again)


def counts_view(result: WriteResult) -> dict[str, Any]:
    """Return the counts of a write, for programs."""
    counts = result.counts
    return {
        "rows": counts.rows,
        "written": counts.written,
        "created": counts.created,
        "refused": counts.refused,
        "unprocessed": counts.unprocessed,
        "unknown": counts.unknown,
    }


def write_view(file: FileWrite, connection: str, ended: FileResult) -> dict[str, Any]:
    """Return how the write of a file ended, for programs; the first hundred rows that failed are listed."""
    result, problem = ended.result, ended.result.problem
    return {
        "file": str(file.path),
        "object": file.request.sobject,
        "operation": file.request.operation,
        "connection": connection,
        **counts_view(result),
        "resumed": ended.begun_at is not None and ended.finished_at is None,
        "written_before": instant(ended.finished_at) if ended.finished_at else None,
        "refused_file": str(ended.files.refused) if ended.files.refused else None,
        "unknown_file": str(ended.files.unknown) if ended.files.unknown else None,
        "error": problem.cause if problem else None,
        "error_code": problem.code if problem else None,
        "remedy": problem.remedy if problem else None,
        "failures": [_failure(result, each) for each in islice(result.failures(), _MOST_FAILURES)],
    }


def check_view(file: FileWrite, connection: str, check: FileCheck) -> dict[str, Any]:
    """Return what the write of a file would do, for programs."""
    return {
        "file": str(file.path),
        "object": file.request.sobject,
        "operation": file.request.operation,
        "connection": connection,
        "dry_run": True,
        "rows": check.rows,
        "columns": list(check.columns),
        "collections": check.collections,
        "jobs": check.jobs,
        "invalid_rows": check.invalid_rows,
        "problems": [{"line": each.line, "field": each.field, "what": each.what} for each in check.problems],
    }


def failure_lines(result: WriteResult, most: int) -> list[str]:
    """Return a line for each of the first rows that failed."""
    return [_line(result, each) for each in islice(result.failures(), most)]


def _failure(result: WriteResult, row: RowResult) -> dict[str, Any]:
    return {
        "line": result.spool.line(row.place),
        "status": row.status.value,
        "code": row.code,
        "fields": list(row.fields),
        "message": row.message,
    }


def _line(result: WriteResult, row: RowResult) -> str:
    where = f"line {result.spool.line(row.place)}"
    if not row.code:
        return f"{where}: {row.status.value}: {row.message}"
    fields = f" ({', '.join(row.fields)})" if row.fields else ""
    return f"{where}: {row.code}{fields}: {row.message}"
