"""The streams of one sync on one connection: where each has been read to, and the table that holds its rows.

A stream is what is read of one record class, named by the class's table. Its rows are stored in that table, or in
another class's where the script maps them.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from orgsync.errors import BatchInvalid
from orgsync.records import Position, Record, Schema
from orgsync.scripts import Sync
from orgsync.store import Checkpoint, Owed, owed_in

from .stored_columns import StoredColumns
from .stored_masks import StoredMasks

__all__ = ["Streams"]

_CARRIED_OUT: Mapping[Owed, str] = {
    "full": "An earlier run was to read everything and did not: this one does.",
    "reconcile": "An earlier run was to compare the copy's Ids with the org's and did not: this one does.",
}


@dataclass(slots=True)
class Streams:
    """Watermarks and tables by stream, at first those of earlier runs, then those of this one's commits."""

    watermarks: dict[str, datetime | None] = field(default_factory=dict[str, datetime | None])
    tables: dict[str, str] = field(default_factory=dict[str, str])
    columns: StoredColumns = field(default_factory=StoredColumns)
    masks: StoredMasks = field(default_factory=StoredMasks)
    advanced: set[str] = field(default_factory=set[str])
    owed: dict[str, Owed] = field(default_factory=dict[str, Owed])

    def resume(
        self,
        saved: Mapping[str, Checkpoint],
        sync: Sync[Record],
        existing: Collection[str],
        *,
        asked: Owed,
        masking: str,
        warn: Callable[[str], None],
    ) -> dict[str, Position]:
        """Take over the checkpoints of earlier runs, and return the positions that the sync resumes at.

        Positions are dropped that say nothing of the rows in their table any more: the table is not among the existing
        ones, which is warned of, or the class that a script maps the rows to has gained columns. `masking` is the
        fingerprint of the key that columns are masked with. `asked` is what this run was asked for; more that an
        earlier one was, and has left, is warned of.
        """
        self.watermarks = {name: kept.watermark for name, kept in saved.items() if name}
        self.tables = {name: kept.kept_in for name, kept in saved.items() if name and kept.kept_in}
        self.columns, self.masks = StoredColumns.of(saved, masking), StoredMasks.of(saved, masking)
        known = {table.lower() for table in existing}
        dropped = [stream for stream, table in self.tables.items() if table.lower() not in known]
        for stream in dropped:
            warn(f"The table {self.tables[stream]} is no longer in the database: everything is read again.")
        restarted = {*dropped, *self.columns.outgrown(sync.models, self.tables)}
        self.owed = {name: owed for name, kept in saved.items() if (owed := owed_in(name, kept.position))}
        for owed in ("full", "reconcile"):
            if owed in self.owed.values() and asked not in (owed, "full"):
                warn(_CARRIED_OUT[owed])
        whole = {name for name, owed in self.owed.items() if owed == "full"}
        self.columns.forget(restarted | whole)
        positions = {name: Position(name, kept.watermark, kept.position) for name, kept in saved.items()}
        without = restarted | (whole & {""})  # what a pass has read is dropped by the pass itself
        return {name: position for name, position in positions.items() if name not in without}

    @property
    def settled(self) -> list[str]:
        """The streams in which something was owed and that no pass of this run, which is done, has read."""
        return [stream for stream in self.owed if stream not in self.advanced]

    def table_of(self, schema: Schema) -> str:
        """Return the table that holds what is read of a class."""
        return self.tables.get(schema.table, schema.table)

    def require_table(self, stream: str, table: str, sync: str) -> None:
        """Raise BatchInvalid where the rows of a stream come for another table than before, or another stream's.

        Missing rows are found by looking into the table that holds them, and it alone. SQLite ignores the case of a
        table's name.
        """
        before = self.tables.get(stream, table)
        if before.lower() != table.lower():
            raise BatchInvalid(
                f"The sync {sync} has stored what it reads of {stream} in the table {before}, and now yields it for "
                f"the table {table}.",
                f"Yield it for {before} as before, or start over: orgsync reset {sync}.",
            )
        alike = [name for name, kept in self.tables.items() if kept.lower() == table.lower()]
        other = next((name for name in alike if name != stream), None)
        if other is not None:
            raise BatchInvalid(
                f"The sync {sync} yields what it reads of {stream} for the table {table}, which holds what it reads of "
                f"{other}: each would mark the other's rows deleted.",
                "Give each a record class with a table of its own: batch.map(change, model=...).",
            )

    def advance(self, position: Position, table: str | None) -> None:
        """Note a committed position, and the table that its rows went to, if it had any."""
        if table is not None:
            self.tables[position.stream] = table
        self.watermarks[position.stream] = position.watermark
        self.advanced.add(position.stream)

    @property
    def watermark(self) -> datetime | None:
        """The earliest watermark of the streams that advanced, or of all if none did.

        A stream that the sync no longer reads says nothing about the others.
        """
        of = self.advanced or self.watermarks.keys()
        return min((watermark for stream in of if (watermark := self.watermarks[stream])), default=None)
