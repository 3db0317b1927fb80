"""The state of a stream: what its checkpoint holds, and how a new run continues from it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from orgsync.records import Position, Schema
from orgsync.salesforce.bulk import Place

from .object_facts import ObjectFacts
from .steps import CHANGED, Step

__all__ = ["Key", "Pass", "ReadKind", "SavedJob", "StreamState", "Tally"]

ReadKind: TypeAlias = Literal["changes", "snapshot"]
Key: TypeAlias = tuple[str, ...]
"""How far a step has read: the values that the last row is sorted by."""

_FORMAT = 3
"""A checkpoint of another format is not used: everything is read again."""


class Shape(NamedTuple):
    """What a column holds: its field's path, the name of its type, whether the org may lack the field, its mask."""

    path: str
    type: str
    optional: bool = False
    mask: str = ""

    def holds_as(self, other: "Shape") -> bool:
        """Return whether both hold the same values."""
        return (self.path, self.type, self.mask) == (other.path, other.type, other.mask)


@dataclass(frozen=True, slots=True)
class SavedJob:
    """A Bulk job that a pass is reading, which another run can resume."""

    id: str
    api_version: str
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Tally:
    """The rows of a query that were read so far: it began behind a key, found so many, and so many of them came.

    `found` is None where Salesforce has not said it, or only for a part of the query.
    """

    began: Key = ()
    found: int | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """An unfinished pass: it reads what changed since `since`, or everything, and moves the watermark to `until`.

    `after` is the key of the last row that was read in the step, `tally` counts the rows up to there, `job` is the Bulk
    job that is being read. `compare` says
    that the copy's Ids are compared with the org's; `seq` is the number of the last change before the pass began, and
    `before` the number of live rows then. `read_again` says that the next pass has to read everything.
    """

    since: datetime | None
    until: datetime
    compare: bool = False
    seq: int = 0
    before: int = 0
    step: Step = CHANGED
    after: Key = ()
    tally: Tally = field(default_factory=Tally)
    job: SavedJob | None = None
    read_again: bool = False


@dataclass(frozen=True, slots=True)
class StreamState:
    """The checkpoint of a stream: its watermark, what it was read with, and the unfinished pass, if any.

    `paths` are the fields of `sobject` that were read. `columns` are those of the class that the rows were delivered
    with, by name; the path of a local column is "". `deletions_from` is the instant from which getDeleted is called
    next, `compared_at` when the Ids were last compared.
    """

    watermark: datetime | None = None
    kind: ReadKind = "changes"
    paths: tuple[str, ...] = ()
    where: str | None = None
    facts: ObjectFacts | None = None
    unfinished: Pass | None = None
    deletions_from: datetime | None = None
    compared_at: datetime | None = None
    sobject: str = ""
    columns: dict[str, Shape] = field(default_factory=dict[str, Shape])

    @classmethod
    def from_position(
        cls, saved: Position | None, kind: ReadKind, warn: Callable[[str], None] | None = None
    ) -> "StreamState":
        """Read a checkpoint; return an empty state for one of another kind of reading, or of another format."""
        if saved is None or saved.state.get("kind") != kind:
            return cls(kind=kind)
        if saved.state.get("format") != _FORMAT:
            if warn is not None:
                warn(f"The checkpoint of {saved.stream} is of another version of orgsync: everything is read again.")
            return cls(kind=kind)
        return msgspec.convert({**saved.state, "watermark": saved.watermark}, cls)

    @staticmethod
    def columns_of(saved: Position) -> dict[str, Shape]:
        """Return the columns of a checkpoint, by name; none where it is of another format."""
        if saved.state.get("format") != _FORMAT:
            return {}
        return msgspec.convert(saved.state.get("columns", {}), dict[str, Shape])

    def to_position(self, stream: str) -> Position:
        """Write the checkpoint."""
        if self.facts is None:
            raise ValueError("a stream's facts are determined before its state is saved")
        state: dict[str, Any] = {"format": _FORMAT, **msgspec.to_builtins(self)}
        del state["watermark"]  # the position has it
        return Position(stream, self.watermark, state)

    def is_of(self, schema: Schema, where: str | None) -> bool:
        """Return whether the facts were determined for these columns and this condition."""
        return (where, schema.sobject, _shapes(schema)) == (self.where, self.sobject, self.columns)

    def read_with(self, schema: Schema, where: str | None, facts: ObjectFacts) -> "StreamState":
        """Return the state from which a record class is read under a condition.

        Everything has to be read again for another object, for columns that are new or hold another field or type, for
        fields that were absent, and for another condition: rows that did not change have no such value yet, and rows of
        the copy may not match the new condition. The same holds for another cursor, which the watermark does not
        belong to, and for a parent whose changes were not followed before.
        """
        paths = tuple(path for path in schema.paths(without=facts.absent) if path != "SystemModstamp")
        columns = _shapes(schema)
        known = set(paths) <= set(self.paths) and all(
            name in self.columns and self.columns[name].holds_as(shape) for name, shape in columns.items()
        )
        now = replace(self, paths=paths, sobject=schema.sobject, columns=columns, where=where, facts=facts)
        if (where, schema.sobject) == (self.where, self.sobject) and known and self._covers(facts):
            return now
        return replace(now, watermark=None, unfinished=None)

    def _covers(self, facts: ObjectFacts) -> bool:
        """Return whether the watermark holds for all changes that a pass with these facts looks for."""
        known = self.facts
        return known is not None and known.cursor == facts.cursor and set(facts.parents) <= set(known.parents)

    @property
    def known_facts(self) -> ObjectFacts:
        """The facts of the object; raises ValueError if they were not determined yet."""
        if self.facts is None:
            raise ValueError("a stream's facts are determined before it is read")
        return self.facts

    @property
    def current(self) -> Pass:
        """The unfinished pass; raises ValueError if there is none."""
        if self.unfinished is None:
            raise ValueError("no pass is unfinished")
        return self.unfinished

    def at(self, step: Step) -> "StreamState":
        """Begin a step of the unfinished pass."""
        return replace(self, unfinished=replace(self.current, step=step, after=(), tally=Tally(), job=None))

    def reached(self, after: Key, job: SavedJob | None = None, *, tally: Tally | None = None) -> "StreamState":
        """Continue in the step: behind the row with a key, or at the place that is saved with a job."""
        return replace(self, unfinished=replace(self.current, after=after, tally=tally or Tally(), job=job))

    def with_facts(self, **changed: Any) -> "StreamState":
        """Change some facts of the object."""
        return replace(self, facts=msgspec.structs.replace(self.known_facts, **changed))

    def finished(self) -> "StreamState":
        """End the pass: only now does the watermark move.

        Values that change without a stamp have been compared only if everything was read.
        """
        done, drifts = self.current, self.facts is not None and self.facts.drifts
        everything = done.since is None or (done.compare and not drifts)
        return replace(
            self,
            watermark=None if done.read_again else done.until,
            unfinished=None,
            deletions_from=done.until if done.since is None else self.deletions_from,
            compared_at=done.until if everything else self.compared_at,
        )


def _shapes(schema: Schema) -> dict[str, Shape]:
    return {each.name: Shape(each.path, each.type.__name__, each.optional, each.mask) for each in schema.fields}
