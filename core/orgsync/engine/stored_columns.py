"""The columns that rows have been stored with where a script maps them to another class.

A position holds for those columns alone: when that class gains a column, rows that did not change have no value in it,
and the pass that reads them knows nothing of the class.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from orgsync.errors import BatchInvalid
from orgsync.records import Position, Record, Schema, schema_of
from orgsync.store import Checkpoint

__all__ = ["StoredColumns"]

_KEY = "stored_columns"


@dataclass(slots=True)
class StoredColumns:
    """The columns by stream; streams whose rows stay of the class that was read have no entry.

    `masking` is the fingerprint of the key that columns are masked with.
    """

    by_stream: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    masking: str = ""

    @classmethod
    def of(cls, saved: Mapping[str, Checkpoint], masking: str) -> "StoredColumns":
        """Read them from the checkpoints of a sync, by stream."""
        return cls(
            {stream: list(each.position[_KEY]) for stream, each in saved.items() if _KEY in each.position}, masking
        )

    def outgrown(self, models: Iterable[type[Record]], tables: Mapping[str, str]) -> list[str]:
        """Return the streams whose rows are stored as a class that has gained columns since.

        `models` are the classes that the sync is known to write, `tables` the table of each stream's rows.
        """
        schemas = {schema.table.lower(): schema for schema in map(schema_of, models)}
        return [
            stream
            for stream, columns in self.by_stream.items()
            if (schema := schemas.get(tables.get(stream, "").lower())) and self._missing(schema, columns)
        ]

    def forget(self, streams: Iterable[str]) -> None:
        """Forget the columns of streams that are read from the start."""
        for stream in streams:
            self.by_stream.pop(stream, None)

    def added_to(self, position: Position, schema: Schema) -> Position:
        """Return the position with the columns of its stream, whose batch is of this class.

        Raises BatchInvalid where the class has gained columns that no saved position knows of.
        """
        stream = position.stream
        if schema.table.lower() != stream.lower():
            columns = self.by_stream.setdefault(stream, self._labels(schema))
            if missing := self._missing(schema, columns):
                raise BatchInvalid(
                    f"{schema.model.__name__} has gained {', '.join(missing)}, which rows stored before do not have.",
                    "Read everything again, once: run the sync with --full.",
                )
        if stream not in self.by_stream:
            return position
        return replace(position, state={**position.state, _KEY: self.by_stream[stream]})

    def _missing(self, schema: Schema, columns: Iterable[str]) -> list[str]:
        known = set(columns)
        return [label for label in self._labels(schema) if label not in known]

    def _labels(self, schema: Schema) -> list[str]:
        """Return the columns, those that are masked with how: what was stored under another mask is replaced."""
        return [
            f"{column.name} ({column.mask} {self.masking})" if column.mask else column.name for column in schema.fields
        ]
