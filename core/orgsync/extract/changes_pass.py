"""A pass over changes: its steps one after the other, from the one where the last run stopped."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Generic, TypeVar

from orgsync.errors import AccessRefused, DeleteLogPurged, FieldNotFound, NotReplicateable, ObjectNotFound, QueryRefused
from orgsync.records import Batch, Record
from orgsync.salesforce.api.replication import Deletions, deleted

from .bulk import abandon
from .drift import Drift, drifting_paths
from .object_facts import is_behind
from .queries import IdOrder, StampOrder
from .reader import Chunk, Part, Reader
from .reconcile import Comparison
from .rest import read_by_ids
from .route import Route
from .state import StreamState
from .steps import CHANGED, DELETIONS, END, LIST_IDS, MISSING_IN_COPY, MISSING_IN_ORG, REFILL, Kind, Step
from .unmatched import Unmatched, unmatched_steps

__all__ = ["ChangesPass"]

R = TypeVar("R", bound=Record)

_REST = Route("rest")
_REFUSALS = (QueryRefused, AccessRefused, FieldNotFound, ObjectNotFound)
"""What Salesforce reports of a query that it does not carry out for this user."""

_BY_IDS_AT_LEAST = 200
"""So many rows are read by their Ids together, as far as there are that many."""

_MISSING_AT_MOST = 20_000
"""With more rows than this missing in the copy, or differing there, the whole object is read again, not each by Id."""


@dataclass(frozen=True, slots=True)
class ChangesPass(Generic[R]):
    """The steps of a pass. Each takes the stream's state and yields parts, which bring new states."""

    reader: Reader[R]

    async def batches(self, state: StreamState) -> AsyncGenerator[tuple[StreamState, Batch[R]]]:
        """Go through the remaining steps and end the pass; yield each batch with the state that it brings."""
        reader = self.reader
        if state.current.step not in _steps(state):  # the facts are not those that the pass was begun with
            await abandon(reader.source, state)
            state = state.at(CHANGED)
        while (step := state.current.step) != END:
            async with aclosing(self._step(state)) as parts:
                async for part in parts:
                    state = part.state
                    if part.batch is not None:
                        yield state, part.batch
            state = state.at(_after(step, state))
        compared = state.current.compare
        state = state.finished()
        yield state, reader.batch(state)
        if compared:
            await reader.source.copy.clear_seen(reader.schema)

    def _step(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        steps = {
            Kind.CHANGED: self._changed,
            Kind.PARENT: self._parent_changed,
            Kind.UNMATCHED: self._unmatched,
            Kind.DELETIONS: self._deletions,
            Kind.LIST_IDS: self._list_ids,
            Kind.MISSING_IN_ORG: self._missing_in_org,
            Kind.MISSING_IN_COPY: self._missing_in_copy,
            Kind.REFILL: self._refill,
        }
        return steps[state.current.step.kind](state)

    async def _changed(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Read the rows whose own stamp moved, or all of them."""
        reader = self.reader
        query = reader.query(state, StampOrder(state.known_facts.cursor))
        may_be_long = state.current.since is None or reader.forced
        route = await reader.route(state, query) if may_be_long else _resumed(state)
        chunks = reader.read(state, query, route, _after(CHANGED, state))
        async with aclosing(reader.parts(state, chunks)) as parts:
            async for part in parts:
                yield part

    async def _parent_changed(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Read the rows whose parent's stamp moved; if Salesforce refuses that, they arrive when they change."""
        reader, step = self.reader, state.current.step
        if step in state.known_facts.steps_refused:
            return
        order = IdOrder(f"{step.relationship}.SystemModstamp")
        query = replace(reader.query(state, order), since=self._parents_since(state))
        chunks = reader.read(state, query, _resumed(state), _after(step, state))
        try:
            async with aclosing(reader.parts(state, chunks)) as parts:
                async for part in parts:
                    state = part.state
                    yield part
        except _REFUSALS as refusal:
            _require_of_step(refusal)
            reader.source.warn(
                f"{refusal.cause} So changes of {step.relationship} arrive when the {reader.schema.sobject} row itself "
                "changes, or with reconcile."
            )
            behind = [path for path in reader.schema.paths() if is_behind(path, [step.relationship])]
            drifting = tuple(dict.fromkeys([*state.known_facts.drifting, *behind]))
            yield Part(_refused(state, step).with_facts(drifting=drifting))

    async def _unmatched(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Find the rows of the copy that no longer match the condition; compare Ids if Salesforce refuses that."""
        reader, step, facts = self.reader, state.current.step, state.known_facts
        since = self._parents_since(state) if step.relationship else state.current.since
        if since is None or step in facts.steps_refused:
            return
        unmatched = Unmatched(reader.source, reader.schema, facts, state.where or "")
        try:
            async for ids, key in unmatched.rows(step.relationship, since, state.current.after):
                state = state.reached(key)
                yield reader.part(state, deleted_ids=ids) if ids else Part(state)
        except _REFUSALS as refusal:
            _require_of_step(refusal)
            if not state.current.compare:
                reason = f"{refusal.cause} Rows that no longer match the condition are found by comparing Ids."
                state = await self._comparing(state, reason)
            yield Part(_refused(state, step))

    async def _deletions(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Read getDeleted's log; if it is refused or does not reach back, the Ids are compared in this pass.

        Only for an object that Salesforce does not replicate is neither done: there the sync has to request a
        comparison, with reconcile. A response without an error of Salesforce's ends the run.
        """
        reader, sobject = self.reader, self.reader.schema.sobject
        start = state.deletions_from or state.current.since
        if start is None or state.known_facts.log_refused:
            return
        try:
            log = await self._deleted_since(start)
        except NotReplicateable as refusal:
            reader.source.warn(
                f"{refusal.cause} Rows of {sobject} that are deleted for good are found by comparing Ids: "
                'give the sync reconcile="1d".'
            )
            yield Part(state.with_facts(log_refused=True))
            return
        except _REFUSALS as problem:  # among them a log that was purged, or holds too much
            if not state.current.compare:
                yield Part(await self._comparing(state, f"{problem.cause} Ids are compared."))
            return
        missing = await self._comparison(state).missing_among(log.ids) if log.ids else []
        state = replace(state, deletions_from=min(log.covered, state.current.until))
        yield reader.part(state, deleted_ids=missing) if missing else Part(state)

    async def _list_ids(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Read the Ids of all rows that are live in the org, and the fields that change without a stamp."""
        reader, current, drift = self.reader, state.current, self._drift(state)
        query = replace(
            reader.query(state, IdOrder(state.known_facts.cursor), deleted=False),
            since=None,
            paths=drift.selected if current.reread else ["Id"],
            common=2 if current.reread else 1,
        )
        route, differing, waiting = await reader.route(state, query, current.before), 0, list[str]()
        async with aclosing(reader.read(state, query, route, _after(LIST_IDS, state), raw=True)) as chunks:
            async for chunk in chunks:
                if current.compare and not chunk.is_last:
                    await reader.source.copy.mark_seen(reader.schema, chunk.ids)
                ids = await drift.changed(chunk) if current.reread else []
                differing += len(ids)
                if differing > _MISSING_AT_MOST:
                    yield Part(replace(state, unfinished=replace(state.current, read_again=True, compare=False)))
                    return
                waiting += ids
                if waiting and len(waiting) < _BY_IDS_AT_LEAST and not chunk.is_last:
                    continue  # the position stays before these rows
                async for part in self._by_ids(state, waiting):
                    yield part
                state, waiting = chunk.state, []
                yield Part(state) if chunk.is_last else reader.part(state)

    async def _missing_in_org(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Mark the rows deleted that the org does not have."""
        after = "".join(state.current.after)
        async for ids, last in self._comparison(state).missing_in_org(state.current, after):
            state = state.reached((last,))
            yield self.reader.part(state, deleted_ids=ids)

    async def _missing_in_copy(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Read the rows of the org that the copy does not have: they became visible without a change."""
        missing = 0
        async for ids in self._comparison(state).missing_in_copy("".join(state.current.after)):
            missing += len(ids)
            if missing > _MISSING_AT_MOST:
                yield Part(replace(state, unfinished=replace(state.current, read_again=True)))
                return
            async for part in self._by_ids(state, ids):
                yield part
            state = state.reached((ids[-1],))
        yield Part(state)

    async def _refill(self, state: StreamState) -> AsyncGenerator[Part[R]]:
        """Read the columns of every row that are filled from another field than before, and nothing else of it."""
        reader = self.reader.only(state.refill)
        paths = tuple(path for path in reader.schema.paths(without=state.known_facts.absent) if path in state.paths)
        query = replace(reader.query(replace(state, paths=paths), IdOrder(state.known_facts.cursor)), since=None)
        chunks = reader.read(state, query, await reader.route(state, query), END)
        async with aclosing(reader.parts(state, chunks)) as parts:
            async for part in parts:
                yield part

    async def _by_ids(self, state: StreamState, ids: Sequence[str]) -> AsyncGenerator[Part[R]]:
        """Read whole rows by their Ids; the state stays what it is."""
        reader = self.reader
        query = replace(reader.query(state, IdOrder()), since=None)
        async for records in read_by_ids(reader.source.client, query, ids):
            yield reader.part(state, reader.rows(Chunk(state, records)))

    async def _comparing(self, state: StreamState, reason: str) -> StreamState:
        """Make this pass one that compares Ids, with a warning that says why."""
        reader, copy = self.reader, self.reader.source.copy
        reader.source.warn(reason)
        await copy.clear_seen(reader.schema)
        seq, before = await copy.last_change(), await copy.live_count(reader.schema)
        comparing = replace(state.current, compare=True, seq=seq, before=before)
        return replace(state, unfinished=comparing, deletions_from=state.current.until)

    async def _deleted_since(self, start: datetime) -> Deletions:
        """Read the log from an overlap before an instant, or from the instant if the log begins between the two."""
        source, sobject = self.reader.source, self.reader.schema.sobject
        with suppress(DeleteLogPurged):
            return await deleted(source.client, sobject, start - source.overlap, source.client.now)
        return await deleted(source.client, sobject, start, source.client.now)

    def _parents_since(self, state: StreamState) -> datetime | None:
        """Return the instant from which parents are read: the safe instant is that of the child object alone."""
        return state.current.since - self.reader.source.lag if state.current.since else None

    def _drift(self, state: StreamState) -> Drift:
        schema, facts = self.reader.schema, state.known_facts
        return Drift(self.reader.source, schema, facts, drifting_paths(schema, facts))

    def _comparison(self, state: StreamState) -> Comparison:
        return Comparison(self.reader.source, self.reader.schema, state.known_facts, state.where)


def _steps(state: StreamState) -> list[Step]:
    """Return the steps of a pass. UNMATCHED and DELETIONS may make it one that compares Ids, and so add steps."""
    current, facts = state.current, state.known_facts
    steps = [CHANGED]
    if current.since is not None:
        steps += [Step(Kind.PARENT, parent) for parent in facts.parents]
        steps += unmatched_steps(facts) if state.where is not None else []
        steps += [DELETIONS] if facts.delete_log else []
    if current.since is not None and (current.compare or current.reread):
        steps += [LIST_IDS]
    if current.compare:
        steps += [MISSING_IN_ORG] if current.since is None else [MISSING_IN_ORG, MISSING_IN_COPY]
    steps += [REFILL] if state.refill else []
    return [*steps, END]


def _after(step: Step, state: StreamState) -> Step:
    steps = _steps(state)
    return steps[steps.index(step) + 1]


def _resumed(state: StreamState) -> Route:
    """Resume a Bulk job that an earlier run has begun; otherwise REST, which notices itself when there is too much."""
    return Route("bulk") if state.current.job is not None else _REST


def _refused(state: StreamState, step: Step) -> StreamState:
    """Note for a day that Salesforce refuses a step's query."""
    return state.with_facts(steps_refused=(*state.known_facts.steps_refused, step))


def _require_of_step(refusal: Exception) -> None:
    """Raise a refusal again that concerns a field of the record class, not what the step adds to the query."""
    if isinstance(refusal, FieldNotFound) and refusal.field.lower() != "systemmodstamp":
        raise refusal
