"""One pass over what changed in an object, so that no committed change is lost.

Let W be the old watermark. A pass takes a safe instant S first, then reads every row whose SystemModstamp is at or
after W, the deleted ones too, in the order (SystemModstamp, Id); rows newer than S are delivered as well. When all are
read, and only then, the watermark becomes S. A row version stamped at or before S was visible when the pass began, so
it was read; one stamped later is read by the next pass. Reading a row twice is harmless: the store takes a row by its
Id, and never goes back to an older version.

A key (SystemModstamp, Id) marks how far a pass has come, so it goes on there after a break, in the same pass, with the
same S. Rows that change meanwhile move on in the order and are read again. A Bulk job has no order; there the job's
place is what marks it, and every chunk of the job is read after S was taken, so the same holds.

Since no real org has confirmed what S promises, each pass begins not at W but an overlap before it: rows are read
again that were there already, and a row that S passed over by less than the overlap is not lost.

What leaves no stamp has steps of its own:
- `parent X`: a parent's field changes without its child's stamp moving. So there is one more query for each parent
  that a class reads from: the rows whose parent's SystemModstamp is at or after W, by Id.
- `left`: with a condition, the Ids of all changed rows are asked for, whether they meet it or not: those in the copy
  that meet it no longer leave. Where Salesforce refuses that question, Ids are compared.
- `deletions`: rows deleted for good are in getDeleted's log, as far as that reaches back.
- `ids`, `gone`, `come`: on a schedule, or where the log does not reach back, the copy's Ids are compared with the
  org's. Such a pass reads every row of a class with fields that change without any stamp, formulas above all.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from orgsync.errors import FieldNotFound, ObjectNotFound, QueryRefused
from orgsync.records import Batch, Position, Record, schema_of, to_stored
from orgsync.salesforce.api.replication import FIRST_INSTANT

from .inspection import learn
from .object_facts import ObjectFacts, refreshed
from .query_rules import advice, instead_of_changes, optional_paths
from .reader import Reader
from .route import Api
from .source import Source
from .state import Pass, StreamState
from .steps import ChangesPass, abandon
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
) -> AsyncGenerator[Batch[R]]:
    """Read what changed since the saved position, in batches that each bring their position with them.

    `full` reads everything once more, `reconcile` holds the copy's Ids against the org's; `api` forces one of the two
    ways of reading. Raises FieldNotFound or ObjectNotFound for what the org does not show.
    """
    progress, without = StreamState.from_position(saved, "changes"), set[str]()
    if full:
        await abandon(source, progress)
        progress = replace(progress, watermark=None, unfinished=None, facts=None)
    facts = await _still_true(source, progress, model, where)
    while True:
        resumed, known = progress.unfinished is not None, facts
        try:
            one_pass = await _begin(source, model, where, progress, facts, reconcile=reconcile, without=without)
            one_pass.reader.forced, known = api, one_pass.reader.facts
            async with aclosing(one_pass.batches()) as batches:
                async for batch in batches:
                    progress = one_pass.reader.progress
                    yield batch
        except (FieldNotFound, ObjectNotFound, QueryRefused) as problem:
            missing = optional_paths(schema_of(model), problem, known) - without
            if facts is None and not missing:
                raise advice(problem, schema_of(model), where) from None
            facts, without = None, without | missing  # what was known is no longer so: look again, or say what lacks
            continue
        if not resumed and not one_pass.reads_again:
            return
        # An earlier run's pass is done; what changed since it began is read by one of our own. A request to compare
        # Ids stands: what that pass had read before it broke off may be gone by now.
        progress, facts = one_pass.reader.progress, one_pass.reader.facts


async def _still_true(source: Source, progress: StreamState, model: type[R], where: str | None) -> ObjectFacts | None:
    """Give the facts that the checkpoint holds, if they are still so."""
    facts = progress.facts
    if facts is None or not progress.is_of(schema_of(model), where):
        return None
    return await refreshed(source.client, facts) if facts.is_stale(source.client.now) else facts


async def _begin(
    source: Source,
    model: type[R],
    where: str | None,
    progress: StreamState,
    facts: ObjectFacts | None,
    *,
    reconcile: bool,
    without: Collection[str],
) -> ChangesPass[R]:
    """Go on with the pass that was under way, or take a safe instant and begin one."""
    schema = schema_of(model)
    if facts is None:
        facts = await learn(source.client, schema, where, source.warn, without=without)
    if not facts.cursor:
        raise ObjectNotFound(
            f"{schema.sobject} has no field that its changes can be read by.",
            instead_of_changes(schema.sobject, model.__name__),
        )
    going_on = progress.reading(schema, where, facts)
    if going_on.unfinished is None:
        await abandon(source, progress)
        going_on = replace(going_on, unfinished=await _new_pass(source, model, going_on, facts, reconcile=reconcile))
    return ChangesPass(Reader(source, model, going_on))


async def _new_pass(
    source: Source, model: type[R], progress: StreamState, facts: ObjectFacts, *, reconcile: bool
) -> Pass:
    """Take the safe instant, and see whether to compare Ids: when it is time, and when everything is read again."""
    schema, old = schema_of(model), progress.watermark
    until = await safe_instant(source, schema, facts)
    if old and old > max(source.client.now, source.client.machine_now) + CLOCK_BOUND:
        source.warn(
            f"The watermark of {schema.sobject} is in the future ({to_stored(old)}), so a clock was wrong when it was "
            "taken: everything is read again, for changes may have been passed over."
        )
        old = None
    if old and old < FIRST_INSTANT:
        source.warn(f"The watermark of {schema.sobject} is from before any org ({to_stored(old)}): everything is read.")
        old = None
    until = max(until, old) if old else until
    due = reconcile or _is_due(progress.compared_at, source.reconcile_every, source.client.now)
    begun = Pass(None if old is None or (due and facts.drifts) else old - source.overlap, until)
    left_refused = any(step.startswith("left") for step in facts.steps_refused)
    if begun.since is not None and not due and not left_refused:
        return begun
    before = await source.copy.live_count(schema)
    if not before and begun.since is None:
        return begun
    await source.copy.clear_seen(schema)
    return replace(begun, compare=True, seq=await source.copy.last_change(), before=before)


def _is_due(last: datetime | None, every: timedelta | None, now: datetime) -> bool:
    return every is not None and last is not None and abs(now - last) >= every
