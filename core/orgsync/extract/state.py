"""How far a stream has come: what the checkpoint keeps, and what a new run makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeAlias

from orgsync.records import Position, Schema, parse_instant, to_stored
from orgsync.salesforce.bulk import Place

from .object_facts import ObjectFacts

__all__ = ["Key", "Kind", "Pass", "SavedJob", "StreamState"]

Kind: TypeAlias = Literal["changes", "snapshot"]
Key: TypeAlias = tuple[str, ...]
"""How far a step has come: what the last row that it read sorts by."""


class Shape(NamedTuple):
    """What a column holds: the path of its field, the name of its type, whether the org may lack the field."""

    path: str
    type: str
    optional: bool = False

    def holds_as(self, other: "Shape") -> bool:
        """Tell whether the values of one are those of the other."""
        return (self.path, self.type) == (other.path, other.type)


@dataclass(frozen=True, slots=True)
class SavedJob:
    """A Bulk job that a pass is reading: another run goes on with it where this one stopped."""

    id: str
    api_version: str
    place: Place = field(default_factory=Place)


@dataclass(frozen=True, slots=True)
class Pass:
    """An unfinished pass: it reads what changed since `since`, or everything, and moves the watermark to `until`.

    `step` names what it is doing, `after` the key of the last row read in it, `job` the Bulk job that is being read.
    `compare` says that the copy's Ids are held against the org's; `seq` is the number of the last change made before
    it began, and `before` how many live rows there were.
    """

    since: datetime | None
    until: datetime
    compare: bool = False
    seq: int = 0
    before: int = 0
    step: str = ""
    after: Key = ()
    job: SavedJob | None = None


@dataclass(frozen=True, slots=True)
class StreamState:
    """A stream's checkpoint: its watermark, what it was read with, and the pass it is in, if any.

    `paths` are the fields of `sobject` that were read, `columns` those of the class that the rows were delivered with:
    by name the field's path ("" for one of the author's own), the type's name, and whether the field is optional.
    `deletions_from` is the instant from which getDeleted is asked next, `compared_at` when the Ids were last compared.
    """

    watermark: datetime | None = None
    kind: Kind = "changes"
    paths: tuple[str, ...] = ()
    where: str | None = None
    facts: ObjectFacts | None = None
    unfinished: Pass | None = None
    deletions_from: datetime | None = None
    compared_at: datetime | None = None
    sobject: str = ""
    columns: Mapping[str, Shape] = field(default_factory=dict[str, Shape])

    @classmethod
    def from_position(cls, saved: Position | None, kind: Kind) -> "StreamState":
        """Read a checkpoint back; one of another kind of reading says nothing."""
        if saved is None or saved.state.get("kind") != kind:
            return cls(kind=kind)
        state = saved.state
        unfinished = state.get("pass")
        return cls(
            watermark=saved.watermark,
            kind=kind,
            paths=tuple(state["paths"]),
            where=state["where"],
            facts=ObjectFacts.from_json(state["facts"]),
            unfinished=_pass_from_json(unfinished) if unfinished else None,
            deletions_from=_instant(state["deletions_from"]),
            compared_at=_instant(state["compared_at"]),
            sobject=state.get("sobject", ""),
            columns={name: Shape(*shape) for name, shape in state.get("columns", {}).items()},
        )

    def to_position(self, stream: str) -> Position:
        """Write the checkpoint."""
        if self.facts is None:
            raise ValueError("a stream's facts are learnt before its progress is kept")
        state: dict[str, Any] = {
            "kind": self.kind,
            "paths": list(self.paths),
            "where": self.where,
            "facts": self.facts.to_json(),
            "deletions_from": _text(self.deletions_from),
            "compared_at": _text(self.compared_at),
            "sobject": self.sobject,
            "columns": {name: list(shape) for name, shape in self.columns.items()},
        }
        if self.unfinished:
            state["pass"] = _pass_to_json(self.unfinished)
        return Position(stream, self.watermark, state)

    def is_of(self, schema: Schema, where: str | None) -> bool:
        """Tell whether the class has the columns, and the sync the condition, that the facts were learnt for."""
        return (where, schema.sobject, _shapes(schema)) == (self.where, self.sobject, self.columns)

    def reading(self, schema: Schema, where: str | None, facts: ObjectFacts) -> "StreamState":
        """Resume with a record class and a condition.

        Another object, columns that are new or hold another field or type, fields that were absent, or another
        condition make the next pass read everything: rows that did not change have no such value yet, and rows of the
        copy may not meet the new condition. So do another cursor, which the watermark is not of, and a parent whose
        changes were not looked for until now.
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
        """Tell whether the watermark speaks of all that these facts make a pass look for."""
        known = self.facts
        return known is not None and known.cursor == facts.cursor and set(facts.parents) <= set(known.parents)

    @property
    def under_way(self) -> Pass:
        """The unfinished pass; raises ValueError where there is none."""
        if self.unfinished is None:
            raise ValueError("no pass is under way")
        return self.unfinished

    def at(self, step: str, after: Key = (), job: SavedJob | None = None) -> "StreamState":
        """Move within the unfinished pass."""
        return replace(self, unfinished=replace(self.under_way, step=step, after=after, job=job))

    def finished(self) -> "StreamState":
        """End the pass: only now does the watermark move.

        What drifts without a stamp has been looked at only where everything was read.
        """
        done, drifts = self.under_way, self.facts is not None and self.facts.drifts
        everything = done.since is None or (done.compare and not drifts)
        return replace(
            self,
            watermark=done.until,
            unfinished=None,
            deletions_from=done.until if done.since is None else self.deletions_from,
            compared_at=done.until if everything else self.compared_at,
        )


def _shapes(schema: Schema) -> dict[str, Shape]:
    return {column.name: Shape(column.path, column.type.__name__, column.optional) for column in schema.fields}


def _pass_to_json(unfinished: Pass) -> dict[str, Any]:
    job = unfinished.job
    return {
        "since": _text(unfinished.since),
        "until": to_stored(unfinished.until),
        "compare": unfinished.compare,
        "seq": unfinished.seq,
        "before": unfinished.before,
        "step": unfinished.step,
        "after": list(unfinished.after),
        "job": None if job is None else [job.id, job.api_version, job.place.locator, job.place.row, job.place.before],
    }


def _pass_from_json(saved: Mapping[str, Any]) -> Pass:
    job = saved["job"]
    return Pass(
        since=_instant(saved["since"]),
        until=parse_instant(saved["until"]),
        compare=saved["compare"],
        seq=saved["seq"],
        before=saved["before"],
        step=saved["step"],
        after=tuple(saved["after"]),
        job=SavedJob(job[0], job[1], Place(*job[2:])) if job else None,
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else to_stored(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
