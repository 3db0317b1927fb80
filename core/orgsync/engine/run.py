"""One execution of one sync on one connection.

Each batch's rows, change marks and counts are committed together with the position that the batch brings, and only
then is the next batch asked for. So at whatever instant the process ends, the copy is what the last committed batch
left, and the next run goes on from there.
"""

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack, cast

import anyio
import anyio.lowlevel

from orgsync.errors import AlreadyRunning, BatchInvalid, LimitReached, OrgsyncError, RunInterrupted
from orgsync.extract import Route
from orgsync.logs import get_logger
from orgsync.records import Batch, Position, Record, Schema
from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.salesforce.http.http import Http
from orgsync.scripts import Context, ReadOptions, Sync, open_context
from orgsync.settings import Settings
from orgsync.store import Checkpoint, Run, RunStatus, Store, Write

from .gc_pressure import less_collecting
from .kept_columns import KeptColumns
from .script_errors import problem_of
from .yielded import not_a_batch, not_batches

__all__ = ["Outcome", "Progress", "RunOptions", "run_sync"]


@dataclass(slots=True)
class Progress:
    """How far a run is: rows committed by kind, API calls, what its present query will give, and the plan behind it."""

    added: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0
    uncounted: int = 0  # came and are not in the copy: a script left them out, or they were deleted before
    api_calls: int = 0
    expected: int | None = None
    plan: Route | None = None

    @property
    def rows(self) -> int:
        """Rows read and committed so far."""
        return self.added + self.updated + self.deleted + self.unchanged + self.uncounted


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its row in the store, the problem that ended it, if any, and the plan of its last long read."""

    run: Run
    problem: OrgsyncError | None = None
    plan: Route | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _nobody(_: Progress) -> None:
    """Tell nobody."""


class RunOptions(TypedDict, total=False):
    """What a run may be told: to read everything, to compare Ids, whom to tell its progress, what time it is,
    where the credentials are kept if not in the store, whether a later run will go on from where it stops, and whom to
    give its row as soon as it has begun.
    """

    full: bool
    reconcile: bool
    watch: Callable[[Progress], None]
    clock: Callable[[], datetime]
    vault: CredentialsVault | None
    goes_on: bool
    begun: Callable[[Run], None]


async def run_sync(
    sync: Sync[Record],
    connection: str,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    **options: Unpack[RunOptions],
) -> Outcome:
    """Run a sync on a connection, from its checkpoint, or from the start with `full`.

    With `reconcile`, or when the sync says that it is time, the copy's Ids are compared with the org's as well. A run
    that begins always ends in an Outcome; only being cancelled passes through, with the run marked stopped and all
    its committed batches kept. Raises NameUnknown for an unknown connection and AlreadyRunning while another
    run of the same sync on the same connection is under way.
    """
    leads_to = await store.connections.get(connection)
    clock, watch = options.get("clock", _utc_now), options.get("watch", _nobody)
    reading: ReadOptions = {"full": options.get("full", False), "reconcile": options.get("reconcile", False)}
    async with store.runs.begin(sync.name, connection, ttl=settings.lease) as run:
        running = _Running(sync, run, store, watch)
        if "begun" in options:
            options["begun"](run)
        try:
            await running.require_sound()
            saved = await store.runs.checkpoints(sync.name, connection)
            positions = await running.take_up(saved, full=options.get("full", False))
            context = await open_context(
                leads_to,
                store=store,
                http=http,
                settings=settings,
                reading={**reading, "positions": positions, "require_own": running.require_own},
                clock=clock,
                vault=options.get("vault"),
                copy=store.copy(connection, sync=sync.name, tables=running.tables, written=sync.tables),
                reconcile_every=sync.reconcile.length if sync.reconcile else None,
                keeps_positions=options.get("goes_on", True),
                expect=running.expect,
                tell=running.told,
            )
            context.log = context.log.bind(sync=sync.name, run=running.run.id)
            with less_collecting():
                await running.consume(context)
        except anyio.get_cancelled_exc_class():
            await running.finish("stopped", RunInterrupted())
            raise
        except (Exception, SystemExit) as error:  # a script is anybody's code: what it raises ends this run alone
            problem = problem_of(sync, error)
            if isinstance(problem, AlreadyRunning):  # another process has taken over, and has ended this run
                return Outcome(await store.runs.get(running.run.id), problem, running.progress.plan)
            status: RunStatus = "stopped" if isinstance(problem, LimitReached) else "failed"
            return Outcome(await running.finish(status, problem), problem, running.progress.plan)
        return Outcome(await running.finish("done"), plan=running.progress.plan)


@dataclass(slots=True)
class _Running:
    """A run under way."""

    sync: Sync[Record]
    run: Run
    store: Store
    watch: Callable[[Progress], None]
    progress: Progress = field(default_factory=Progress)
    watermarks: dict[str, datetime | None] = field(default_factory=dict[str, datetime | None])
    tables: dict[str, str] = field(default_factory=dict[str, str])
    kept: KeptColumns = field(default_factory=KeptColumns)
    reached: set[str] = field(default_factory=set[str])
    context: Context | None = None

    async def require_sound(self) -> None:
        """Raise, before anything is read, what is known to be wrong: a table read twice, or of another sync."""
        if self.sync.problem:
            raise self.sync.problem
        await self.store.rows.require_owner(self.run, self.sync.tables)

    async def require_own(self, schema: Schema) -> None:
        """Raise RecordClassInvalid where what is read of a class goes to a table that belongs to another sync.

        Where the sync's annotation names other classes alone, its rows become theirs, and the first batch tells.
        """
        table = self.tables.get(schema.table, schema.table)
        if not self.sync.tables or table in (*self.sync.tables, *self.tables.values()):
            await self.store.rows.require_owner(self.run, [table])

    def expect(self, rows: int) -> None:
        """Note how many rows the present query will give, beyond those that were committed before it."""
        self.progress.expected = rows

    def told(self, plan: Route) -> None:
        """Note how the rows of a pass are read, and say so."""
        self.progress.plan, self.progress.expected = plan, plan.rows
        if self.context:
            get_logger().info(f"plan: {plan}", connection=self.run.connection, sync=self.sync.name, run=self.run.id)

    async def consume(self, context: Context) -> None:
        """Commit what the sync yields, a batch at a time."""
        self.context = context
        batches = self._batches(context)
        async with aclosing(batches):
            async for batch in batches:
                if not isinstance(cast("object", batch), Batch):
                    raise not_a_batch(self.sync.name, batch)
                with anyio.CancelScope(shield=True):
                    await self._commit(batch)
                self.watch(self.progress)
                await anyio.lowlevel.checkpoint_if_cancelled()  # a script, or pages at hand, may never wait
        context.deliveries.require_all()

    def _batches(self, context: Context) -> Any:
        """Call the sync; what is not an asynchronous generator of ours or the author's is told so."""
        batches: Any = self.sync(context)
        if not hasattr(batches, "__aiter__") or not hasattr(batches, "aclose"):
            raise not_batches(self.sync.name, batches)
        return batches

    async def _commit(self, batch: Batch[Record]) -> None:
        position, table = batch.position, batch.schema.table
        has_content = bool(batch.rows or batch.deleted_ids)
        if position and position.stream and has_content:
            self._require_table(position.stream, table)
        if self.context:
            self.context.deliveries.returned(batch)
        # An empty batch of a class whose rows the script keeps as another's makes no table.
        own = has_content or not self.sync.tables or table in self.sync.tables
        writes = [Write(batch.schema, batch.rows, batch.deleted_ids)] if own else []
        if position and position.stream:
            position = self.kept.kept_in(position, batch.schema)
        calls = self.context.api_calls if self.context else 0
        counts = await self.store.rows.commit(self.run, writes, position, calls)
        if position and position.stream and has_content:
            self.tables[position.stream] = table
        if position and position.stream:
            self.watermarks[position.stream] = position.watermark
            self.reached.add(position.stream)
        self.progress.added += counts.added
        self.progress.updated += counts.updated
        self.progress.deleted += counts.deleted
        self.progress.unchanged += counts.unchanged
        counted = counts.added + counts.updated + counts.deleted + counts.unchanged
        self.progress.uncounted += len(batch.rows) + len(batch.deleted_ids) - counted
        self.progress.api_calls = calls

    async def take_up(self, saved: Mapping[str, Checkpoint], *, full: bool) -> dict[str, Position]:
        """Take in where earlier runs have come; answer with the positions that the sync goes on from."""
        positions = {name: Position(name, kept.watermark, kept.position) for name, kept in saved.items()}
        self.watermarks = {name: kept.watermark for name, kept in positions.items() if name}
        self.tables = {name: kept.kept_in for name, kept in saved.items() if name and kept.kept_in}
        self.kept = KeptColumns.of(saved)
        for stream in await self.to_begin_anew(full=full):
            del positions[stream]
        return positions

    async def to_begin_anew(self, *, full: bool) -> list[str]:
        """Name the streams whose saved position says nothing of the rows in their table, by now.

        The table may have been dropped, and the class that a script makes of the rows may have gained columns.
        """
        there = {table.lower() for table in await self.store.rows.tables()}
        dropped = [stream for stream, table in self.tables.items() if table.lower() not in there]
        for stream in dropped:
            get_logger().warning(
                f"The table {self.tables[stream]} is not in the database any more: everything is read anew.",
                connection=self.run.connection,
                sync=self.sync.name,
            )
        anew = {*dropped, *self.kept.outgrown(self.sync.models, self.tables)}
        self.kept.forget([*self.kept.by_stream] if full else anew)
        return sorted(anew)

    def _require_table(self, stream: str, table: str) -> None:
        """Raise ScriptProblem where the rows of a pass come for another table than before, or than another pass's.

        Which rows have gone is found by looking into the table that holds them, and it alone. SQLite takes no account
        of the case of a table's name.
        """
        before = self.tables.get(stream, table)
        if before.lower() != table.lower():
            raise BatchInvalid(
                f"The sync {self.sync.name} has kept what it reads of {stream} in the table {before}, and now yields "
                f"it for the table {table}.",
                f"Yield it for {before} as before, or begin anew: orgsync reset {self.sync.name}.",
            )
        alike = [name for name, kept in self.tables.items() if kept.lower() == table.lower()]
        other = next((name for name in alike if name != stream), None)
        if other is not None:
            raise BatchInvalid(
                f"The sync {self.sync.name} yields what it reads of {stream} for the table {table}, which holds what "
                f"it reads of {other}: each would mark the other's rows deleted.",
                "Give each a record class with a table of its own: batch.map(change, model=...).",
            )

    async def finish(self, status: RunStatus, error: OrgsyncError | None = None) -> Run:
        """Close the run's row, whatever is being cancelled around it."""
        of = self.reached or self.watermarks.keys()  # a stream that the sync no longer reads says nothing of the others
        reached = [watermark for stream in of if (watermark := self.watermarks[stream])]
        with anyio.CancelScope(shield=True):
            self.run = await self.store.runs.finish(
                self.run,
                status=status,
                error=error,
                api_calls=self.context.api_calls if self.context else 0,
                watermark=min(reached, default=None),
            )
        return self.run
