"""Runs and checkpoints: what was executed, and how far each sync has come."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from orgsync.errors import AlreadyRunning, ConfigurationInvalid
from orgsync.records import Position, parse_instant, to_stored

from .model import PROCESS_DIED, Checkpoint, Run, RunStatus, utc_now
from .rows import Counts
from .sqlite import control_sql
from .sqlite.driver import Statements

__all__ = ["advance", "checkpoints", "count", "finish", "forget", "last_runs", "note", "run", "runs", "start"]


async def start(on: Statements, sync: str, connection: str, epoch: int) -> Run:
    """Begin a run under a lease that was just taken: an older one that still says running has ended; it failed."""
    now = utc_now()
    await on.fetch(control_sql.FAIL_RUNS, (PROCESS_DIED, to_stored(now), sync, connection))
    values = (sync, connection, epoch, to_stored(now))
    [(run_id,)] = await on.fetch(control_sql.START_RUN, values)
    return Run(id=run_id, sync=sync, connection=connection, epoch=epoch, started_at=now)


async def finish(
    on: Statements,
    run_id: int,
    *,
    status: RunStatus,
    error: str | None,
    api_calls: int,
    watermark: datetime | None,
) -> Run:
    """End a run, unless it has ended already."""
    until = None if watermark is None else to_stored(watermark)
    values = (status, error, to_stored(utc_now()), api_calls, until, run_id)
    ended = await on.fetch(control_sql.FINISH_RUN, values)
    return _run(ended[0]) if ended else await run(on, run_id)


async def note(on: Statements, run_id: int, text: str) -> None:
    """Keep what a run under way waits for, until it ends; empty: it works."""
    await on.fetch(control_sql.NOTE_RUN, (text or None, run_id))


async def run(on: Statements, run_id: int) -> Run:
    """Read one run; raises ConfigurationInvalid for a number that none has."""
    found = await on.fetch(control_sql.RUN, (run_id,))
    if not found:
        raise ConfigurationInvalid(f"There is no run {run_id}.", "List them with `orgsync runs`.")
    return _run(found[0])


async def runs(on: Statements, *, limit: int, sync: str | None, connection: str | None) -> Sequence[Run]:
    """Read runs, the latest first."""
    return [_run(row) for row in await on.fetch(control_sql.RUNS, (sync, connection, limit))]


async def forget(on: Statements, before: datetime, *, limit: int) -> int:
    """Delete runs that ended before an instant, but for each sync's last on each connection; tell how many."""
    return len(await on.fetch(control_sql.FORGET_RUNS, (to_stored(before), limit)))


async def last_runs(on: Statements, *, after: int) -> dict[tuple[str, str], Run]:
    """Read the last run of every (sync, connection) that has one above this number."""
    # The last runs of all take a look at the whole index; those after a number are few, and read by their key.
    found = await (on.fetch(control_sql.RUNS_AFTER, (after,)) if after else on.fetch(control_sql.LAST_RUNS))
    return {(each.sync, each.connection): each for each in map(_run, found)}


def _run(row: Sequence[Any]) -> Run:
    values = dict(zip(control_sql.RUN_COLUMNS, row, strict=True))
    for name in ("started_at", "finished_at", "watermark"):
        values[name] = _instant(values[name])
    return Run(**values)


def _instant(stored: str | None) -> datetime | None:
    return None if stored is None else parse_instant(stored)


async def count(on: Statements, of: Run, counts: Counts, api_calls: int) -> None:
    """Add what a batch changed to its run; raises AlreadyRunning when that run has ended."""
    changed = (counts.added, counts.updated, counts.deleted, counts.unchanged)
    if not await on.fetch(control_sql.COUNT, (*changed, api_calls, of.id, of.connection)):
        raise AlreadyRunning(
            f"Run {of.id} of {of.sync!r} on {of.connection!r} has ended.",
            "Let the newer run finish; this one has kept what it committed.",
        )


async def advance(on: Statements, of: Run, position: Position, kept_in: str | None) -> None:
    """Keep the position that a batch brings its sync to, and the table of its rows if it had any."""
    watermark = None if position.watermark is None else to_stored(position.watermark)
    state = json.dumps(position.state, ensure_ascii=False)
    now = to_stored(utc_now())
    await on.fetch(control_sql.ADVANCE, (of.sync, of.connection, position.stream, watermark, state, now, kept_in))


async def checkpoints(on: Statements, sync: str, connection: str) -> dict[str, Checkpoint]:
    """Read where a sync stands on a connection, by stream."""
    found = await on.fetch(control_sql.CHECKPOINTS, (sync, connection))
    return {
        stream: Checkpoint(
            sync=sync,
            connection=connection,
            stream=stream,
            watermark=_instant(watermark),
            position=json.loads(state),
            updated_at=parse_instant(updated_at),
            kept_in=kept_in,
        )
        for stream, watermark, state, updated_at, kept_in in found
    }
