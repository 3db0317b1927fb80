"""What became of one row that was to be written, and of all of them together."""

from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["RowResult", "RowStatus", "WriteCounts"]


class RowStatus(StrEnum):
    """What became of a row."""

    WRITTEN = "written"
    """The org has it as it was given."""
    REFUSED = "refused"
    """Salesforce did not accept it; `code` says why."""
    UNPROCESSED = "unprocessed"
    """It was surely not written, and `message` says why: it was not sent, or Salesforce gave up before it."""
    UNKNOWN = "unknown"
    """It may have been written: no response says so. To send it again may write it twice."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of the row at `place`, counted from 0 in the input.

    `id` is empty where the org gave none, `created` None where it does not say. `code`, `fields` and `message` are
    Salesforce's; the message may hold values of the row.
    """

    place: int
    status: RowStatus
    id: str = ""
    created: bool | None = None
    code: str = ""
    fields: tuple[str, ...] = ()
    message: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class WriteCounts:
    """How many rows there were, and what became of them; `created` are among those written."""

    rows: int = 0
    written: int = 0
    created: int = 0
    refused: int = 0
    unprocessed: int = 0
    unknown: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether every row of the input is accounted for, once."""
        return self.rows == self.written + self.refused + self.unprocessed + self.unknown

    @property
    def failed(self) -> int:
        """The rows that are not known to be written."""
        return self.rows - self.written
