"""Runs as pages and the scheduler read them: the last of every sync, some by number, page by page; in a few queries."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa

from .model import HeldLease, Run
from .seen_runs import has_died, holder_of, process_died_end
from .store import Store

__all__ = ["RunHistory"]

_COLUMNS = cast("Any", Run).__table__.c
_LEASES = cast("Any", HeldLease).__table__.c


@dataclass(frozen=True, slots=True)
class RunHistory:
    """The runs of one open store."""

    store: Store

    async def latest(self) -> dict[tuple[str, str], Run]:
        """Return the last run of each sync on each connection, in two queries, however many there are."""
        numbers = sa.select(sa.func.max(_COLUMNS.id)).where(_COLUMNS.kind == "sync")
        last = await self._select(_COLUMNS.id.in_(numbers.group_by(_COLUMNS.sync, _COLUMNS.connection)))
        return {_pair_of(run): run for run in await self._seen(last)}

    async def recent(self, sync: str, connection: str, limit: int) -> Sequence[Run]:
        """Read the last runs of a sync on a connection, the latest first."""
        of_pair = (_COLUMNS.sync == sync, _COLUMNS.connection == connection, _COLUMNS.kind == "sync")
        return await self._seen(await self._select(*of_pair, limit=limit))

    async def numbered(self, numbers: Collection[int]) -> Sequence[Run]:
        """Read the runs of these numbers, as far as there are any, the latest first."""
        return await self._seen(await self._select(_COLUMNS.id.in_(numbers))) if numbers else ()

    async def page(
        self,
        limit: int,
        *,
        before: int | None = None,
        status: str | None = None,
        connections: Sequence[str] | None = None,
    ) -> Sequence[Run]:
        """Read runs, the latest first: those with a lower number than `before`, of a status, on these connections.

        A run whose process has died is among those that are running until the next one notes its end.
        """
        wanted: list[Any] = []
        if before is not None:
            wanted.append(_COLUMNS.id < before)
        if status is not None:
            wanted.append(_COLUMNS.status == status)
        if connections is not None:
            wanted.append(_COLUMNS.connection.in_(connections))
        return await self._seen(await self._select(*wanted, limit=limit))

    async def _select(self, *wanted: Any, limit: int | None = None) -> list[Run]:
        query = sa.select(*_COLUMNS).where(*wanted).order_by(_COLUMNS.id.desc()).limit(limit)
        async with self.store.session() as session:
            found = (await (await session.connection()).execute(query)).mappings().all()
        return [Run(**dict(row)) for row in found]

    async def _seen(self, runs: Sequence[Run]) -> Sequence[Run]:
        """Return runs, as failed those that are running in a process that has died."""
        running = [run for run in runs if run.status == "running"]
        if not running:
            return runs
        leases = await self._leases()

        def lease_holder(run: Run) -> str | None:
            return leases.get(_pair_of(run))

        holders = {holder for run in running if (holder := holder_of(run, lease_holder)) is not None}
        dead = {holder for holder in holders if not await self.store.alive(holder)}
        silent = [run.id for run in running if has_died(run, lease_holder=lease_holder, is_dead=dead.__contains__)]
        if not silent:
            return runs
        # A run ends and gives up its lease at once, perhaps between the two queries: what is silent is read again.
        now = {run.id: run for run in await self._select(_COLUMNS.id.in_(silent))}
        for run in now.values():
            if run.status == "running":
                run.status, run.error, run.error_code = process_died_end(run.kind)
        return [now.get(run.id, run) for run in runs]

    async def _leases(self) -> Mapping[tuple[str, str], str]:
        held = sa.select(_LEASES.sync, _LEASES.connection, _LEASES.holder).where(
            _LEASES.holder != "", _LEASES.expires_at > await self.store.now()
        )
        async with self.store.session() as session:
            found = await (await session.connection()).execute(held)
            return {(sync, connection): holder for sync, connection, holder in found}


def _pair_of(run: Run) -> tuple[str, str]:
    return run.sync, run.connection
