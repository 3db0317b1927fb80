"""A dry run: a job runs for real, but on a copy of the database that is thrown away, and its changes are shown.

Nothing reaches the user's database but what sign-in learns: a renewed token, for the old one may be dead from then on,
or that the connection must be signed in again. A Bulk job that an unfinished pass is reading is left to the next real
run; one that the dry run has begun is deleted in the org.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, TypeAlias

import anyio

from orgsync.engine import Committed, Event, Job, Observer, Outcome, Planned, nobody
from orgsync.extract import Route
from orgsync.extract.state import StreamState
from orgsync.printable import counted
from orgsync.records import Position
from orgsync.records.schema import BOOKKEEPING, FEED_NUMBER
from orgsync.scripts import StoredVault
from orgsync.store import Checkpoint, Run, Store

from .project import Project

__all__ = ["DryRun", "DryRunChange", "OpenDryRun", "open_dry_run"]

ChangeKind: TypeAlias = Literal["added", "updated", "deleted"]
Row: TypeAlias = Mapping[str, Any]

_NOT_FIELDS = BOOKKEEPING | {FEED_NUMBER, "id", "system_modstamp", "is_deleted"}
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class DryRunChange:
    """What a run would do to one row: `fields` maps each column to its value before and after, None for no value.

    Its `kind` is added, updated or deleted.
    Of an updated row these are the columns that differ, none where only its system_modstamp does; of an added or a
    deleted row all that have a value. Booleans and JSON are Python's, all else is as the table stores it: instants and
    decimals are texts.
    """

    table: str
    id: str
    kind: ChangeKind
    fields: dict[str, tuple[Any, Any]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DryRun:
    """A finished dry run: the run as it would have been, and its changes, table by table in the order of commits.

    The counts of `run` are those that a real run would have; it is in no list of runs. `at_limit` says that the run was
    stopped because it had enough changes.
    """

    run: Run
    changes: Sequence[DryRunChange] = field(repr=False)
    at_limit: bool


@dataclass(frozen=True, slots=True)
class OpenDryRun:
    """How a dry run ended, and what it would change, to be read while its block lasts.

    The run's counts are those that a real run would have; its changes are those against the rows as they are now, so
    that what a real run has committed meanwhile is not among them. `tables` are those that would change. `at_limit`
    says that the run was stopped because it had enough changes.
    """

    outcome: Outcome
    at_limit: bool
    tables: Sequence[str]
    _real: Store = field(repr=False)
    _copy: Store = field(repr=False)
    _since: int = field(repr=False)
    _limit: int | None = field(repr=False)

    async def finished(self) -> DryRun:
        """Return the dry run with all its changes in memory."""
        return DryRun(self.outcome.run, [change async for change in self.changes], self.at_limit)

    @property
    async def changes(self) -> AsyncGenerator[DryRunChange]:
        """Every change, table by table, in the order in which a run would commit them; `limit` at most."""
        left = self._limit
        for table in self.tables:
            async with aclosing(self.changes_in(table)) as changes:
                async for change in changes:
                    if left == 0:
                        return
                    left = None if left is None else left - 1
                    yield change

    async def changes_in(self, table: str) -> AsyncGenerator[DryRunChange]:
        """Every change in one table, with no limit."""
        connection = self.outcome.run.connection
        changed = self._copy.rows.read(table, connection=connection, changes=True, after=self._since)
        async for rows in _pages(changed):
            before = await self._real.rows.get(table, connection, [row["id"] for row in rows])
            for row in rows:
                change = _change(table, before.get(row["id"]), row)
                if change is not None:
                    yield change


@asynccontextmanager
async def open_dry_run(
    project: Project, job: Job, *, limit: int | None = None, observe: Observer = nobody
) -> AsyncGenerator[OpenDryRun]:
    """Run a job without changing the store: `async with open_dry_run(...) as dry_run:`, and read its changes there.

    The run is stopped once it has `limit` changes. A run that another process has under way is not disturbed and does
    not stand in the way. What a script itself writes to the org is written. Raises as `Project.execute` does, and
    StoreUnavailable where there is no room for a copy of the database.
    """
    real = project.store
    await real.connections.get(job.connection)
    async with real.sandbox() as copy:
        since = await copy.rows.last_change()
        await _release_bulk_jobs(copy, job)
        vaults = project.credentials or partial(StoredVault, real)
        masking_keys = project.masking_keys or real.connections.masking_key
        sandbox = replace(project, store=copy, credentials=vaults, masking_keys=masking_keys, sandbox_of=real)
        outcome, at_limit = await _run(sandbox, job, limit, observe)
        tables = [table for table in await copy.rows.tables() if await _has_changed(copy, table, job.connection, since)]
        yield OpenDryRun(outcome, at_limit, tables, real, copy, since, limit)


async def _run(sandbox: Project, job: Job, limit: int | None, observe: Observer) -> tuple[Outcome, bool]:
    """Run the job to the end, or until there are `limit` changes; the second value says whether it was stopped."""
    if limit is None:
        return await sandbox.execute(job, observe=observe), False
    settings = sandbox.settings.model_copy(update={"batch_rows": min(limit, sandbox.settings.batch_rows)})
    plan: Route | None = None

    def stop_in_time(event: Event) -> None:
        nonlocal plan
        observe(event)
        if isinstance(event, Planned):
            plan = event.route
        elif isinstance(event, Committed) and event.changes >= limit:
            scope.cancel()

    with anyio.CancelScope() as scope:
        return await replace(sandbox, settings=settings).execute(job, observe=stop_in_time), False
    [run] = await sandbox.store.runs.list(1, sync=job.name, connection=job.connection)
    if run.status == "stopped":
        run.error = f"It was stopped because the limit of {counted(limit, 'change')} was reached."
    return Outcome(run, plan=plan), run.status == "stopped"


async def _has_changed(copy: Store, table: str, connection: str, since: int) -> bool:
    return bool([row async for row in copy.rows.read(table, connection=connection, changes=True, after=since, limit=1)])


async def _pages(rows: AsyncIterator[dict[str, Any]]) -> AsyncGenerator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    async for row in rows:
        page.append(row)
        if len(page) == _ROWS_AT_ONCE:
            yield page
            page = []
    if page:
        yield page


def _change(table: str, before: Row | None, after: Row) -> DryRunChange | None:
    """Compare a row with what it was; None where nothing would change. A deleted row counts as no row."""
    old = None if before is None or before["is_deleted"] else before
    new = None if after["is_deleted"] else after
    if old is None and new is None:
        return None
    pairs = {name: ((old or {}).get(name), (new or {}).get(name)) for name in after if name not in _NOT_FIELDS}
    fields = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if old is None:
        return DryRunChange(table, after["id"], "added", fields)
    if new is None:
        return DryRunChange(table, after["id"], "deleted", fields)
    if not fields and old["system_modstamp"] == new["system_modstamp"]:
        return None
    return DryRunChange(table, after["id"], "updated", fields)


async def _release_bulk_jobs(copy: Store, job: Job) -> None:
    """Let unfinished passes of the copy create Bulk jobs of their own: who reads one to its end deletes it."""
    saved = await copy.runs.checkpoints(job.name, job.connection)
    released = [position for each in saved.values() if (position := _without_bulk_job(each)) is not None]
    if not released:
        return
    async with copy.runs.begin(job.name, job.connection) as run:
        for position in released:
            await copy.rows.commit(run, [], position, 0)


def _state_of(saved: Checkpoint) -> StreamState | None:
    """Return how far a stream has been read; None for an author's own checkpoint."""
    kind = saved.position.get("kind")
    if not saved.stream or kind not in ("changes", "snapshot"):
        return None
    return StreamState.from_position(Position(saved.stream, saved.watermark, saved.position), kind)


def _without_bulk_job(saved: Checkpoint) -> Position | None:
    state = _state_of(saved)
    if state is None or state.unfinished is None or state.unfinished.job is None:
        return None
    return replace(state, unfinished=replace(state.unfinished, job=None)).to_position(saved.stream)
