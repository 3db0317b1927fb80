"""Which columns rows were kept with that a script makes another class's: a position holds for those columns alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from orgsync.errors import BatchInvalid
from orgsync.records import Position, Record, Schema, schema_of
from orgsync.store import Checkpoint

__all__ = ["KeptColumns"]

_KEY = "kept_columns"


@dataclass(slots=True)
class KeptColumns:
    """The columns by stream; a stream whose rows stay of the class that was read has none here.

    When such a class gains a column, rows that did not change have no value in it, and the pass that reads them knows
    nothing of it.
    """

    by_stream: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @classmethod
    def of(cls, saved: Mapping[str, Checkpoint]) -> "KeptColumns":
        """Read them from the checkpoints of a sync, by stream."""
        return cls({stream: list(each.position[_KEY]) for stream, each in saved.items() if _KEY in each.position})

    def outgrown(self, models: Iterable[type[Record]], tables: Mapping[str, str]) -> list[str]:
        """Name the streams whose rows are kept as a class that has more columns by now.

        `models` are the classes that the sync is known to write, `tables` the table of each stream's rows.
        """
        schemas = {schema.table.lower(): schema for schema in map(schema_of, models)}
        return [
            stream
            for stream, columns in self.by_stream.items()
            if (schema := schemas.get(tables.get(stream, "").lower())) and _lacking(schema, columns)
        ]

    def forget(self, streams: Iterable[str]) -> None:
        """Forget the columns of streams that are read anew."""
        for stream in streams:
            self.by_stream.pop(stream, None)

    def kept_in(self, position: Position, schema: Schema) -> Position:
        """Put the columns into a position whose batch is of this class.

        Raises ScriptProblem where the class has gained some that no saved position knows of.
        """
        stream = position.stream
        if schema.table.lower() != stream.lower():
            columns = self.by_stream.setdefault(stream, [column.name for column in schema.fields])
            if lacking := _lacking(schema, columns):
                raise BatchInvalid(
                    f"{schema.model.__name__} has gained {', '.join(lacking)}, which rows that were kept before lack.",
                    "Read everything anew, once: run the sync with --full.",
                )
        if stream not in self.by_stream:
            return position
        return replace(position, state={**position.state, _KEY: self.by_stream[stream]})


def _lacking(schema: Schema, columns: Iterable[str]) -> list[str]:
    known = set(columns)
    return [column.name for column in schema.fields if column.name not in known]
