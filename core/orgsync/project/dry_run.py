"""Rehearsing a run: it runs for real, but on a copy of the database that is thrown away, and its changes are told.

Nothing reaches the user's database but what sign-in learns: a renewed token, for the old one may be dead from then on,
or that the connection must be signed in again. A Bulk job that an unfinished pass is reading is left to the next real
run; one that the rehearsal has begun is deleted in the org.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, Unpack

import anyio

from orgsync.engine import Outcome, Progress, RunOptions
from orgsync.extract import Route
from orgsync.extract.state import StreamState
from orgsync.records import Position, Record
from orgsync.records.schema import BOOKKEEPING
from orgsync.scripts import StoredVault, Sync
from orgsync.store import Checkpoint, Store

from .project import Project

__all__ = ["Change", "DryRun", "rehearse"]

ChangeKind: TypeAlias = Literal["added", "updated", "deleted"]
Row: TypeAlias = Mapping[str, Any]

_NOT_FIELDS = BOOKKEEPING | {"id", "system_modstamp", "is_deleted"}
_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Change:
    """What a run would do to one row: `fields` holds each column's value before and after, None for nothing.

    Of an updated row these are the columns that differ, none where only its system_modstamp does; of an added or a
    deleted row all that have a value. Values are as in `Store.read`.
    """

    table: str
    id: str
    kind: ChangeKind
    fields: dict[str, tuple[Any, Any]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class DryRun:
    """How a rehearsed run ended, and what it would change, told while the rehearsal's block lasts.

    The run's counts are those that a real run would have; its changes are told against the rows as they are now, so
    that what a real run has brought meanwhile is not among them. `tables` are those that would change. `at_limit`
    says that the run was stopped because it had changes enough.
    """

    outcome: Outcome
    at_limit: bool
    tables: Sequence[str]
    _real: Store = field(repr=False)
    _copy: Store = field(repr=False)
    _since: int = field(repr=False)
    _limit: int | None = field(repr=False)

    @property
    async def changes(self) -> AsyncGenerator[Change]:
        """Every change, a table after the other, in the order in which a run would commit them; `limit` at most."""
        left = self._limit
        for table in self.tables:
            async with aclosing(self.changes_in(table)) as changes:
                async for change in changes:
                    if left == 0:
                        return
                    left = None if left is None else left - 1
                    yield change

    async def changes_in(self, table: str) -> AsyncGenerator[Change]:
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
async def rehearse(
    project: Project,
    sync: Sync[Record],
    connection: str,
    *,
    limit: int | None = None,
    **options: Unpack[RunOptions],
) -> AsyncGenerator[DryRun]:
    """Rehearse a run of a sync on a connection: `async with rehearse(...) as rehearsal:`, and read its changes there.

    The options are a run's. The run is stopped once it has `limit` changes. A run that another process has under way
    is not disturbed and does not stand in the way. What a script itself writes to the org is written. Raises as
    `Project.run` does, and StoreUnavailable where there is no room for a copy of the database.
    """
    real = project.store
    await real.connections.get(connection)
    async with real.sandbox() as copy:
        since = await copy.rows.last_change()
        await _leave_jobs(copy, sync.name, connection)
        stage = replace(project, store=copy)
        told: RunOptions = {"vault": StoredVault(real, connection), "goes_on": False, **options}
        outcome, at_limit = await _run(stage, sync, connection, limit, told)
        tables = [table for table in await copy.rows.tables() if await _has_changed(copy, table, connection, since)]
        yield DryRun(outcome, at_limit, tables, real, copy, since, limit)


async def _run(
    stage: Project, sync: Sync[Record], connection: str, limit: int | None, options: RunOptions
) -> tuple[Outcome, bool]:
    """Run on the copy to the end, or until there are changes enough; tell which."""
    if limit is None:
        return await stage.run(sync, connection, **options), False
    settings = stage.settings.model_copy(update={"batch_rows": min(limit, stage.settings.batch_rows)})
    plan: Route | None = None
    watch: Callable[[Progress], None] | None = options.get("watch")

    def stop_in_time(progress: Progress) -> None:
        nonlocal plan
        plan = progress.plan
        if watch is not None:
            watch(progress)
        if progress.added + progress.updated + progress.deleted >= limit:
            scope.cancel()

    with anyio.CancelScope() as scope:
        told: RunOptions = {**options, "watch": stop_in_time}
        return await replace(stage, settings=settings).run(sync, connection, **told), False
    [run] = await stage.store.runs.list(1, sync=sync.name, connection=connection)
    if run.status == "stopped":
        run.error = f"It was stopped because the limit of {limit} changes was reached."
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


def _change(table: str, before: Row | None, after: Row) -> Change | None:
    """Compare a row with what it was; None where nothing would change. A deleted row counts as none."""
    old = None if before is None or before["is_deleted"] else before
    new = None if after["is_deleted"] else after
    if old is None and new is None:
        return None
    pairs = {name: ((old or {}).get(name), (new or {}).get(name)) for name in after if name not in _NOT_FIELDS}
    fields = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    if old is None:
        return Change(table, after["id"], "added", fields)
    if new is None:
        return Change(table, after["id"], "deleted", fields)
    if not fields and old["system_modstamp"] == new["system_modstamp"]:
        return None
    return Change(table, after["id"], "updated", fields)


async def _leave_jobs(copy: Store, sync: str, connection: str) -> None:
    """Let unfinished passes of the copy begin jobs of their own: who reads a job to its end deletes it."""
    kept = await copy.runs.checkpoints(sync, connection)
    without = [position for each in kept.values() if (position := _without_job(each)) is not None]
    if not without:
        return
    async with copy.runs.begin(sync, connection) as run:
        for position in without:
            await copy.rows.commit(run, [], position, 0)


def _reached(kept: Checkpoint) -> StreamState | None:
    """Read how far a stream's reading is; None for an author's own checkpoint."""
    kind = kept.position.get("kind")
    if not kept.stream or kind not in ("changes", "snapshot"):
        return None
    return StreamState.from_position(Position(kept.stream, kept.watermark, kept.position), kind)


def _without_job(kept: Checkpoint) -> Position | None:
    reached = _reached(kept)
    if reached is None or reached.unfinished is None or reached.unfinished.job is None:
        return None
    unfinished = replace(reached.unfinished, job=None)
    return replace(reached, unfinished=unfinished).to_position(kept.stream)
