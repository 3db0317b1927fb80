"""The tables of leases, runs, checkpoints and owners."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from orgsync.errors import OrgsyncError
from orgsync.records import Position, parse_instant, to_stored

from ..commit_types import Counts
from ..control_tables import Lease
from ..model import Checkpoint, Run, RunKind, RunStatus
from . import control_sql
from .driver import Statements

__all__ = ["CheckpointTable", "LeaseTable", "OwnerTable", "RunTable"]

_NOTE_CHANGES = (
    "INSERT INTO orgsync_webhook_change (run_id, record_table, first, last) SELECT ?, ?, value - ? + 1, value "
    "FROM orgsync_sequence WHERE name = 'change' AND EXISTS (SELECT 1 FROM orgsync_webhook) "
    "ON CONFLICT (run_id, record_table) DO UPDATE SET last = excluded.last"
)


class LeaseTable:
    """Leases, each with an epoch that only grows."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def get(self, sync: str, connection: str) -> Lease | None:
        return next(iter(await self.list(sync, connection)), None)

    async def acquire(self, sync: str, connection: str, holder: str, *, ttl: float) -> int:
        now = self._now()
        values = (sync, connection, holder, to_stored(now), ttl, to_stored(now + timedelta(seconds=ttl)))
        [(epoch,)] = await self._on.fetch(control_sql.ACQUIRE_LEASE, values)
        return int(epoch)

    async def renew(self, sync: str, connection: str, epoch: int) -> bool:
        now = to_stored(self._now())
        return bool(await self._on.fetch(control_sql.RENEW_LEASE, (now, sync, connection, epoch)))

    async def release(self, sync: str, connection: str, epoch: int) -> None:
        await self._on.fetch(control_sql.RELEASE_LEASE, (to_stored(self._now()), sync, connection, epoch))

    async def revoke(self, *, sync: str | None = None, connection: str | None = None) -> None:
        await self._on.fetch(control_sql.REVOKE_LEASES, (to_stored(self._now()), sync, connection))

    async def is_holder(self, holder: str) -> bool:
        return bool(await self._on.fetch(control_sql.HOLDS, (holder,)))

    async def list(self, sync: str, connection: str | None) -> Sequence[Lease]:
        return [
            Lease(sync, name, holder, parse_instant(taken_at), parse_instant(expires_at))
            for name, holder, taken_at, expires_at in await self._on.fetch(control_sql.LEASES, (sync, connection))
        ]


class RunTable:
    """The runs."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def start(self, sync: str, connection: str, epoch: int) -> Run:
        now = self._now()
        [(run_id,)] = await self._on.fetch(control_sql.START_RUN, (sync, connection, epoch, to_stored(now)))
        return Run(id=run_id, sync=sync, connection=connection, epoch=epoch, started_at=now)

    async def start_action(self, action: str, connection: str, holder: str) -> Run:
        now = self._now()
        [(run_id,)] = await self._on.fetch(control_sql.START_ACTION, (action, connection, to_stored(now), holder))
        return Run(id=run_id, sync=action, connection=connection, started_at=now, kind="action", holder=holder)

    async def running_actions(self, action: str, connection: str) -> Sequence[tuple[int, str]]:
        found = await self._on.fetch(control_sql.RUNNING_ACTIONS, (action, connection))
        return [(int(run_id), str(holder)) for run_id, holder in found]

    async def fail_action(self, run_id: int, error: OrgsyncError) -> Run | None:
        values = (*_text_and_code(error), to_stored(self._now()), run_id)
        ended = await self._on.fetch(control_sql.FAIL_ACTION, values)
        return _run(ended[0]) if ended else None

    async def finish(
        self, run_id: int, *, status: RunStatus, error: OrgsyncError | None, api_calls: int, watermark: datetime | None
    ) -> Run | None:
        until = None if watermark is None else to_stored(watermark)
        values = (status, *_text_and_code(error), to_stored(self._now()), api_calls, until, run_id)
        ended = await self._on.fetch(control_sql.FINISH_RUN, values)
        return _run(ended[0]) if ended else None

    async def fail(self, sync: str, connection: str | None, error: OrgsyncError) -> Sequence[Run]:
        values = (*_text_and_code(error), to_stored(self._now()), sync, connection)
        return [_run(row) for row in await self._on.fetch(control_sql.FAIL_RUNS, values)]

    async def note(self, run_id: int, error: str | None) -> None:
        await self._on.fetch(control_sql.NOTE_RUN, (error, run_id))

    async def add(self, run: Run, counts: Counts, *, api_calls: int, changed: Sequence[str], size: int) -> bool:
        for table in changed:
            await self._on.fetch(_NOTE_CHANGES, (run.id, table, size))
        values = (counts.added, counts.updated, counts.deleted, counts.unchanged)
        return bool(await self._on.fetch(control_sql.COUNT, (*values, api_calls, run.id, run.connection)))

    async def get(self, run_id: int) -> Run | None:
        found = await self._on.fetch(control_sql.RUN, (run_id,))
        return _run(found[0]) if found else None

    async def last(self, *, after: int) -> Sequence[Run]:
        # The last runs of all take a look at the whole index; those after a number are few, and read by their key.
        sql, values = (control_sql.RUNS_AFTER, (after,)) if after else (control_sql.LAST_RUNS, ())
        return [_run(row) for row in await self._on.fetch(sql, values)]

    async def remove_before(self, instant: datetime, *, limit: int) -> int:
        return len(await self._on.fetch(control_sql.REMOVE_RUNS, (to_stored(instant), limit)))

    async def list(
        self, *, limit: int, name: str | None, kind: RunKind | None, connection: str | None
    ) -> Sequence[Run]:
        return [_run(row) for row in await self._on.fetch(control_sql.RUNS, (name, kind, connection, limit))]


def _text_and_code(error: OrgsyncError | None) -> tuple[str | None, str | None]:
    return (str(error), error.code) if error else (None, None)


def _run(row: Sequence[Any]) -> Run:
    values = dict(zip(control_sql.RUN_COLUMNS, row, strict=True))
    for name in ("started_at", "finished_at", "watermark"):
        values[name] = _instant(values[name])
    return Run(**values)


def _instant(stored: str | None) -> datetime | None:
    return None if stored is None else parse_instant(stored)


class CheckpointTable:
    """The checkpoints."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def get(self, sync: str, connection: str) -> Mapping[str, Checkpoint]:
        found = await self._on.fetch(control_sql.CHECKPOINTS, (sync, connection))
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

    async def save(self, run: Run, position: Position, kept_in: str | None) -> None:
        watermark = None if position.watermark is None else to_stored(position.watermark)
        state = json.dumps(position.state, ensure_ascii=False)
        values = (run.sync, run.connection, position.stream, watermark, state, to_stored(self._now()), kept_in)
        await self._on.fetch(control_sql.SAVE_CHECKPOINT, values)

    async def streams(self, sync: str, connection: str | None) -> Sequence[str]:
        return [stream for (stream,) in await self._on.fetch(control_sql.STREAMS, (sync, connection))]

    async def remove(self, sync: str, connection: str | None) -> None:
        await self._on.fetch(control_sql.REMOVE_CHECKPOINTS, (sync, connection))


class OwnerTable:
    """Which sync each record table belongs to."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def claim(self, table: str, sync: str) -> str:
        [(owner,)] = await self._on.fetch(control_sql.CLAIM_TABLE, (table, sync))
        return str(owner)

    async def remove(self, table: str) -> None:
        await self._on.fetch(control_sql.DISOWN_TABLE, (table,))

    async def syncs(self) -> Sequence[str]:
        return [sync for (sync,) in await self._on.fetch(control_sql.SYNC_NAMES)]

    async def get(self) -> Mapping[str, str]:
        return dict(await self._on.fetch(control_sql.TABLE_OWNERS))
