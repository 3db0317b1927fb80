"""Reading all rows of an object whose changes cannot be read, and marking deleted what no longer exists.

Rows are read in full and their Ids noted. The copy is compared with them only when all are read, and a snapshot that
lacks more than half of the copy's rows fails then: a lost permission is more likely than so many deletions.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import msgspec

from orgsync.errors import FieldNotFound, ObjectNotFound, QueryRefused
from orgsync.records import Batch, Position, Record, ids_of

from .bulk import abandon
from .described import facts_reported
from .object_facts import ObjectFacts
from .optional_objects import is_lacking
from .queries import IdOrder
from .query_rules import advice, filters_ids_alone, optional_paths
from .reader import Part, Reader
from .reconcile import Comparison
from .route import Api
from .source import Source
from .state import Pass, StreamState
from .steps import ALL_ROWS, END, MISSING_IN_ORG, Kind

__all__ = ["snapshot"]

R = TypeVar("R", bound=Record)


async def snapshot(
    source: Source,
    model: type[R],
    *,
    where: str | None = None,
    api: Api | None = None,
    saved: Position | None = None,
    allow_mass_deletion: bool = False,
    reconcile: bool = False,
) -> AsyncGenerator[Batch[R]]:
    """Read every row, and mark rows of the copy deleted that do not exist; an interrupted snapshot is resumed.

    With `reconcile` a resumed one is followed by a complete one: what it had read before may have been deleted since.

    Raises SnapshotRefused when more than half of the copy's rows, or all, would be marked deleted and that is not
    allowed; FieldNotFound or ObjectNotFound for what the org does not show.
    """
    state, without = StreamState.from_position(saved, "snapshot", source.warn), set[str]()
    if state.owed == "full":
        state = StreamState(kind="snapshot")
    reconcile = reconcile or state.owed == "reconcile"
    facts = state.facts if state.unfinished and state.is_of(source.schema_of(model), where) else None
    while True:
        resumed, reader = state.unfinished is not None, Reader(source, model, api)
        known = facts
        try:
            begun = await _begin(reader, where, state, facts, without)
            known = begun.facts
            async with aclosing(_batches(reader, begun, allow_mass_deletion=allow_mass_deletion)) as batches:
                async for reached, batch in batches:
                    state = reached
                    yield batch
        except (FieldNotFound, ObjectNotFound, QueryRefused) as problem:  # as in `changes`
            missing = optional_paths(source.schema_of(model), problem, known) - without
            if await is_lacking(source, source.schema_of(model), problem):
                return
            if facts is None and not missing:
                raise advice(problem, source.schema_of(model), where) from None
            facts, without = None, without | missing
            continue
        if not (resumed and reconcile):
            return
        facts = state.facts


async def _begin(
    reader: Reader[R],
    where: str | None,
    state: StreamState,
    facts: ObjectFacts | None,
    without: Collection[str],
) -> StreamState:
    """Resume the unfinished snapshot, or begin one."""
    source, schema = reader.source, reader.schema
    if facts is None:
        facts = await facts_reported(source, schema, where, without=without)
        if facts.has_recycle_bin and filters_ids_alone(schema.sobject):  # a query of live rows needs no filter
            facts = msgspec.structs.replace(facts, absent=(*facts.absent, "IsDeleted"))
    begun = state.read_with(schema, where, facts)
    if begun.unfinished is not None:
        return begun
    await abandon(source, state)
    await source.copy.clear_seen(schema)
    until = min(await source.client.server_now(), source.client.machine_now)
    before, seq = await source.copy.live_count(schema), await source.copy.last_change()
    new = Pass(None, until, compare=True, before=before, seq=seq, step=ALL_ROWS)
    return replace(begun, unfinished=new, owed="")


async def _batches(
    reader: Reader[R], state: StreamState, *, allow_mass_deletion: bool
) -> AsyncGenerator[tuple[StreamState, Batch[R]]]:
    """Go through the steps; yield each batch with the state that it brings."""
    while (step := state.current.step) != END:
        all_rows = step.kind is Kind.ALL_ROWS
        parts = _all_rows(reader, state) if all_rows else _missing(reader, state, allowed=allow_mass_deletion)
        async with aclosing(parts):
            async for part in parts:
                state = part.state
                if part.batch is not None:
                    yield state, part.batch
        state = state.at(MISSING_IN_ORG if all_rows else END)
    state = state.finished()
    yield state, reader.batch(state)
    await reader.source.copy.clear_seen(reader.schema)


async def _all_rows(reader: Reader[R], state: StreamState) -> AsyncGenerator[Part[R]]:
    """Read the rows, and note their Ids."""
    query = reader.query(state, IdOrder(), deleted=False)
    chunks = reader.read(state, query, await reader.route(state, query), MISSING_IN_ORG)
    async with aclosing(chunks):
        async for chunk in chunks:
            rows = reader.rows(chunk)
            await reader.source.copy.mark_seen(reader.schema, ids_of(rows))
            yield Part(chunk.state) if chunk.is_last else reader.part(chunk.state, rows)


async def _missing(reader: Reader[R], state: StreamState, *, allowed: bool) -> AsyncGenerator[Part[R]]:
    """Mark the rows deleted that were not seen, unless they are too many."""
    comparison = Comparison(reader.source, reader.schema, state.known_facts, state.where)
    after = "".join(state.current.after)
    refusal = None if allowed or after else await comparison.too_many(state.current)
    if refusal is not None:
        yield reader.part(replace(state, unfinished=None))  # the next run begins again: the cause may be fixed by then
        raise refusal
    async for ids, last in comparison.missing_in_org(state.current, after):
        state = state.reached((last,))
        yield reader.part(state, deleted_ids=ids)
