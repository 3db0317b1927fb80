"""What a backend does with the tables of writes to orgs, a protocol like those of the control tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .model import OrgWrite

__all__ = ["StoredPart", "WriteTable"]


@dataclass(frozen=True, slots=True)
class StoredPart:
    """How far a part of a write has come, as JSON; what became of its rows is read by itself."""

    number: int
    entry: str


class WriteTable(Protocol):
    """Writes to connections' orgs, and their parts."""

    async def last(self, connection: str, key: str) -> OrgWrite | None:
        """Read the latest write of these rows."""
        ...

    async def start(self, connection: str, key: str, label: str) -> OrgWrite:
        """Insert a write."""
        ...

    async def finish(self, write_id: int) -> None:
        """Note that a write is complete."""
        ...

    async def parts(self, write_id: int) -> Sequence[StoredPart]:
        """Read the parts of a write, by number."""
        ...

    async def outcomes(self, write_id: int, number: int) -> bytes:
        """Read what became of a part's rows."""
        ...

    async def save_part(self, write_id: int, part: StoredPart, outcomes: bytes) -> None:
        """Insert or replace a part."""
        ...

    async def remove_before(self, instant: datetime) -> None:
        """Delete writes that were complete before an instant, and their parts."""
        ...
