"""Reading what changed in an object, so that no committed change is lost.

Let W be the old watermark. A pass takes a safe instant S first, then reads every row whose SystemModstamp is at or
after W, deleted rows included, in the order (SystemModstamp, Id); rows newer than S are delivered as well. When all are
read, and only then, the watermark becomes S. A row version stamped at or before S was visible when the pass began, so
it was read; one stamped later is read by the next pass. Reading a row twice is harmless: the store keys rows by Id and
never goes back to an older version.

A key (SystemModstamp, Id) marks how far a pass has read, so after an interruption the same pass resumes there, with the
same S. Rows that change in the meantime move back in the order and are read again. A Bulk job has no order; there the
place in its result is the mark, and every part of the result was read after S was taken, so the same holds.

Since no real org has confirmed what S promises, each pass begins not at W but an overlap before it: rows are read
again that were read before, and a row that S passed over by less than the overlap is not lost.

Changes without a stamp have steps of their own (`steps.Kind`):
- PARENT: a parent's field changes without its child's stamp moving. So there is one more query for each parent that a
  class reads from: the rows whose parent's SystemModstamp is at or after W, by Id.
- UNMATCHED: with a condition, the Ids of all changed rows are read, whether they match it or not: those in the copy
  that no longer match leave it. If Salesforce refuses that query, Ids are compared.
- DELETIONS: rows deleted for good are in getDeleted's log, as far as that reaches back.
- REFILL: a column that is new, or filled from another field than before, is read of every row, and it alone.
- LIST_IDS, MISSING_IN_ORG, MISSING_IN_COPY: on a schedule, or where the log does not reach back, the copy's Ids are
  compared with the org's. On a schedule, too, LIST_IDS reads fields that change without a stamp, formulas above all,
  and then whole rows where they differ (`drift`).
"""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from orgsync.errors import ChangesNotReadable, FieldNotFound, ObjectNotFound, QueryRefused
from orgsync.records import Batch, Position, Record, Schema, to_stored
from orgsync.salesforce.api.replication import FIRST_INSTANT

from .bulk import abandon
from .changes_pass import ChangesPass
from .described import facts_reported
from .drift import drifting_paths
from .object_facts import ObjectFacts, refreshed
from .optional_objects import is_lacking
from .query_rules import advice, instead_of_changes, optional_paths
from .reader import Reader
from .route import Api
from .source import Source
from .state import Pass, StreamState
from .steps import Kind
from .watermark import CLOCK_BOUND, safe_instant

__all__ = ["changes"]

R = TypeVar("R", bound=Record)


async def changes(
    source: Source,
    model: type[R],
    *,
    where: str | None = None,
    api: Api | None = None,
    saved: Position | None = None,
    full: bool = False,
    reconcile: bool = False,
    may_refill: Callable[[], bool] = lambda: False,
) -> AsyncGenerator[Batch[R]]:
    """Read what changed since the saved position, in batches that each carry their position.

    `full` reads everything once more, `reconcile` compares the copy's Ids with the org's; `api` forces one of the two
    APIs. `may_refill` says that the batches are stored as they are, so that columns which are filled from another field
    than before can be read alone. Raises FieldNotFound or ChangesNotReadable for what the org does not show.
    """
    state, without = await _load_state(source, saved, full=full), set[str]()
    reconcile = reconcile or state.owed == "reconcile"
    facts = await _valid_facts(source, state, source.schema_of(model), where)
    while True:
        resumed, known = state.unfinished is not None, facts
        try:
            begun = await _begin(
                source, model, where, state, facts, reconcile=reconcile, without=without, may_refill=may_refill()
            )
            known = begun.facts
            async with aclosing(ChangesPass(Reader(source, model, api)).batches(begun)) as batches:
                async for reached, batch in batches:
                    state = reached
                    yield batch
        except (FieldNotFound, ObjectNotFound, QueryRefused) as problem:
            missing = optional_paths(source.schema_of(model), problem, known) - without
            if await is_lacking(source, source.schema_of(model), problem):
                return
            if facts is None and not missing:
                raise advice(problem, source.schema_of(model), where) from None
            # The saved facts no longer hold: inspect again, or report what is missing.
            facts, without = None, without | missing
            continue
        if not resumed and state.watermark is not None:
            return
        # A pass of an earlier run is complete, or everything has to be read again: a pass of this run follows. It
        # compares Ids if that was requested, since rows that the earlier run had read may have been deleted by now.
        facts = state.facts


async def _load_state(source: Source, saved: Position | None, *, full: bool) -> StreamState:
    """Return the saved state, or one from which everything is read."""
    state = StreamState.from_position(saved, "changes", source.warn)
    if not full and state.owed != "full":
        return state
    await abandon(source, state)
    return replace(state, watermark=None, unfinished=None, facts=None)


async def _valid_facts(source: Source, state: StreamState, schema: Schema, where: str | None) -> ObjectFacts | None:
    """Return the facts of the checkpoint if they still hold."""
    facts = state.facts
    if facts is None or not state.is_of(schema, where):
        return None
    return await refreshed(source.client, facts) if facts.is_stale(source.client.now) else facts


async def _begin(
    source: Source,
    model: type[R],
    where: str | None,
    state: StreamState,
    facts: ObjectFacts | None,
    *,
    reconcile: bool,
    without: Collection[str],
    may_refill: bool,
) -> StreamState:
    """Resume the unfinished pass, or take a safe instant and begin one."""
    schema = source.schema_of(model)
    if facts is None:
        facts = await facts_reported(source, schema, where, without=without)
    if not facts.cursor:
        raise ChangesNotReadable(schema.sobject, instead=instead_of_changes(schema.sobject, model.__name__))
    begun = state.read_with(schema, where, facts, may_refill=may_refill)
    if begun.unfinished is not None:
        if begun.unfinished.job is None:
            await abandon(source, state)
        return begun
    await abandon(source, state)
    new = await _new_pass(source, schema, begun, facts, reconcile=reconcile)
    return replace(begun, unfinished=new, refill=begun.refill if new.since is not None else (), owed="")


async def _new_pass(source: Source, schema: Schema, state: StreamState, facts: ObjectFacts, *, reconcile: bool) -> Pass:
    """Take the safe instant, and decide whether to compare Ids: when it is due, and when everything is read again."""
    old = state.watermark
    until = await safe_instant(source, schema, facts)
    if old and old > max(source.client.now, source.client.machine_now) + CLOCK_BOUND:
        source.warn(
            f"The watermark of {schema.sobject} is in the future ({to_stored(old)}), so a clock was wrong when it was "
            "taken: everything is read again, since changes may have been passed over."
        )
        old = None
    if old and old < FIRST_INSTANT:
        source.warn(f"The watermark of {schema.sobject} is older than any org ({to_stored(old)}): everything is read.")
        old = None
    until = max(until, old) if old else until
    due = reconcile or _is_due(state.compared_at, source.reconcile_every, source.client.now)
    reread = bool(drifting_paths(schema, facts)) and (
        reconcile or _is_due(state.reread_at, source.reread_every or source.reconcile_every, source.client.now)
    )
    if reread and not source.copy.keeps_columns(schema):
        old = None  # there is nothing that a field could be compared with
    begun = Pass(None if old is None else old - source.overlap, until, reread=reread and old is not None)
    unmatched_refused = any(step.kind is Kind.UNMATCHED for step in facts.steps_refused)
    compare = begun.since is None or due or unmatched_refused
    if not compare and not begun.reread:
        return begun
    before = await source.copy.live_count(schema)
    if not before and begun.since is None:
        return begun
    if not compare:
        return replace(begun, before=before)
    await source.copy.clear_seen(schema)
    return replace(begun, compare=True, seq=await source.copy.last_change(), before=before)


def _is_due(last: datetime | None, every: timedelta | None, now: datetime) -> bool:
    return every is not None and last is not None and abs(now - last) >= every
