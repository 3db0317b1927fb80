"""The tables of workers and their jobs."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from ..worker_tables import JobEnd, SentJob, WorkerJobRow, WorkerRow
from . import view_sql, worker_sql
from .driver import Statements
from .stored import instants_in_utc

__all__ = ["PostgresWorkerTables"]


class PostgresWorkerTables:
    """Workers and their jobs, within one transaction."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def see(self, name: str, *, concurrency: int, plans: bool) -> None:
        await self._on.fetch(worker_sql.SEE, (name, concurrency, plans))

    async def leave(self, name: str) -> None:
        await self._on.fetch(worker_sql.LEAVE, (name,))

    async def alive(self, ttl: float) -> Sequence[WorkerRow]:
        return [WorkerRow(*instants_in_utc(row)) for row in await self._on.fetch(view_sql.WORKERS, (ttl,))]

    async def remove_unseen(self, ttl: float) -> None:
        await self._on.fetch(worker_sql.REMOVE_UNSEEN, (ttl,))

    async def begin_planning(self) -> int:
        [(number,)] = await self._on.fetch(worker_sql.BEGIN_PLANNING)
        return int(number)

    async def may_plan(self, number: int) -> bool:
        return bool(await self._on.fetch(worker_sql.MAY_PLAN, (number,)))

    async def now(self) -> datetime:
        [(now,)] = await self._on.fetch(worker_sql.TIME)
        time: datetime = now
        return time.astimezone(UTC)

    async def send(self, jobs: Sequence[str], *, ttl: float) -> Sequence[SentJob]:
        return _sent(await self._on.fetch(worker_sql.SEND, (ttl, list(jobs))) if jobs else [])

    async def send_again(self, ids: Collection[int], *, ttl: float) -> Sequence[SentJob]:
        return _sent(await self._on.fetch(worker_sql.SEND_AGAIN, (ttl, sorted(ids))) if ids else [])

    async def request(self, job: str, *, priority: int) -> int:
        [(number,)] = await self._on.fetch(worker_sql.REQUEST, (job, priority))
        return int(number)

    async def under_way(self) -> Sequence[WorkerJobRow]:
        return [_row(row) for row in await self._on.fetch(worker_sql.UNDER_WAY)]

    async def take_ended(self) -> Sequence[WorkerJobRow]:
        ended = await self._on.fetch(worker_sql.TAKE_ENDED)
        return [_row(row) for row in [*ended, *await self._on.fetch(worker_sql.TAKE_AWAITED)]]

    async def remove(self, ids: Collection[int]) -> None:
        await self._on.fetch(worker_sql.REMOVE, (sorted(ids),))

    async def remove_reported(self, age: float) -> None:
        await self._on.fetch(worker_sql.REMOVE_REPORTED, (age,))

    async def take(self, sent: Collection[SentJob], *, worker: str, ttl: float) -> Sequence[WorkerJobRow]:
        ids, epochs = [each.id for each in sent], [each.epoch for each in sent]
        return [_row(row) for row in await self._on.fetch(worker_sql.TAKE, (worker, ttl, ids, epochs))]

    async def renew(self, worker: str, *, waiting: Collection[int], ttl: float) -> Sequence[SentJob]:
        return _sent(await self._on.fetch(worker_sql.RENEW, (ttl, sorted(waiting), worker)))

    async def end(self, ended: Sequence[tuple[SentJob, JobEnd]]) -> None:
        values = [
            [sent.id for sent, _ in ended],
            [sent.epoch for sent, _ in ended],
            [end.end for _, end in ended],
            [end.run for _, end in ended],
            [_text(end.cause) for _, end in ended],
            [_text(end.remedy) for _, end in ended],
            [end.error_code for _, end in ended],
            [end.exit_code for _, end in ended],
        ]
        await self._on.fetch(worker_sql.END, values)

    async def get(self, id: int) -> WorkerJobRow | None:
        found = await self._on.fetch(worker_sql.GET, (id,))
        return _row(found[0]) if found else None

    async def counts(self) -> dict[str, int]:
        return {str(state): int(number) for state, number in await self._on.fetch(view_sql.WORKER_JOBS)}


def _sent(rows: Sequence[tuple[Any, ...]]) -> list[SentJob]:
    return [SentJob(*row) for row in rows]


def _row(row: Sequence[Any]) -> WorkerJobRow:
    number, job, priority, state, epoch, since, worker, waits, is_late, *ended = instants_in_utc(row)
    end, run, cause, remedy, code, exit_code = ended
    how = JobEnd(end or "", run, cause or "", remedy or "", code, exit_code)
    return WorkerJobRow(number, job, priority, state, epoch, since, worker, waits, is_late, how)


def _text(error: str) -> str:
    """Replace in a message what no text here can hold."""
    return error.encode(errors="replace").decode().replace("\0", "?")
