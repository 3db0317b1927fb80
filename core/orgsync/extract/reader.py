"""Reading a query by REST or by a Bulk job, each result with the state that the stream reaches by it."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast

import anyio

from orgsync.errors import (
    BulkQuotaSpent,
    BulkRefused,
    JobFailed,
    JobIncomplete,
    OrgsyncError,
    QueryTimedOut,
    RecordClassInvalid,
)
from orgsync.records import (
    Batch,
    DecodedRecords,
    PartialBatch,
    Record,
    Row,
    Schema,
    decode,
    decode_csv,
    has_nulls,
    ids_of,
    joined,
    live_ids,
    values_of,
)

from .bulk import job_rows
from .decoding_subprocess import Decoding
from .long_queries import pages_ahead
from .queries import Order, ReadQuery
from .route import Api, Route, calls_left, choose_route, expected_rows, limits_left
from .source import Source
from .state import StreamState
from .steps import Step

__all__ = ["Chunk", "Part", "Reader"]

R = TypeVar("R", bound=Record)

_SECONDS_PER_BATCH = 0.5  # pages that take longer are committed one by one


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a result, records from REST or texts from Bulk, and the state that the stream reaches with them.

    Rows of a long result may be decoded already, unless a step reads them `raw`: `decoded`, or DecodedRecords.

    The last chunk of a query has no rows: its state is the beginning of the next step.
    """

    state: StreamState
    records: Sequence[dict[str, Any]] = ()
    header: Sequence[str] = ()
    texts: Sequence[Sequence[str]] = ()
    decoded: Sequence[Row] = ()
    is_last: bool = False

    @property
    def ids(self) -> list[str]:
        """The rows' Ids."""
        if self.decoded:
            return [*ids_of(self.decoded)]
        if self.records or not self.texts:
            return [*values_of(self.records, "Id")]
        at = [name.lower() for name in self.header].index("id")
        return [row[at] for row in self.texts]


@dataclass(frozen=True, slots=True)
class Part(Generic[R]):
    """The state that a step brings the stream to, and the batch that is committed with it, if any."""

    state: StreamState
    batch: Batch[R] | None = None


@dataclass(slots=True)
class Reader(Generic[R]):
    """Reads queries about one record class.

    `schema` is the class as the connection reads it, `forced` the API that the sync demands. `rest_only` notes that
    Bulk refused the object or has no quota left in this run, `warned_of_nulls` that the warning about empty values was
    given.
    """

    source: Source
    model: type[R]
    forced: Api | None = None
    schema: Schema = field(init=False)
    partial: bool = field(default=False, init=False)
    rest_only: bool = field(default=False, init=False)
    warned_of_nulls: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.schema = self.source.schema_of(self.model)

    def only(self, names: Collection[str]) -> "Reader[R]":
        """Return a reader of these columns alone: its batches change them in rows that the copy has."""
        narrow = Reader(self.source, self.model, self.forced)
        columns = (*self.schema.columns[:3], *(each for each in self.schema.fields if each.name in names))
        narrow.schema, narrow.partial, narrow.rest_only = replace(self.schema, columns=columns), True, self.rest_only
        return narrow

    def query(self, state: StreamState, order: Order, *, deleted: bool = True) -> ReadQuery:
        """Return the query for rows that match the sync's condition and changed since the pass's beginning.

        Archived rows are included, those in the recycle bin only if `deleted`.
        """
        facts = state.known_facts
        first = ["Id", facts.cursor] if facts.cursor else ["Id"]
        paths = facts.spelling(state.paths)
        return ReadQuery(
            self.schema.sobject,
            [*first, *(path for path in paths if path not in first)],
            order,
            (state.where,),
            since=state.current.since,
            bin=facts.has_recycle_bin,
            live=None if deleted else facts.live,
            exact=any(map(facts.needs_digits, self.schema.selected)),
            common=len(first),
            settled=state.current.until,
        )

    async def route(self, state: StreamState, query: ReadQuery, rows: int | None = None) -> Route:
        """Choose how to read a query that may be long; `rows` is how many it returns, if that is known."""
        if state.current.job is not None:
            route = Route("bulk", resumes=True)
        elif state.current.after:
            route = Route("rest", resumes=True)
        elif self.forced is not None:
            route = Route(self.forced, rows, "as the sync demands")
        else:
            route = await self._chosen(state, rows if rows is not None else await self._expected(query))
        self.source.report_plan(route)
        return route

    async def read(
        self, state: StreamState, query: ReadQuery, route: Route, then: Step, *, raw: bool = False
    ) -> AsyncGenerator[Chunk]:
        """Read a query to its end, by the route or by what turns out to be better; the stream is then at step `then`.

        What Bulk refuses or cannot do is read by REST, unless Bulk is forced.
        """
        step, api = state.current.step, route.api
        while True:
            chunks = (
                self._by_bulk(state, query, then, raw=raw) if api == "bulk" else self._by_rest(state, query, raw=raw)
            )
            try:
                async with aclosing(chunks):
                    async for chunk in chunks:
                        state = chunk.state
                        yield chunk
            except (BulkRefused, BulkQuotaSpent, JobFailed, JobIncomplete) as refusal:
                if self.forced == "bulk":
                    raise
                state, api = self._without_bulk(state.at(step), refusal), "rest"
            except _BetterByBulk:
                state, api = state.at(step), "bulk"
            else:
                yield Chunk(state.at(then), is_last=True)
                return

    async def parts(self, state: StreamState, chunks: AsyncGenerator[Chunk]) -> AsyncGenerator[Part[R]]:
        """Make batches of chunks; small chunks in quick succession share one, which saves transactions.

        REST returns rows in the order of their stamps, so their Ids are spread over the table's key: five pages in one
        transaction are written in 60 % of the time of five transactions, measured. What was read when an error ends
        the step is delivered before it.
        """
        waiting: Sequence[Row] = ()
        last = anyio.current_time()
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    rows = await self._seen(state, self.rows(chunk))
                    together = joined(waiting, rows)
                    if together is None:
                        yield self.part(state, waiting)
                        last = anyio.current_time()
                    waiting = rows if together is None else together
                    state = chunk.state  # only now: not beyond a page whose rows could not be decoded
                    if chunk.is_last:
                        break
                    late = anyio.current_time() - last > _SECONDS_PER_BATCH
                    if late or not chunk.records or len(waiting) >= self.source.batch_rows:
                        yield self.part(state, waiting)
                        waiting, last = (), anyio.current_time()
        except Exception:
            if waiting:
                yield self.part(state, waiting)
            raise
        yield self.part(state, waiting) if waiting else Part(state)

    def rows(self, chunk: Chunk) -> Sequence[Row]:
        """Decode the rows of a chunk.

        Raises RecordClassInvalid for an object whose rows share an Id, as some virtual ones' do (000000000000000AAA).
        """
        facts = chunk.state.known_facts.fields
        rows: Sequence[Row]
        if chunk.decoded:
            rows = chunk.decoded
        elif isinstance(chunk.records, DecodedRecords):
            rows = chunk.records.rows
        elif chunk.texts:
            rows = decode_csv(self.schema, chunk.header, chunk.texts, facts)
        else:
            rows = decode(self.schema, chunk.records, facts)
        if len(set(ids_of(rows))) < len(rows):
            raise RecordClassInvalid(
                f"Rows of {self.schema.sobject} share an Id, so it cannot be their key.",
                "Read it with ctx.query and yield batches with Ids of your own.",
            )
        self._warn_of_nulls(rows)
        return rows

    def batch(self, state: StreamState, rows: Sequence[Row] = (), deleted_ids: Sequence[str] = ()) -> Batch[R]:
        """Return a batch that brings the stream to a state."""
        position = state.to_position(self.schema.table)
        if self.partial:
            return PartialBatch(self.model, self.schema, rows, position)
        return Batch.read(self.model, rows, deleted_ids=deleted_ids, position=position)

    def part(self, state: StreamState, rows: Sequence[Row] = (), deleted_ids: Sequence[str] = ()) -> Part[R]:
        """Return a part with such a batch."""
        return Part(state, self.batch(state, rows, deleted_ids))

    async def _seen(self, state: StreamState, rows: Sequence[Row]) -> Sequence[Row]:
        """Note which live rows the org has, in a pass over everything that compares Ids."""
        if state.current.compare and state.current.since is None and not self.partial:
            await self.source.copy.mark_seen(self.schema, live_ids(rows))
        return rows

    async def _expected(self, query: ReadQuery) -> int | None:
        return await expected_rows(self.source.client, self.schema.sobject, query.condition, deleted=query.bin)

    async def _chosen(self, state: StreamState, rows: int | None) -> Route:
        """Choose a route; the org's limits are requested only if Bulk would be chosen without them."""
        client, bulk_from, rest_only = self.source.client, self.source.bulk_from, state.known_facts.not_by_bulk
        left = calls_left(client.usage)
        route = choose_route(rows, bulk_from=bulk_from, rest_only=rest_only, calls_left=left)
        if route.api == "rest":
            return route
        limits = await limits_left(client)
        return choose_route(rows, bulk_from=bulk_from, rest_only=rest_only, calls_left=left, limits=limits)

    async def _by_rest(self, state: StreamState, query: ReadQuery, *, raw: bool) -> AsyncGenerator[Chunk]:
        """Read by REST; raise _BetterByBulk when it turns out that Bulk should read the rest."""
        may_be_bulk = self.forced != "rest" and not state.known_facts.not_by_bulk
        try:
            async with aclosing(
                pages_ahead(self.source, query, state, None if raw else self._decoding(state))
            ) as pages:
                async for page in pages:
                    if page.total is not None:
                        self.source.report_total(page.total)
                    state = state.reached(page.key, tally=page.tally)
                    if page.records or page.goes_back:
                        yield Chunk(state, page.records)
                    total = page.total or 0
                    if not page.is_last and total >= self.source.bulk_from and may_be_bulk and not self.rest_only:
                        await self._require_rest(state, total)
        except QueryTimedOut:
            if self.rest_only or not may_be_bulk:
                raise
            self.source.warn(f"Salesforce takes too long for a query of {self.schema.sobject}: Bulk reads it.")
            raise _BetterByBulk from None

    async def _require_rest(self, state: StreamState, rows: int) -> None:
        route = await self._chosen(state, rows)
        if route.api == "bulk":
            self.source.report_plan(route)
            raise _BetterByBulk
        self.rest_only = True  # the limits will not grow in this run

    async def _by_bulk(self, state: StreamState, query: ReadQuery, then: Step, *, raw: bool) -> AsyncGenerator[Chunk]:
        soql = query.unordered(state.known_facts.in_parts(query.paths))
        decode = None if raw else self._decoding(state)
        rows = job_rows(self.source, soql, deleted=query.bin, saved=state.current.job, decode=decode)
        async with aclosing(rows) as parts:
            async for part in parts:
                reached = state.reached((), part.job) if part.job else state.at(then)
                if part.is_decoded:
                    yield Chunk(reached, decoded=cast("Sequence[Row]", part.rows))
                else:
                    yield Chunk(reached, (), part.header, part.rows)

    def _decoding(self, state: StreamState) -> Decoding:
        """Return what rows are decoded by; they are encoded where they reach the database as they are read."""
        copy, schema = self.source.copy, self.schema
        changed = self.partial or any(column.mask for column in schema.columns) or not copy.keeps_columns(schema)
        return Decoding(schema, state.known_facts.fields, None if changed else copy.encoding)

    def _without_bulk(self, state: StreamState, refusal: OrgsyncError) -> StreamState:
        """Note why Bulk refuses the object, so that not every pass tries it; a quota may be free again in the next."""
        self.source.warn(f"{self.schema.sobject} is read by REST: {refusal.cause}")
        self.rest_only = True
        return state if isinstance(refusal, BulkQuotaSpent) else state.with_facts(bulk_refused=refusal.cause)

    def _warn_of_nulls(self, rows: Sequence[Row]) -> None:
        """Warn once that a field declared without `| None` has empty values; they are stored as NULL."""
        if self.warned_of_nulls:
            return
        for at, column in enumerate(self.schema.columns):
            if not column.nullable and not column.local and has_nulls(rows, at):
                self.warned_of_nulls = True
                self.source.warn(
                    f"{self.model.__name__}.{column.name} is declared without `| None`, but Salesforce has rows "
                    "without a value; they are stored as NULL."
                )


class _BetterByBulk(Exception):
    """What is being read by REST is too long, or too slow, for it."""
