"""What is remembered of a write while it is under way, so that another process can go on where this one ended."""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .row_result import RowResult, RowStatus

__all__ = ["Ledger", "MemoryLedger", "PartEntry", "PartState", "packed", "unpacked"]


class PartState(StrEnum):
    """How far a part has come. Each is kept before the step that follows it."""

    PLANNED = "planned"
    """Nothing was sent."""
    SENDING = "sending"
    """A collection is on its way; whether it was carried out is unknown until the next state."""
    CREATED = "created"
    """A job is there; its upload may be."""
    UPLOADED = "uploaded"
    """The job has its upload; it may have been closed."""
    CLOSED = "closed"
    """The job goes on by itself."""
    DONE = "done"
    """The result of every row is kept."""


@dataclass(frozen=True, slots=True)
class PartEntry:
    """What is kept of a part. `digest` is that of its rows.

    `places` are kept for parts that the input alone does not determine, `found` are the Ids of rows that were looked up
    by their external ids.
    """

    number: int
    digest: str
    state: PartState = PartState.PLANNED
    retry: int = 0
    bulk: bool = False
    group: int = 0
    places: Sequence[int] | None = None
    found: Mapping[int, str] | None = None
    job: str = ""
    api_version: str = ""


class Ledger(Protocol):
    """Where the parts of one write are kept. `resumption` says how the rows get written of a write that ended early."""

    @property
    def resumption(self) -> str:
        """A sentence for after `Then`."""
        ...

    async def entries(self) -> Mapping[int, PartEntry]:
        """Return what is kept, by the parts' numbers."""
        ...

    async def outcomes(self, number: int) -> bytes:
        """Return what became of the rows of a part that is done, packed."""
        ...

    async def save(self, entry: PartEntry, outcomes: bytes = b"") -> None:
        """Keep an entry, with packed outcomes where it is done; it is on the disk when this returns."""
        ...

    async def finish(self) -> None:
        """Note that the write is complete."""
        ...


class MemoryLedger:
    """A ledger for a write that nobody resumes."""

    resumption = "write the rows again that are refused or unprocessed; look for unknown ones in the org before."

    async def entries(self) -> Mapping[int, PartEntry]:
        """Return nothing."""
        return {}

    async def outcomes(self, number: int) -> bytes:
        """Return nothing: no part is known to be done."""
        return packed(())

    async def save(self, entry: PartEntry, outcomes: bytes = b"") -> None:
        """Keep nothing."""

    async def finish(self) -> None:
        """Do nothing."""


def packed(results: Iterable[RowResult]) -> bytes:
    """Return results as bytes."""
    zipper = zlib.compressobj(level=1)
    out = bytearray()
    for each in results:
        row = [each.place, each.status.value, each.id, each.created, each.code, each.fields, each.message]
        out += zipper.compress(json.dumps(row, separators=(",", ":")).encode() + b"\n")
    return bytes(out + zipper.flush())


def unpacked(outcomes: bytes) -> Iterator[RowResult]:
    """Read results back."""
    for line in zlib.decompress(outcomes).splitlines():
        place, status, row_id, created, code, fields, message = json.loads(line)
        yield RowResult(place, RowStatus(status), row_id, created, code, tuple(fields), message)
