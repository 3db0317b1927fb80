"""How far a stream has come: what the checkpoint keeps, and what a new run makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from orgsync.records import Position, Schema, parse_instant, to_stored

from .facts import Facts

__all__ = ["Pass", "Progress"]


@dataclass(frozen=True, slots=True)
class Pass:
    """An unfinished pass: it reads what changed since `since`, or everything, and moves the watermark to `until`.

    `step` names the query it is in, `after` the key of the last row read of it. `recheck` says that rows which an
    earlier condition let in have to be looked at again.
    """

    since: datetime | None
    until: datetime
    recheck: bool = False
    step: str = "changed"
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """A stream's checkpoint: its watermark, what it was read with, and the pass it is in, if any."""

    watermark: datetime | None = None
    paths: tuple[str, ...] = ()
    where: str | None = None
    facts: Facts | None = None
    unfinished: Pass | None = None

    @classmethod
    def from_position(cls, saved: Position | None) -> "Progress":
        """Read a checkpoint back."""
        if saved is None or "facts" not in saved.state:
            return cls()
        state = saved.state
        unfinished = state.get("pass")
        return cls(
            watermark=saved.watermark,
            paths=tuple(state["paths"]),
            where=state["where"],
            facts=Facts.from_json(state["facts"]),
            unfinished=_pass_from_json(unfinished) if unfinished else None,
        )

    def to_position(self, stream: str) -> Position:
        """Write the checkpoint."""
        if self.facts is None:
            raise ValueError("a stream's facts are learnt before its progress is kept")
        state: dict[str, Any] = {"paths": list(self.paths), "where": self.where, "facts": self.facts.to_json()}
        if self.unfinished:
            state["pass"] = _pass_to_json(self.unfinished)
        return Position(stream, self.watermark, state)

    def is_of(self, schema: Schema, where: str | None) -> bool:
        """Tell whether the class has the fields, and the sync the condition, that the facts were learnt for."""
        known = {*self.paths, *(self.facts.absent if self.facts else ()), "IsDeleted"}
        return where == self.where and {*schema.paths(), "IsDeleted"} - {"SystemModstamp"} == known

    def reading(self, paths: tuple[str, ...], where: str | None, facts: Facts) -> "Progress":
        """Go on with these fields and this condition.

        New fields or another condition make the next pass read everything: rows that did not change have no value
        in a new field's column yet. After a change of condition the copy's rows are looked at again as well.
        """
        same = where == self.where and set(paths) <= set(self.paths)
        if same:
            return replace(self, paths=paths, facts=facts)
        return Progress(None, paths, where, facts, None)

    def at(self, step: str, after: tuple[str, ...]) -> "Progress":
        """Move within the unfinished pass."""
        if self.unfinished is None:
            raise ValueError("no pass is under way")
        return replace(self, unfinished=replace(self.unfinished, step=step, after=after))

    def finished(self) -> "Progress":
        """End the pass: only now does the watermark move."""
        if self.unfinished is None:
            raise ValueError("no pass is under way")
        return replace(self, watermark=self.unfinished.until, unfinished=None)


def _pass_to_json(unfinished: Pass) -> dict[str, Any]:
    return {
        "since": unfinished.since and to_stored(unfinished.since),
        "until": to_stored(unfinished.until),
        "recheck": unfinished.recheck,
        "step": unfinished.step,
        "after": list(unfinished.after),
    }


def _pass_from_json(saved: Mapping[str, Any]) -> Pass:
    return Pass(
        since=saved["since"] and parse_instant(saved["since"]),
        until=parse_instant(saved["until"]),
        recheck=saved["recheck"],
        step=saved["step"],
        after=tuple(saved["after"]),
    )
