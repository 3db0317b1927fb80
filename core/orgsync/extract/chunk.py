"""A chunk: some rows of a query's result, in whichever form they came."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orgsync.records import DecodedRecords, FieldFacts, Row, Schema, decode, decode_csv, values_of

from .state import StreamState

__all__ = ["Chunk"]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a result, records from REST or texts from Bulk, and the state that the stream reaches with them.

    Rows of a long result may be decoded already, unless a step reads them `raw`: `decoded`, or DecodedRecords.

    The last chunk of a query has no rows: its state is the beginning of the next step.
    """

    state: StreamState
    records: Sequence[dict[str, Any]] = ()
    header: Sequence[str] = ()
    texts: Sequence[Sequence[str]] = ()
    decoded: Sequence[Row] = ()
    is_last: bool = False

    @property
    def ids(self) -> list[str]:
        """The rows' Ids."""
        if self.decoded:
            return [str(row[0]) for row in self.decoded]
        if self.records or not self.texts:
            return [*values_of(self.records, "Id")]
        at = [name.lower() for name in self.header].index("id")
        return [row[at] for row in self.texts]

    def rows(self, schema: Schema, facts: FieldFacts) -> Sequence[Row]:
        """Return the rows in stored form; raises as `decode` does."""
        if self.decoded:
            return self.decoded
        if isinstance(self.records, DecodedRecords):
            return self.records.rows
        if self.texts:
            return decode_csv(schema, self.header, self.texts, facts)
        return decode(schema, self.records, facts)
