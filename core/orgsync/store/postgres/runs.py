"""The tables of leases, runs, checkpoints and owners."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from orgsync.errors import OrgsyncError
from orgsync.records import Position

from ..commit_types import Counts
from ..control_tables import Lease
from ..model import Checkpoint, Run, RunKind, RunStatus
from . import control_sql
from .change_numbers import ChangeNumbers
from .driver import Statements
from .stored import instants_in_utc

__all__ = ["CheckpointTable", "LeaseTable", "OwnerTable", "RunTable"]


class LeaseTable:
    """Leases, each with an epoch that only grows."""

    def __init__(self, on: Statements, numbers: ChangeNumbers, *, writes: bool) -> None:
        self._on = on
        self._numbers = numbers
        self._writes = writes

    async def get(self, sync: str, connection: str) -> Lease | None:
        return next(iter(await self.list(sync, connection)), None)

    async def acquire(self, sync: str, connection: str, holder: str, *, ttl: float) -> int:
        await self._turn(sync)
        [(epoch,)] = await self._on.fetch(control_sql.ACQUIRE_LEASE, (sync, connection, holder, ttl))
        return int(epoch)

    async def renew(self, sync: str, connection: str, epoch: int) -> bool:
        renewed = await self._on.fetch(control_sql.RENEW_LEASE, (sync, connection, epoch))
        if renewed:  # every commit begins so: what its changes need comes with the same answer
            self._numbers.start(*renewed[0])
        return bool(renewed)

    async def release(self, sync: str, connection: str, epoch: int) -> None:
        await self._on.fetch(control_sql.RELEASE_LEASE, (sync, connection, epoch))

    async def revoke(self, *, sync: str | None = None, connection: str | None = None) -> None:
        await self._on.fetch(control_sql.REVOKE_LEASES, (sync, connection))

    async def is_holder(self, holder: str) -> bool:
        return bool(await self._on.fetch(control_sql.HOLDS, (holder,)))

    async def list(self, sync: str, connection: str | None) -> Sequence[Lease]:
        await self._turn(sync)
        found = [instants_in_utc(row) for row in await self._on.fetch(control_sql.LEASES, (sync, connection))]
        return [Lease(sync, name, holder, taken_at, expires_at) for name, holder, taken_at, expires_at in found]

    async def _turn(self, sync: str) -> None:
        """Keep others from acquiring a lease of the sync until the end of a transaction that may, or revokes them."""
        if self._writes:
            await self._on.fetch(control_sql.TURN, (f"leases {sync}",))


class RunTable:
    """The runs."""

    def __init__(self, on: Statements, numbers: ChangeNumbers) -> None:
        self._on = on
        self._numbers = numbers

    async def start(self, sync: str, connection: str, epoch: int) -> Run:
        await self._turn()
        [row] = await self._on.fetch(control_sql.START_RUN, (sync, connection, epoch))
        return _run(row)

    async def start_action(self, action: str, connection: str, holder: str) -> Run:
        await self._turn()
        [row] = await self._on.fetch(control_sql.START_ACTION, (action, connection, holder))
        run = _run(row)
        run.holder = holder
        return run

    async def running_actions(self, action: str, connection: str) -> Sequence[tuple[int, str]]:
        found = await self._on.fetch(control_sql.RUNNING_ACTIONS, (action, connection))
        return [(int(run_id), str(holder)) for run_id, holder in found]

    async def fail_action(self, run_id: int, error: OrgsyncError) -> Run | None:
        ended = await self._on.fetch(control_sql.FAIL_ACTION, (*_text_and_code(error), run_id))
        return _run(ended[0]) if ended else None

    async def _turn(self) -> None:
        """Give and commit numbers in one order: whoever asks for runs after a number misses none."""
        await self._on.fetch(control_sql.TURN, ("runs",))

    async def finish(
        self, run_id: int, *, status: RunStatus, error: OrgsyncError | None, api_calls: int, watermark: datetime | None
    ) -> Run | None:
        values = (status, *_text_and_code(error), api_calls, watermark, run_id)
        ended = await self._on.fetch(control_sql.FINISH_RUN, values)
        return _run(ended[0]) if ended else None

    async def fail(self, sync: str, connection: str | None, error: OrgsyncError) -> Sequence[Run]:
        ended = await self._on.fetch(control_sql.FAIL_RUNS, (*_text_and_code(error), sync, connection))
        return [_run(row) for row in ended]

    async def note(self, run_id: int, error: str | None) -> None:
        await self._on.fetch(control_sql.NOTE_RUN, (_text(error), run_id))

    async def add(self, run: Run, counts: Counts, *, api_calls: int, changed: Sequence[str], size: int) -> bool:
        first, last = self._numbers.taken
        values = (counts.added, counts.updated, counts.deleted, counts.unchanged, api_calls, run.id, run.connection)
        return bool(await self._on.fetch(control_sql.COUNT, (run.id, first, last, list(changed), *values)))

    async def get(self, run_id: int) -> Run | None:
        found = await self._on.fetch(control_sql.RUN, (run_id,))
        return _run(found[0]) if found else None

    async def last(self, *, after: int) -> Sequence[Run]:
        # The last runs of all take a look at the whole index; those after a number are few, and read by their key.
        sql, values = (control_sql.RUNS_AFTER, (after,)) if after else (control_sql.LAST_RUNS, ())
        return [_run(row) for row in await self._on.fetch(sql, values)]

    async def remove_before(self, instant: datetime, *, limit: int) -> int:
        return len(await self._on.fetch(control_sql.REMOVE_RUNS, (instant, limit)))

    async def list(
        self, *, limit: int, name: str | None, kind: RunKind | None, connection: str | None
    ) -> Sequence[Run]:
        return [_run(row) for row in await self._on.fetch(control_sql.RUNS, (name, kind, connection, limit))]


def _text_and_code(error: OrgsyncError | None) -> tuple[str | None, str | None]:
    return (_text(str(error)), error.code) if error else (None, None)


def _text(error: str | None) -> str | None:
    """Replace in a message what no text here can hold."""
    return error and error.encode(errors="replace").decode().replace("\0", "?")


def _run(row: Sequence[Any]) -> Run:
    return Run(**dict(zip(control_sql.RUN_COLUMNS, instants_in_utc(row), strict=True)))


class CheckpointTable:
    """The checkpoints."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def get(self, sync: str, connection: str) -> Mapping[str, Checkpoint]:
        found = [instants_in_utc(row) for row in await self._on.fetch(control_sql.CHECKPOINTS, (sync, connection))]
        return {
            stream: Checkpoint(
                sync=sync,
                connection=connection,
                stream=stream,
                watermark=watermark,
                position=state,
                updated_at=updated_at,
                kept_in=kept_in,
            )
            for stream, watermark, state, updated_at, kept_in in found
        }

    async def save(self, run: Run, position: Position, kept_in: str | None) -> None:
        # As escapes JSON holds what no text here can: NUL, and half of a surrogate pair.
        state = json.dumps(position.state)
        watermark = position.watermark and position.watermark.replace(
            microsecond=position.watermark.microsecond // 1000 * 1000
        )
        values = (run.sync, run.connection, position.stream, watermark, state, kept_in)
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
        await self._on.fetch(control_sql.CLAIM_TABLE, (table, sync))
        [(owner,)] = await self._on.fetch(control_sql.TABLE_OWNER, (table,))
        return str(owner)

    async def remove(self, table: str) -> None:
        await self._on.fetch(control_sql.DISOWN_TABLE, (table,))

    async def syncs(self) -> Sequence[str]:
        return [sync for (sync,) in await self._on.fetch(control_sql.SYNC_NAMES)]

    async def get(self) -> Mapping[str, str]:
        return dict(await self._on.fetch(control_sql.TABLE_OWNERS))
