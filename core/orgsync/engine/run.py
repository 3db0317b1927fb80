"""One run: a sync on a connection, from where its last run stopped.

Each batch's rows, change marks and counts are committed together with the position that the batch brings, and only
then is the next batch asked for. So at whatever instant the process ends, the copy is what the last committed batch
left, and the next run resumes there.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import anyio.lowlevel
import structlog

from orgsync.errors import AlreadyRunning, LimitReached, OrgsyncError, RunInterrupted
from orgsync.extract import Described, Route, fields_read
from orgsync.logs import PLANNED, get_logger
from orgsync.records import Batch, PartialBatch, Record, Schema, fingerprint, masked, schema_of
from orgsync.scripts import Context, Sync, open_context
from orgsync.scripts.metadata import fitted
from orgsync.store import Connection, Counts, Run, RunStatus, Write
from orgsync.writes import Ledgers

from .events import Committed, Ended, Observer, Planned, Started, Warned, nobody
from .job import Job
from .outcome import Outcome
from .resources import Resources
from .script_errors import problem_of
from .seen_objects import seen_objects
from .streams import Streams
from .yielded import not_a_batch, not_batches

__all__ = ["run_sync"]


@asynccontextmanager
async def _closing_passes(context: Context) -> AsyncGenerator[None]:
    """Close what the script has left open: a pass that is read ahead would send requests when the run has ended."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            await context.close_passes()


async def run_sync(sync: Sync[Record], job: Job, resources: Resources, *, observe: Observer = nobody) -> Outcome:
    """Run a sync as a job says, reporting what happens to the observer.

    When the sync says that it is time, the copy's Ids are compared with the org's also without `reconcile`. A run that
    begins always ends in an Outcome; only being cancelled passes through, with the run marked stopped and all its
    committed batches kept. Raises NameUnknown for an unknown connection and AlreadyRunning while another run
    of the same sync on the same connection is under way.
    """
    store = resources.store
    connection = await store.connections.get(job.connection)
    async with store.runs.begin(sync.name, job.connection, ttl=resources.settings.lease, owed=job.asks) as run:
        running = _Running(sync, job, run, resources, observe)
        observe(Started(run.id, job, run.started_at))
        try:
            await running.require_sound(connection)
            await running.consume(await running.open_context(connection))
        except anyio.get_cancelled_exc_class():
            await running.finish("stopped", RunInterrupted())
            raise
        except (Exception, SystemExit) as error:  # a script is anybody's code: what it raises ends this run alone
            problem = problem_of(sync, error)
            if isinstance(problem, AlreadyRunning):  # another process has taken over, and has ended this run
                ended = running.report_end(await store.runs.get(running.run.id))
            else:
                status: RunStatus = "stopped" if isinstance(problem, LimitReached) else "failed"
                ended = await running.finish(status, problem)
            return Outcome(ended, problem, running.plan)
        return Outcome(await running.finish("done"), plan=running.plan)


@dataclass(slots=True)
class _Running:
    """A run under way."""

    sync: Sync[Record]
    job: Job
    run: Run
    resources: Resources
    observe: Observer
    log: structlog.stdlib.BoundLogger = field(init=False)
    counts: Counts = field(default_factory=Counts)
    rows: int = 0
    plan: Route | None = None
    expected: int | None = None
    streams: Streams = field(default_factory=Streams)
    context: Context | None = None
    masking_key: bytes = b""

    def __post_init__(self) -> None:
        self.log = get_logger().bind(connection=self.run.connection, sync=self.sync.name, run=self.run.id)

    async def require_sound(self, connection: Connection) -> None:
        """Raise, before anything is read, what is known to be wrong: a table of another sync, unfit metadata."""
        if self.sync.problem:
            raise self.sync.problem
        await self.resources.store.rows.require_owner(self.run, self.sync.tables)
        if self.sync.metadata is not None:
            fitted(self.sync.metadata, connection.metadata_, connection=connection.name, sync=self.sync.name)

    async def require_own(self, schema: Schema) -> None:
        """Raise RecordClassInvalid where what is read of a class goes to a table that belongs to another sync.

        Where the sync's annotation names other classes alone, its rows become theirs, and the first batch shows it.
        """
        table, known = self.streams.table_of(schema), self.streams.tables.values()
        if not self.sync.tables or table in (*self.sync.tables, *known):
            await self.resources.store.rows.require_owner(self.run, [table])

    async def open_context(self, connection: Connection) -> Context:
        """Open the context that the sync reads by, at the positions that earlier runs have reached."""
        store, sync = self.resources.store, self.sync
        if (masking_keys := self.resources.masking_keys) is not None:
            self.masking_key = await masking_keys(connection.name)
        else:
            self.masking_key = await store.connections.masking_key(connection.name, known=connection)
        masking = fingerprint(self.masking_key)
        saved, tables = await store.runs.saved(sync.name, connection.name)
        positions = self.streams.resume(saved, sync, tables, asked=self.job.asks, masking=masking, warn=self.warn)
        vaults = self.resources.credentials
        context = await open_context(
            connection,
            store=store,
            http=self.resources.http,
            settings=self.resources.settings,
            reading={
                "full": self.job.full,
                "reconcile": self.job.reconcile,
                "positions": positions,
                "require_own": self.require_own,
                "ledgers": Ledgers(self.resources.sandbox_of or store, connection.name),
            },
            clock=self.resources.clock,
            vault=vaults(connection.name) if vaults else None,
            copy=store.copy(connection.name, sync=sync.name, tables=self.streams.tables, written=sync.tables),
            reconcile_every=sync.reconcile.length if sync.reconcile else None,
            reread_every=sync.formulas.length if sync.formulas else None,
            keeps_positions=self.resources.sandbox_of is None,
            masking_key=self.masking_key,
            report_plan=self.report_plan,
            report_total=self.report_total,
            report_described=self.report_described,
            warn=self.warn,
        )
        context.log = context.log.bind(sync=sync.name, run=self.run.id)
        return context

    def report_total(self, rows: int) -> None:
        """Report how many rows the present query will give."""
        if rows != self.expected:
            self.expected = rows
            self.observe(Planned(self.run.id, self.plan, rows))

    async def report_described(self, schema: Schema, described: Described) -> None:
        """Keep what the org says of objects, so that a change shows; not in a sandbox, whose store is thrown away."""
        if self.resources.sandbox_of is None:
            seen = seen_objects(described)
            reader, reads = f"{self.sync.name} {schema.table}", fields_read(schema, described)
            await self.resources.store.org_schemas.note(self.run.connection, seen, reader=reader, reads=reads)

    def report_plan(self, plan: Route) -> None:
        """Report how the rows of a pass are read."""
        self.plan, self.expected = plan, plan.rows
        self.log.info(PLANNED, plan=str(plan))
        self.observe(Planned(self.run.id, plan, plan.rows))

    def warn(self, message: str) -> None:
        """Report what is not as it should be, to the log as well."""
        self.log.warning(message)
        self.observe(Warned(self.run.id, message))

    async def consume(self, context: Context) -> None:
        """Commit what the sync yields, a batch at a time."""
        self.context = context
        batches = self._batches(context)
        async with _closing_passes(context), aclosing(batches):
            async for batch in batches:
                if not isinstance(cast("object", batch), Batch):
                    raise not_a_batch(self.sync.name, batch)
                with anyio.CancelScope(shield=True):
                    await self._commit(batch, context)
                counts = self.counts
                self.observe(
                    Committed(
                        self.run.id,
                        rows=self.rows,
                        added=counts.added,
                        updated=counts.updated,
                        deleted=counts.deleted,
                        unchanged=counts.unchanged,
                        api_calls=context.api_calls,
                    )
                )
                await anyio.lowlevel.checkpoint_if_cancelled()  # a script, or pages at hand, may never wait
        context.deliveries.require_all()

    def _batches(self, context: Context) -> Any:
        """Call the sync; raises ScriptNotLoaded where what it returns is no asynchronous generator."""
        batches: Any = self.sync(context)
        if not hasattr(batches, "__aiter__") or not hasattr(batches, "aclose"):
            raise not_batches(self.sync.name, batches)
        context.deliveries.passed_on = id(batches)
        return batches

    async def _commit(self, batch: Batch[Record], context: Context) -> None:
        position, table = batch.position, batch.schema.table
        has_content = bool(batch.rows or batch.deleted_ids)
        of_stream = position is not None and bool(position.stream)
        if position and of_stream and has_content:
            self.streams.require_table(position.stream, table, self.sync.name)
        context.deliveries.returned(batch)
        # An empty batch of a class whose rows the script stores as another's makes no table.
        own = has_content or not self.sync.tables or table in self.sync.tables
        rows, cleared = masked(batch.schema, batch.rows, self.masking_key), list[str]()
        if position and of_stream:
            position = self.streams.columns.added_to(position, batch.schema)
            if own:
                position, cleared = self.streams.masks.added_to(position, schema_of(batch.model))
        partial = isinstance(batch, PartialBatch)
        writes = [Write(batch.schema, rows, batch.deleted_ids, partial=partial)] if own else []
        if cleared:
            writes.insert(0, Write(schema_of(batch.model), cleared=cleared))
        self.counts += await self.resources.store.rows.commit(self.run, writes, position, context.api_calls)
        self.rows += len(batch.rows) + len(batch.deleted_ids)
        if position and of_stream:
            self.streams.advance(position, table if has_content else None)

    async def finish(self, status: RunStatus, error: OrgsyncError | None = None) -> Run:
        """Close the run's row, whatever is being cancelled around it, and report the end."""
        with anyio.CancelScope(shield=True):
            self.run = await self.resources.store.runs.finish(
                self.run,
                status=status,
                error=error,
                api_calls=self.context.api_calls if self.context else 0,
                watermark=self.streams.watermark,
                usage=self.context.api_usage.reading if self.context else None,
                alert_after=0 if self.resources.sandbox_of else self.resources.settings.alert_failures,
                settled=self.streams.settled if status == "done" else (),
            )
        return self.report_end(self.run)

    def report_end(self, run: Run) -> Run:
        """Report how the run ended, and return its row."""
        self.observe(Ended(run.id, run.status, run.api_calls, run.watermark, run.error, run.error_code))
        return run
