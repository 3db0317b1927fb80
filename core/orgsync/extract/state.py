"""The state of a stream: what its checkpoint holds, and how a new run continues from it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

import msgspec

from orgsync.records import Position, Schema
from orgsync.salesforce.bulk import Place

from .object_facts import ObjectFacts
from .steps import CHANGED, REFILL, Step

__all__ = ["Key", "Pass", "ReadKind", "SavedJob", "StreamState", "Tally"]

ReadKind: TypeAlias = Literal["changes", "snapshot"]
Key: TypeAlias = tuple[str, ...]
"""How far a step has read: the values that the last row is sorted by."""

_FORMAT = 4
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
    """How much of a query has been read: the key after which it began, the rows that it found, and those that came.

    `found` is None where Salesforce has not said it, or only for a part of the query.
    """

    began: Key = ()
    found: int | None = None
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """An unfinished pass: it reads what changed since `since`, or everything, and moves the watermark to `until`.

    `after` is the key of the last row that was read in the step, `tally` counts the rows up to there, `job` is the Bulk
    job that is being read. `compare` says that the copy's Ids are compared with the org's, `reread` that fields which
    change without a stamp are read again. `seq` is the number of the last change before the pass began, and `before`
    the number of live rows then. `read_again` says that the next pass has to read everything.
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
    reread: bool = False


@dataclass(frozen=True, slots=True)
class StreamState:
    """The checkpoint of a stream: its watermark, what it was read with, and the unfinished pass, if any.

    `paths` are the fields of `sobject` that were read. `columns` are those of the class that the rows were delivered
    with, by name; the path of a local column is "". `deletions_from` is the instant from which getDeleted is called
    next, `compared_at` when the Ids were last compared, `reread_at` when fields that change without a stamp were last
    read in all rows. `refill` are columns that rows read before do not have yet, or have from another field: the pass
    reads them of every row before it ends. `owed` is what a run was asked for that no pass has begun; the store's
    `owed` notes it.
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
    refill: tuple[str, ...] = ()
    reread_at: datetime | None = None
    owed: Literal["", "full", "reconcile"] = ""

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

    @staticmethod
    def absent_of(saved: Position) -> Sequence[str]:
        """Return the paths that the org lacked when a checkpoint was made; none where it is of another format."""
        facts = saved.state.get("facts") if saved.state.get("format") == _FORMAT else None
        return () if facts is None else msgspec.convert(facts, ObjectFacts).absent

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

    def read_with(
        self, schema: Schema, where: str | None, facts: ObjectFacts, *, may_refill: bool = False
    ) -> "StreamState":
        """Return the state from which a record class is read under a condition.

        Everything has to be read again for another object and for another condition, since rows of the copy may not
        match it; for another cursor, which the watermark does not belong to; and for a parent whose changes were not
        followed before. For columns that are new or hold another field, type or mask, and for fields that were absent,
        rows that did not change have no such value yet: those columns are refilled, if that is allowed, or everything
        is read again.
        """
        paths = tuple(path for path in schema.paths(without=facts.absent) if path != "SystemModstamp")
        columns = _shapes(schema)
        changed = [name for name, shape in columns.items() if not self._has(name, shape, facts)]
        now = replace(self, paths=paths, sobject=schema.sobject, columns=columns, where=where, facts=facts)
        new = {each.path for each in schema.org_fields if each.name in changed} if may_refill else set[str]()
        if (where, schema.sobject) != (self.where, self.sobject) or not self._covers(facts, new):
            return replace(now, watermark=None, unfinished=None, refill=())
        if not changed:
            return now
        return now._refilling(changed) if may_refill else replace(now, watermark=None, unfinished=None, refill=())

    def _has(self, name: str, shape: Shape, facts: ObjectFacts) -> bool:
        """Return whether rows that were read before have a column's values."""
        known = self.columns.get(name)
        if known is None or not known.holds_as(shape):
            return False
        return {*shape.path.split(",")} <= {"", "SystemModstamp", *self.paths, *facts.absent}

    def _refilling(self, changed: Sequence[str]) -> "StreamState":
        """Add columns to be refilled. A step that reads rows in an order goes on; a job, which lacks them, begins anew.

        A pass that begins to read everything brings them itself.
        """
        refill = tuple(name for name in dict.fromkeys([*self.refill, *changed]) if name in self.columns)
        one = self.unfinished
        if one is not None and (one.job is not None or one.step == REFILL):
            one = replace(one, job=None, after=())
        if one is not None and one.since is None and one.step == CHANGED and not one.after:
            refill = ()
        return replace(self, refill=refill, unfinished=one)

    def _covers(self, facts: ObjectFacts, new: Collection[str]) -> bool:
        """Return whether the watermark holds for all changes that a pass with these facts looks for.

        A parent of which only `new` paths are read, all of them refilled, has no change that was missed.
        """
        known = self.facts
        if known is None or known.cursor != facts.cursor:
            return False
        missed = set(facts.parents) - set(known.parents)
        return all(any(path.lower().startswith(f"{parent.lower()}.") for path in new) for parent in missed)

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
        """End the pass: only now does the watermark move."""
        done, everything = self.current, self.current.since is None
        return replace(
            self,
            watermark=None if done.read_again else done.until,
            unfinished=None,
            refill=(),
            deletions_from=done.until if done.since is None else self.deletions_from,
            compared_at=done.until if everything or done.compare else self.compared_at,
            reread_at=done.until if everything or done.reread else self.reread_at,
        )


def _shapes(schema: Schema) -> dict[str, Shape]:
    return {
        each.name: Shape(",".join(each.fields) or each.path, each.type.__name__, each.optional, each.mask)
        for each in schema.fields
    }
