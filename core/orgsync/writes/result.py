"""How a write ended: the counts, whose sum is the input, and what became of every row."""

import weakref
from collections.abc import Iterator

from orgsync.errors import ArgumentInvalid, InternalError, OrgsyncError

from .row_result import RowResult, RowStatus, WriteCounts
from .spool import Spool

__all__ = ["WriteResult"]


class WriteResult:
    """What became of the rows of a write; iterating it yields a `RowResult` for each, in the input's order.

    The rows are kept in a temporary file that is deleted with this object, or by `close`. `counts` always satisfy
    rows = written + refused + unprocessed + unknown. `problem` is what ended the write early, None where nothing did;
    its remedy says how the other rows get written. Where it is a call that Salesforce has refused as a whole, the rows
    of that call are refused with Salesforce's reason; those that were not sent are unprocessed.
    """

    def __init__(self, spool: Spool, problem: OrgsyncError | None = None) -> None:
        self.problem = problem
        self.spool = spool
        self.counts = spool.counts()
        self._finalizer = weakref.finalize(self, spool.close)
        _require_whole(self.counts)

    @property
    def can_be_resumed(self) -> bool:
        """Whether it ended early, and the same write may still be completed later."""
        return self.problem is not None and not isinstance(self.problem, ArgumentInvalid)

    def __iter__(self) -> Iterator[RowResult]:
        return self.spool.results()

    def __len__(self) -> int:
        return self.counts.rows

    def __repr__(self) -> str:
        return f"WriteResult({self.counts})"

    @property
    def rows(self) -> int:
        """The rows of the input."""
        return self.counts.rows

    @property
    def written(self) -> int:
        """The rows that the org has as they were given."""
        return self.counts.written

    @property
    def created(self) -> int:
        """The rows among those written that are new."""
        return self.counts.created

    @property
    def refused(self) -> int:
        """The rows that Salesforce did not accept."""
        return self.counts.refused

    @property
    def unprocessed(self) -> int:
        """The rows that were surely not written, without a fault of their own."""
        return self.counts.unprocessed

    @property
    def unknown(self) -> int:
        """The rows that may have been written: no response says so."""
        return self.counts.unknown

    def failures(self) -> Iterator[RowResult]:
        """Yield the rows that are not known to be written."""
        return self.spool.results(RowStatus.REFUSED, RowStatus.UNPROCESSED, RowStatus.UNKNOWN)

    def close(self) -> None:
        """Delete the temporary file; the counts stay."""
        self._finalizer()


def _require_whole(counts: WriteCounts) -> None:
    """Raise InternalError where a row of the input is not accounted for, or is twice."""
    if not counts.is_whole:
        raise InternalError(
            f"Of {counts.rows:,} rows, {counts.written:,} were written, {counts.refused:,} refused, "
            f"{counts.unprocessed:,} not processed and {counts.unknown:,} are unknown, which is not their sum.",
            "Please report it, and compare the org with the input before writing again.",
        )
