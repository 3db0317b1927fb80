"""Reading all of an object whose changes cannot be read, and marking deleted what is not there any more.

Rows are read in full and their Ids noted. Only when all are read is the copy compared with them, and a snapshot that
lacks more than half of the copy's rows fails then: it is more likely that a permission has gone than that they have.
"""

from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

from orgsync.errors import FieldNotFound, ObjectNotFound, QueryRefused
from orgsync.records import Batch, Position, Record, schema_of

from .bulk import discard
from .inspection import learn
from .object_facts import ObjectFacts
from .queries import IdOrder
from .query_rules import advice, optional_paths
from .reader import Reader
from .route import Api
from .source import Source
from .state import Pass, StreamState

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
    """Read every row, and mark deleted those of the copy that are not there; one broken off is resumed.

    With `reconcile` a resumed one is followed by one of this run's own: what it had read before may be gone by now.

    Raises SnapshotRefused when more than half of the copy's rows, or all, would be marked deleted and that is not
    allowed; FieldNotFound or ObjectNotFound for what the org does not show.
    """
    progress, without = StreamState.from_position(saved, "snapshot"), set[str]()
    facts = progress.facts if progress.unfinished and progress.is_of(schema_of(model), where) else None
    while True:
        resumed = progress.unfinished is not None
        reader = await _begun(source, model, where, progress, facts, without)
        reader.forced = api
        try:
            async with aclosing(_steps(reader, allow_mass_deletion=allow_mass_deletion)) as batches:
                async for batch in batches:
                    progress = reader.progress
                    yield batch
        except (FieldNotFound, ObjectNotFound, QueryRefused) as problem:  # as in `changes`
            missing = optional_paths(schema_of(model), problem, reader.facts) - without
            if facts is None and not missing:
                raise advice(problem, schema_of(model), where) from None
            facts, without = None, without | missing
            continue
        if not (resumed and reconcile):
            return
        progress, facts = reader.progress, reader.facts


async def _begun(
    source: Source,
    model: type[R],
    where: str | None,
    progress: StreamState,
    facts: ObjectFacts | None,
    without: Collection[str],
) -> Reader[R]:
    """Resume the snapshot that was under way, or begin one."""
    schema = schema_of(model)
    if facts is None:
        facts = await learn(source.client, schema, where, source.warn, without=without)
    going_on = progress.reading(schema, where, facts)
    if going_on.unfinished is None:
        if progress.unfinished and progress.unfinished.job:
            await discard(source, progress.unfinished.job)
        await source.copy.clear_seen(schema)
        begun = Pass(None, min(await source.client.server_now(), source.client.machine_now), compare=True)
        before, seq = await source.copy.live_count(schema), await source.copy.last_change()
        going_on = replace(going_on, unfinished=replace(begun, before=before, seq=seq))
    return Reader(source, model, going_on)


async def _steps(reader: Reader[R], *, allow_mass_deletion: bool) -> AsyncGenerator[Batch[R]]:
    if reader.under_way.step in ("", "rows"):
        async with aclosing(_rows(reader)) as batches:
            async for batch in batches:
                yield batch
    if reader.under_way.step == "gone":
        async with aclosing(_gone(reader, allow_mass_deletion=allow_mass_deletion)) as batches:
            async for batch in batches:
                yield batch
    reader.progress = reader.progress.finished()
    yield reader.batch()
    await reader.source.copy.clear_seen(reader.schema)


async def _rows(reader: Reader[R]) -> AsyncGenerator[Batch[R]]:
    """Read the rows, and note their Ids."""
    question = reader.question(IdOrder(), deleted=False)
    async with aclosing(reader.read("rows", "gone", question, await reader.plan(question))) as chunks:
        async for chunk in chunks:
            rows = reader.rows(chunk)
            await reader.comparison.mark_seen([str(row[0]) for row in rows])
            yield reader.batch(rows)


async def _gone(reader: Reader[R], *, allow_mass_deletion: bool) -> AsyncGenerator[Batch[R]]:
    """Mark the rows deleted that were not met, unless they are too many."""
    after = reader.under_way.after
    refusal = None if allow_mass_deletion or after else await reader.comparison.too_many(reader.under_way)
    if refusal is not None:
        reader.progress = replace(reader.progress, unfinished=None)
        yield reader.batch()  # the next run begins anew: what is wrong may have been put right
        raise refusal
    async for gone, last in reader.comparison.gone(reader.under_way, after[0] if after else ""):
        reader.progress = reader.progress.at("gone", (last,))
        yield reader.batch((), gone)
