"""Leases: the right to write for (sync, connection), held by one at a time, across tasks, processes and hosts.

Every lease has an epoch, one higher than the last holder's. A commit asks, inside its transaction, whether its epoch
is still the current one, so that a holder that was stopped and wakes after another has taken over writes nothing,
whatever its clock says. Expiry only decides when another *may* take over.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import anyio

from orgsync.errors import AlreadyRunning, StoreUnavailable
from orgsync.records import parse_instant, to_stored

from .model import Run, utc_now
from .sqlite import control_sql
from .sqlite.database import Database
from .sqlite.driver import Statements
from .sqlite.liveness import Holder, Liveness

__all__ = ["Leases", "require_current", "revoke"]

_HEARTBEATS = 4
"""How often a lease is renewed in the time it lasts: three renewals may fail before another can take over."""


Begin: TypeAlias = Callable[[Statements, str, str, int], Awaitable[Run]]
"""What begins a run of a sync on a connection under an epoch, in the transaction that takes the lease."""


class Leases:
    """The leases of one open store, each held for one run."""

    def __init__(self, database: Database, holders: Liveness) -> None:
        self._database = database
        self._holders = holders
        self._let_go: set[tuple[str, str, int]] = set()

    @asynccontextmanager
    async def hold(self, sync: str, connection: str, *, lasts: float, begin: Begin) -> AsyncGenerator[Run]:
        """Take the lease, begin a run, and renew the lease until the end of the block.

        Raises AlreadyRunning while another holds it.
        """
        run = await self._acquire_shielded(sync, connection, lasts, begin)
        failure: BaseException | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep, run, lasts)
                try:
                    yield run
                except anyio.get_cancelled_exc_class():
                    raise
                except BaseException as error:  # a task group would wrap it in a group
                    failure = error
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._release(run)
        if failure is not None:
            raise failure

    async def _acquire_shielded(self, sync: str, connection: str, lasts: float, begin: Begin) -> Run:
        with anyio.CancelScope(shield=True):  # a lease that is taken must reach the block that lets it go
            return await self._take(sync, connection, lasts, begin)
        raise AssertionError("a shielded scope swallows nothing")  # pragma: no cover

    async def _take(self, sync: str, connection: str, lasts: float, begin: Begin) -> Run:
        """Become the lease's holder, and begin the run in the same transaction."""
        own = self._holders.own()
        async with self._database.writing() as on:
            now = utc_now()
            held = await _read(on, sync, connection)
            dead = held is not None and self._holders.is_dead(held.holder)
            if held is not None and not dead and held.expires_at > now:
                raise _held_by(held, sync, connection)
            expires_at = to_stored(now + timedelta(seconds=lasts))
            values = (sync, connection, own.text, to_stored(now), lasts, expires_at)
            [(epoch,)] = await on.fetch(control_sql.TAKE_LEASE, values)
            if held is not None and dead and not await on.fetch(control_sql.HOLDS, (held.holder.text,)):
                self._holders.forget(held.holder)
            return await begin(on, sync, connection, int(epoch))

    async def _keep(self, run: Run, lasts: float) -> None:
        """Renew the lease again and again. No error may leave here: it would cancel the holder's work."""
        while True:
            await anyio.sleep(lasts / _HEARTBEATS)
            with suppress(Exception):
                async with self._database.writing() as on:
                    if not await _renew(on, run):
                        return

    async def is_held(self, on: Statements, sync: str, connection: str) -> bool:
        """Tell whether somebody holds the lease who shows signs of life."""
        held = await _read(on, sync, connection)
        return held is not None and not self._holders.is_dead(held.holder) and held.expires_at > utc_now()

    async def fence(self, on: Statements, sync: str, connection: str | None) -> None:
        """End the leases of a sync, on one connection or on all: no commit under them goes in any more.

        Raises AlreadyRunning while a run is under way under one of them.
        """
        now, dead = utc_now(), list[Holder]()
        for leads_to, *lease in await on.fetch(control_sql.LEASES_OF, (sync, connection)):
            held = _held(*lease)
            if self._holders.is_dead(held.holder):
                dead.append(held.holder)
            elif held.expires_at > now:
                raise _held_by(held, sync, leads_to)
        await on.fetch(control_sql.FENCE_LEASES, (to_stored(now), sync, connection))
        for holder in dead:
            if not await on.fetch(control_sql.HOLDS, (holder.text,)):
                self._holders.forget(holder)

    async def release_lease(self, on: Statements, run: Run) -> None:
        """Release a lease inside a transaction that ends its run as well; its epoch stays."""
        now = to_stored(utc_now())
        await on.fetch(control_sql.RELEASE_LEASE, (now, run.sync, run.connection, run.epoch))

    def mark_released(self, run: Run) -> None:
        """Note that the transaction in which a lease was released has been committed."""
        self._let_go.add((run.sync, run.connection, run.epoch))

    async def _release(self, run: Run) -> None:
        """Let go of the lease, if the end of the run has not. What cannot be written is left to run out by itself."""
        key = (run.sync, run.connection, run.epoch)
        if key in self._let_go:
            self._let_go.remove(key)
            return
        with suppress(StoreUnavailable):
            async with self._database.writing() as on:
                await self.release_lease(on, run)


async def require_current(on: Statements, of: Run) -> None:
    """Renew the lease that a run is under; raises AlreadyRunning when it was taken over, let go or revoked.

    A lease that has run out but that nobody took is renewed too: nobody can have written meanwhile, so there is
    nothing to protect from this holder, and a run need not fail because its machine slept.
    """
    if await _renew(on, of):
        return
    held = await _read(on, of.sync, of.connection)
    what = f"The run of {of.sync!r} on {of.connection!r}"
    if held is None:
        raise AlreadyRunning(
            f"{what} has lost its lease: it was taken over, or its connection was renamed or removed.",
            "Run the sync again; what was committed is kept.",
        )
    raise AlreadyRunning(
        f"{what} was taken over by {held.holder} at {to_stored(held.taken_at)}.",
        "Let the newer run finish; this one has kept what it committed.",
    )


async def revoke(on: Statements, connection: str) -> None:
    """End every lease of a connection, whoever holds it: no commit under it goes in any more."""
    await on.fetch(control_sql.REVOKE_LEASES, (to_stored(utc_now()), connection))


@dataclass(frozen=True, slots=True)
class _Held:
    """Who holds a lease."""

    holder: Holder
    taken_at: datetime
    expires_at: datetime


def _held_by(held: _Held, sync: str, connection: str) -> AlreadyRunning:
    since, until = to_stored(held.taken_at), to_stored(held.expires_at)
    return AlreadyRunning(
        f"{sync!r} on {connection!r} is being run by {held.holder} since {since}.",
        f"Wait until it ends, or stop it; without a sign of life its lease ends at {until}.",
    )


async def _read(on: Statements, sync: str, connection: str) -> _Held | None:
    """Read who holds a lease; None while nobody does."""
    found = await on.fetch(control_sql.LEASE, (sync, connection))
    if not found:
        return None
    return _held(*found[0])


def _held(holder: str, taken_at: str, expires_at: str) -> _Held:
    return _Held(Holder.parse(holder), parse_instant(taken_at), parse_instant(expires_at))


async def _renew(on: Statements, of: Run) -> bool:
    """Let the lease last anew; tell whether its epoch is still the current one."""
    now = to_stored(utc_now())
    return bool(await on.fetch(control_sql.RENEW_LEASE, (now, of.sync, of.connection, of.epoch)))
