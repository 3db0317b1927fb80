"""What became of the rows of an ingest job: three CSV files, each downloaded whole before a row of it is used."""

import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Literal, TypeAlias

import anyio.to_thread

from orgsync.errors import NetworkProblem, ResponseUnreadable, TransientProblem
from orgsync.records.csv_records import Lines, LinesBroken

from ..api.client import Client
from ..errors.error_body import api_error_of
from ..errors.retry import backoff, pause
from ..http.messages import Stream
from .ingest_jobs import IngestJob, ingest_resource

__all__ = ["RESULT_KINDS", "IngestResult", "ResultKind", "ingest_result"]

ResultKind: TypeAlias = Literal["successfulResults", "failedResults", "unprocessedrecords"]
RESULT_KINDS: tuple[ResultKind, ...] = ("successfulResults", "failedResults", "unprocessedrecords")

_TRIES = 5
_COUNT_TRIES = 3  # of a whole file that holds fewer rows than the job counts: it may still be on its way
_CHUNK = 256 * 1024
_IN_MEMORY = 1024 * 1024  # bytes, beyond which a file is kept on the disk
_CSV = {"Accept": "text/csv"}


@dataclass(frozen=True, slots=True)
class IngestResult:
    """One file of results: how many rows it holds, and the rows themselves."""

    rows: int
    _file: IO[bytes] = field(repr=False)

    def parts(self) -> Iterator[tuple[tuple[str, ...], list[list[str]]]]:
        """Read the file from its start: the header, and some rows at a time."""
        self._file.seek(0)
        lines, header = Lines(), tuple[str, ...]()
        while chunk := self._file.read(_CHUNK):
            rows = lines.feed(chunk)
            if not header and rows:
                header = tuple(rows.pop(0))
            yield header, rows
        rows = lines.end()
        if not header and rows:
            header = tuple(rows.pop(0))
        yield header, rows


@asynccontextmanager
async def ingest_result(client: Client, job: IngestJob, kind: ResultKind) -> AsyncGenerator[IngestResult]:
    """Download one file of results of a job that has ended; it is deleted after the block.

    A download that breaks off begins again. One that holds fewer rows than the job counts is tried again too, and then
    taken as it is: rows that are in no file are the caller's to find. Raises NetworkProblem or ResponseUnreadable.
    """
    expected = _expected(job, kind)
    problem: TransientProblem | None = None
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        short = 0
        for tries in range(1, _TRIES + 1):
            try:
                rows = await _download(client, f"{ingest_resource(job.id, job.api_version)}/{kind}", file)
            except (NetworkProblem, ResponseUnreadable) as error:
                problem = error
                await pause(backoff(tries))
                continue
            short += 1
            if expected is None or rows >= expected or short >= _COUNT_TRIES:
                yield IngestResult(rows, file)
                return
            await pause(backoff(tries))
        if problem is not None:
            raise problem
        yield IngestResult(rows, file)  # pyright: ignore[reportPossiblyUnboundVariable] # no problem: there was a try


def _expected(job: IngestJob, kind: ResultKind) -> int | None:
    """Return how many rows a file should hold; None where the job does not say."""
    if kind == "unprocessedrecords" or job.failed is None:
        return None
    if kind == "failedResults":
        return job.failed
    return None if job.processed is None else job.processed - job.failed


async def _download(client: Client, path: str, file: "tempfile.SpooledTemporaryFile[bytes]") -> int:
    """Write a file of results to the disk, and return how many rows it has below its header."""
    await anyio.to_thread.run_sync(_emptied, file)
    lines, rows = Lines(), 0
    async with client.stream(path, headers=_CSV) as stream:
        await _require_csv(stream)
        try:
            async for chunk in stream.chunks():
                file.write(chunk)
                rows += len(lines.feed(chunk))
            rows += len(lines.end())
        except LinesBroken:
            raise _unreadable(stream.place, "is not CSV, or is cut inside a row") from None
    return max(0, rows - 1)


def _emptied(file: "tempfile.SpooledTemporaryFile[bytes]") -> None:
    file.seek(0)
    file.truncate()


async def _require_csv(stream: Stream) -> None:
    """Raise ResponseUnreadable for a success that is JSON or HTML, and name the error of Salesforce's in it."""
    kind = next((each for each in ("json", "html") if each in stream.headers.get("content-type", "").lower()), None)
    if kind is None:
        return
    error = api_error_of(await stream.read()) if kind == "json" else None
    shown = f" ({error.shown})" if error else ""
    raise _unreadable(stream.place, f"is {kind.upper()} in place of CSV{shown}")


def _unreadable(place: str, what: str) -> ResponseUnreadable:
    return ResponseUnreadable(f"The response to {place} {what}.", "The same write later reads the results again.")
