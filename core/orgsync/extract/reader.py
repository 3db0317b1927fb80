"""A pass under way: its questions are read in turn, by REST or by Bulk jobs, each begun where it was left."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Generic, TypeVar

import anyio
import msgspec

from orgsync.errors import (
    BulkQuotaSpent,
    BulkRefused,
    JobFailed,
    JobIncomplete,
    OrgsyncError,
    QueryTimedOut,
    RecordClassInvalid,
)
from orgsync.records import Batch, Column, Record, Row, Schema, decode, decode_csv, schema_of

from .bulk import taken
from .object_facts import ObjectFacts
from .queries import Order, ReadQuery
from .reconcile import Comparison
from .rest import answers
from .route import Api, Route, calls_left, choose_route, expected_rows, limits_left
from .source import Source
from .state import Pass, StreamState

__all__ = ["END", "Chunk", "Reader"]

R = TypeVar("R", bound=Record)

_SECONDS_A_BATCH = 0.5  # what takes a page's time is committed page by page

END = "end"
"""The step in which nothing is left to do but to move the watermark."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of an answer: records as REST gives them, or texts as Bulk does."""

    records: Sequence[dict[str, Any]] = ()
    header: Sequence[str] = ()
    texts: Sequence[Sequence[str]] = ()

    @property
    def ids(self) -> list[str]:
        """The rows' Ids."""
        if self.records or not self.texts:
            return [record["Id"] for record in self.records]
        at = [name.lower() for name in self.header].index("id")
        return [row[at] for row in self.texts]


@dataclass(slots=True)
class Reader(Generic[R]):
    """Reads questions about one record class, and keeps how far the pass has come.

    `by_rest` says that Bulk has refused, or has no room, in this run; `told_empty` that empty values were told of.
    """

    source: Source
    model: type[R]
    progress: StreamState
    forced: Api | None = None
    by_rest: bool = False
    told_empty: bool = False

    @property
    def schema(self) -> Schema:
        """The record class as data."""
        return schema_of(self.model)

    @property
    def facts(self) -> ObjectFacts:
        """What is known of the object."""
        if self.progress.facts is None:
            raise ValueError("a stream's facts are learnt before it is read")
        return self.progress.facts

    @property
    def under_way(self) -> Pass:
        """The pass."""
        return self.progress.under_way

    @property
    def comparison(self) -> Comparison:
        """The comparison of the copy's Ids with the org's."""
        return Comparison(self.source, self.schema, self.facts, self.progress.where)

    def question(self, order: Order, *, deleted: bool = True) -> ReadQuery:
        """Ask for rows of the class, under the condition of the sync, that changed since the pass's beginning.

        Archived rows are among them; those in the recycle bin only if `deleted`.
        """
        facts, first = self.facts, ["Id", self.facts.cursor] if self.facts.cursor else ["Id"]
        paths = facts.spelling(self.progress.paths)
        return ReadQuery(
            self.schema.sobject,
            [*first, *(path for path in paths if path not in first)],
            order,
            (self.progress.where,),
            since=self.under_way.since,
            bin=facts.has_recycle_bin,
            live=None if deleted else facts.live,
            exact=any(self._needs_digits(column) for column in self.schema.columns),
            common=len(first),
        )

    def _needs_digits(self, column: Column) -> bool:
        """Tell whether a column keeps digits that a double would lose, or that it would write otherwise."""
        path = self.facts.fields.path(column)
        if column.type is int:
            return path in self.facts.wide
        return column.type is Decimal or (column.type is str and path in {*self.facts.numbers, *self.facts.any_type})

    async def read(self, step: str, then: str, question: ReadQuery, plan: Route) -> AsyncGenerator[Chunk]:
        """Read a question to its end, by the plan or by what turns out to be better; `then` is the step behind it.

        What Bulk refuses or cannot do is read by REST, unless Bulk is forced.
        """
        api: Api | None = plan.api
        while api is not None:
            way = self._by_bulk(step, then, question) if api == "bulk" else self._by_rest(step, question)
            try:
                async with aclosing(way) as chunks:
                    async for chunk in chunks:
                        yield chunk
                api = None
            except (BulkRefused, BulkQuotaSpent, JobFailed, JobIncomplete) as refusal:
                if self.forced == "bulk":
                    raise
                self._go_on_by_rest(step, refusal)
                api = "rest"
            except _BetterByBulk:
                self.progress = self.progress.at(step)
                api = "bulk"
        self.progress = self.progress.at(then)

    async def plan(self, question: ReadQuery, rows: int | None = None) -> Route:
        """Choose how to read a question that may be long; `rows` is how many it will give, where that is known."""
        if self.under_way.job is not None:
            plan = Route("bulk", None, "goes on with its job")
        elif self.under_way.after:
            plan = Route("rest", None, "goes on")
        elif self.forced is not None:
            plan = Route(self.forced, rows, "as the sync asks")
        else:
            plan = await self._chosen(rows if rows is not None else await self._expected(question))
        self.source.tell(plan)
        return plan

    def rows(self, chunk: Chunk) -> list[Row]:
        """Bring a chunk's rows into stored form.

        Raises RecordClassInvalid for an object whose rows share an Id, as some virtual ones' do (000000000000000AAA).
        """
        reading = self.facts.fields
        if chunk.texts:
            rows = decode_csv(self.schema, chunk.header, chunk.texts, reading)
        else:
            rows = decode(self.schema, chunk.records, reading)
        if len({row[0] for row in rows}) < len(rows):
            raise RecordClassInvalid(
                f"Rows of {self.schema.sobject} share an Id, so it cannot be their key.",
                "Read it with ctx.query and yield batches with Ids of your own.",
            )
        self._note_empty(rows)
        return rows

    async def batches(self, chunks: AsyncGenerator[Chunk]) -> AsyncGenerator[Batch[R]]:
        """Make batches of chunks; small chunks that come in quick succession share one, which spares transactions.

        Rows of REST come in the order of their stamps, so their Ids are strewn over the table's key: five pages in
        one transaction are written in 60 % of the time of five transactions, measured. What has been read when an
        error ends the reading is kept.
        """
        waiting: list[Row] = []
        last, reached = anyio.current_time(), self.progress
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    waiting += await self._met(self.rows(chunk))
                    reached = self.progress
                    late = anyio.current_time() - last > _SECONDS_A_BATCH
                    if late or not chunk.records or len(waiting) >= self.source.batch_rows:
                        yield self.batch(waiting)
                        waiting, last = [], anyio.current_time()
        except Exception:
            if waiting:
                self.progress = reached  # not beyond a page whose rows could not be taken
                yield self.batch(waiting)
            raise
        if waiting:
            yield self.batch(waiting)

    async def _met(self, rows: list[Row]) -> list[Row]:
        """Note which live rows the org has, in a pass over everything that compares Ids."""
        if self.under_way.compare and self.under_way.since is None:
            await self.comparison.mark_seen([str(row[0]) for row in rows if not row[2]])
        return rows

    def batch(self, rows: Sequence[Row] = (), deleted_ids: Sequence[str] = ()) -> Batch[R]:
        """Make a batch that brings the stream to where it is now."""
        position = self.progress.to_position(self.schema.table)
        return Batch.read(self.model, rows, deleted_ids=deleted_ids, position=position)

    async def _expected(self, question: ReadQuery) -> int | None:
        return await expected_rows(self.source.client, self.schema.sobject, question.condition, deleted=question.bin)

    async def _chosen(self, rows: int | None) -> Route:
        """Choose; the org's limits are asked for only where Bulk would be chosen without them."""
        client, bulk_from, rest_only = self.source.client, self.source.bulk_from, self.facts.not_by_bulk
        left = calls_left(client.usage)
        plan = choose_route(rows, bulk_from=bulk_from, rest_only=rest_only, calls_left=left)
        if plan.api == "rest":
            return plan
        limits = await limits_left(client)
        return choose_route(rows, bulk_from=bulk_from, rest_only=rest_only, calls_left=left, limits=limits)

    async def _by_rest(self, step: str, question: ReadQuery) -> AsyncGenerator[Chunk]:
        """Read by REST; raises _BetterByBulk when it turns out that the rest of it should not be."""
        after = self.under_way.after if self.under_way.step == step else ()
        try:
            async for found in answers(self.source.client, question, after):
                if found.total is not None:
                    self.source.expect(found.total)
                self.progress = self.progress.at(step, found.key)
                if found.records or found.goes_back:
                    yield Chunk(found.records)
                total = found.total or 0
                if not found.is_last and total >= self.source.bulk_from and self._may_be_bulk:
                    await self._require_rest(total)
        except QueryTimedOut:
            if not self._may_be_bulk:
                raise
            self.source.warn(f"Salesforce takes too long for a query of {self.schema.sobject}: Bulk reads it.")
            raise _BetterByBulk from None

    @property
    def _may_be_bulk(self) -> bool:
        return self.forced != "rest" and not self.facts.not_by_bulk and not self.by_rest

    async def _require_rest(self, rows: int) -> None:
        plan = await self._chosen(rows)
        if plan.api == "bulk":
            self.source.tell(plan)
            raise _BetterByBulk
        self.by_rest = True  # the limits will not grow in this run

    async def _by_bulk(self, step: str, then: str, question: ReadQuery) -> AsyncGenerator[Chunk]:
        saved = self.under_way.job if self.under_way.step == step else None
        soql = question.unordered(self._parts(question.paths))
        async with aclosing(taken(self.source, soql, deleted=question.bin, saved=saved)) as parts:
            async for part in parts:
                self.progress = self.progress.at(step, (), part.job) if part.job else self.progress.at(then)
                yield Chunk((), part.header, part.rows)

    def _parts(self, paths: Sequence[str]) -> list[str]:
        """Put the parts of compound fields, which Bulk can read, in place of the whole."""
        found: list[str] = []
        for path in paths:
            found += self.facts.compounds[path].values() if path in self.facts.compounds else [path]
        return list(dict.fromkeys(found))

    def _go_on_by_rest(self, step: str, refusal: OrgsyncError) -> None:
        """Note why, for a day, so that Bulk is not asked in every pass; the limits may be others in the next one."""
        self.source.warn(f"{self.schema.sobject} is read by REST: {refusal.cause}")
        self.by_rest = True
        spent = isinstance(refusal, BulkQuotaSpent)
        facts = self.facts if spent else msgspec.structs.replace(self.facts, bulk_refused=refusal.cause)
        self.progress = replace(self.progress.at(step), facts=facts)

    def _note_empty(self, rows: Sequence[Row]) -> None:
        """Say once that a field declared without `| None` has empty values; they are kept as NULL."""
        if self.told_empty:
            return
        for at, column in enumerate(self.schema.columns):
            if not column.nullable and not column.local and any(row[at] is None for row in rows):
                self.told_empty = True
                self.source.warn(
                    f"{self.model.__name__}.{column.name} is declared without `| None`, but Salesforce has rows "
                    "without a value; they are kept as NULL."
                )


class _BetterByBulk(Exception):
    """What is being read by REST is too long, or too slow, for it."""
