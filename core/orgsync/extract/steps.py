"""The steps of a pass over changes, one after the other, each gone on with where the last run stopped in it."""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from orgsync.errors import AccessRefused, DeleteLogPurged, FieldNotFound, NotReplicateable, ObjectNotFound, QueryRefused
from orgsync.records import Batch, Record
from orgsync.salesforce.api.replication import Deletions, deleted

from .bulk import discard
from .queries import IdOrder, ReadQuery, StampOrder
from .reader import END, Chunk, Reader
from .rest import rows_with
from .route import Route
from .source import Source
from .state import Key, StreamState
from .unmatched import Unmatched

__all__ = ["ChangesPass", "abandon"]

R = TypeVar("R", bound=Record)

_REST = Route("rest")
_REFUSALS = (QueryRefused, AccessRefused, FieldNotFound, ObjectNotFound)
"""What Salesforce says of a query that it does not carry out for this user."""

_COME_AT_MOST = 20_000
"""From how many rows without a trace on the whole object is read again, instead of each of them by its Id."""


async def abandon(source: Source, progress: StreamState) -> None:
    """Drop the Bulk job of a pass that will not be gone on with."""
    if progress.unfinished and progress.unfinished.job:
        await discard(source, progress.unfinished.job)


@dataclass(slots=True)
class ChangesPass(Generic[R]):
    """One pass: its steps one after the other, from the one where the last run stopped."""

    reader: Reader[R]
    reads_again: bool = False

    async def batches(self) -> AsyncGenerator[Batch[R]]:
        """Go through the steps that are left, then end the pass."""
        reader = self.reader
        step = await self._first_step()
        while step != END:
            async with aclosing(self._step(step)) as batches:
                async for batch in batches:
                    yield batch
            step = self._after(step)
            reader.progress = reader.progress.at(step)
        compared = reader.under_way.compare
        reader.progress = reader.progress.finished()
        if self.reads_again:
            reader.progress = replace(reader.progress, watermark=None)
        yield reader.batch()
        if compared:
            await reader.source.copy.clear_seen(reader.schema)

    async def _first_step(self) -> str:
        """Name the step that the last run stopped in; the first where there is none, or none of this name any more."""
        reader = self.reader
        if reader.under_way.step not in self._steps():
            await abandon(reader.source, reader.progress)
            reader.progress = reader.progress.at("changed")
        return reader.under_way.step

    def _steps(self) -> list[str]:
        """Name the steps of this pass. `deletions` may find that Ids have to be compared, and so add steps."""
        under_way, facts = self.reader.under_way, self.reader.facts
        steps = ["changed"]
        if under_way.since is not None:
            steps += [f"parent {parent}" for parent in facts.parents]
            steps += self._leaving.steps() if self.reader.progress.where is not None else []
            steps += ["deletions"] if facts.delete_log else []
        if under_way.compare:
            steps += ["gone"] if under_way.since is None else ["ids", "gone", "come"]
        return [*steps, END]

    def _after(self, step: str) -> str:
        steps = self._steps()
        return steps[steps.index(step) + 1]

    def _step(self, step: str) -> AsyncGenerator[Batch[R]]:
        if step == "changed":
            return self._changed()
        if step.startswith("parent "):
            return self._parent_changed(step)
        if step.startswith("left"):
            return self._left(step)
        return {"deletions": self._deletions, "ids": self._ids, "gone": self._gone, "come": self._come}[step]()

    async def _changed(self) -> AsyncGenerator[Batch[R]]:
        """Read the rows whose own stamp moved, or all of them."""
        reader = self.reader
        question = reader.question(StampOrder(reader.facts.cursor))
        plan = await reader.plan(question) if reader.under_way.since is None or reader.forced else _resumed(reader)
        chunks = reader.read("changed", self._after("changed"), question, plan)
        async with aclosing(reader.batches(chunks)) as batches:
            async for batch in batches:
                yield batch

    async def _parent_changed(self, step: str) -> AsyncGenerator[Batch[R]]:
        """Read the rows whose parent's stamp moved; where Salesforce refuses that, they arrive when they change."""
        reader, parent = self.reader, step.removeprefix("parent ")
        if step in reader.facts.steps_refused:
            return
        question = replace(reader.question(IdOrder(f"{parent}.SystemModstamp")), since=self._parents_since)
        chunks = reader.read(step, self._after(step), question, _resumed(reader))
        try:
            async with aclosing(reader.batches(chunks)) as batches:
                async for batch in batches:
                    yield batch
        except _REFUSALS as refusal:
            _require_of_helper(refusal)
            reader.source.warn(
                f"{refusal.cause} So changes of {parent} arrive when the {reader.schema.sobject} row itself changes, "
                "or with reconcile."
            )
            self._note_refused(step, drifts=True)

    async def _left(self, step: str) -> AsyncGenerator[Batch[R]]:
        """Find the rows of the copy that no longer meet the condition; by comparing Ids where that is refused."""
        reader = self.reader
        since = reader.under_way.since if step == "left" else self._parents_since
        if since is None or step in reader.facts.steps_refused:
            return
        try:
            async for gone, key in self._leaving.rows(step, since, self._key(step)):
                reader.progress = reader.progress.at(step, key)
                if gone:
                    yield reader.batch((), gone)
        except _REFUSALS as refusal:
            _require_of_helper(refusal)
            if not reader.under_way.compare:
                await self._compare_now(f"{refusal.cause} Rows that left the condition are found by comparing Ids.")
            self._note_refused(step)

    async def _deletions(self) -> AsyncGenerator[Batch[R]]:
        """Read getDeleted's log; where it is refused or does not reach back, the Ids are compared in this pass.

        Only an object that Salesforce does not replicate is left without either: there comparing is the sync's to ask
        for, with reconcile. An answer without an error of Salesforce's ends the run.
        """
        reader, sobject = self.reader, self.reader.schema.sobject
        start = reader.progress.deletions_from or reader.under_way.since
        if start is None or reader.facts.log_refused:
            return
        try:
            log = await self._deleted_since(start)
        except NotReplicateable as refusal:
            reader.source.warn(
                f"{refusal.cause} Rows of {sobject} that are deleted for good are found by comparing Ids: "
                'give the sync reconcile="1d".'
            )
            facts = msgspec.structs.replace(reader.facts, log_refused=True)
            reader.progress = replace(reader.progress, facts=facts)
            return
        except _REFUSALS as problem:  # a log that was purged, or holds too much, is among them
            if not reader.under_way.compare:
                await self._compare_now(f"{problem.cause} Ids are compared.")
            return
        gone = await reader.comparison.among(log.ids) if log.ids else []
        reader.progress = replace(reader.progress, deletions_from=min(log.covered, reader.under_way.until))
        if gone:
            yield reader.batch((), gone)

    async def _compare_now(self, reason: str) -> None:
        """Make this pass one that compares Ids, and say why."""
        reader, copy = self.reader, self.reader.source.copy
        reader.source.warn(reason)
        await copy.clear_seen(reader.schema)
        seq, before = await copy.last_change(), await copy.live_count(reader.schema)
        comparing = replace(reader.under_way, compare=True, seq=seq, before=before)
        reader.progress = replace(reader.progress, unfinished=comparing, deletions_from=reader.under_way.until)

    async def _ids(self) -> AsyncGenerator[Batch[R]]:
        """Read the Ids of all rows that are live in the org."""
        reader = self.reader
        stamp = reader.facts.cursor
        question = ReadQuery(
            reader.schema.sobject,
            ["Id"],
            IdOrder(stamp),
            (reader.progress.where,),
            bin=reader.facts.has_recycle_bin,
            live=reader.facts.live,
        )
        plan = await reader.plan(question, reader.under_way.before)
        async with aclosing(reader.read("ids", self._after("ids"), question, plan)) as chunks:
            async for chunk in chunks:
                await reader.comparison.mark_seen(chunk.ids)
                yield reader.batch()

    async def _gone(self) -> AsyncGenerator[Batch[R]]:
        """Mark the rows deleted that the org does not have."""
        reader, after = self.reader, self._key("gone")
        async for gone, last in reader.comparison.gone(reader.under_way, after[0] if after else ""):
            reader.progress = reader.progress.at("gone", (last,))
            yield reader.batch((), gone)

    async def _come(self) -> AsyncGenerator[Batch[R]]:
        """Read the rows that the org has and the copy has not: they came into sight without a change."""
        reader, after, found = self.reader, self._key("come"), 0
        question = replace(reader.question(IdOrder()), since=None)
        async for ids in reader.comparison.come(after[0] if after else ""):
            found += len(ids)
            if found > _COME_AT_MOST:
                self.reads_again = True
                return
            async for records in rows_with(reader.source.client, question, ids):
                yield reader.batch(reader.rows(Chunk(records)))
            reader.progress = reader.progress.at("come", (ids[-1],))

    def _key(self, step: str) -> Key:
        """Tell how far an earlier run had come in a step."""
        under_way = self.reader.under_way
        return under_way.after if under_way.step == step else ()

    def _note_refused(self, step: str, *, drifts: bool = False) -> None:
        """Keep for a day that Salesforce refuses a step's query."""
        reader = self.reader
        refused = (*reader.facts.steps_refused, step)
        facts = msgspec.structs.replace(reader.facts, steps_refused=refused, drifts=reader.facts.drifts or drifts)
        reader.progress = replace(reader.progress, facts=facts)

    async def _deleted_since(self, start: datetime) -> Deletions:
        """Read the log from an overlap before an instant, or from the instant where it begins between the two."""
        source, sobject = self.reader.source, self.reader.schema.sobject
        with suppress(DeleteLogPurged):
            return await deleted(source.client, sobject, start - source.overlap, source.client.now)
        return await deleted(source.client, sobject, start, source.client.now)

    @property
    def _parents_since(self) -> datetime | None:
        """From when on to look at parents: the safe instant is the child object's, and may not tell of theirs."""
        since = self.reader.under_way.since
        return since - self.reader.source.lag if since else None

    @property
    def _leaving(self) -> Unmatched:
        reader = self.reader
        return Unmatched(reader.source, reader.schema, reader.facts, reader.progress.where or "")


def _require_of_helper(refusal: Exception) -> None:
    """Raise a refusal again that is not of what the step adds to the query: a field of the record class."""
    if isinstance(refusal, FieldNotFound) and refusal.field.lower() != "systemmodstamp":
        raise refusal


def _resumed(reader: Reader[R]) -> Route:
    """Go on with a Bulk job that an earlier run has begun; else REST, which tells itself when there is too much."""
    return Route("bulk") if reader.under_way.job is not None else _REST
