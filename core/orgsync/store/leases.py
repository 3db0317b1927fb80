"""Leases: the right to write for (sync, connection), held by one at a time, across tasks, processes and hosts.

Every lease has an epoch, one higher than the last holder's. A commit asks, inside its transaction, whether its epoch
is still the current one, so that a holder that was stopped and wakes after another has taken over writes nothing,
whatever its clock says. Expiry only decides when another *may* take over, and goes by the backend's clock alone.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import anyio

from orgsync.errors import AlreadyRunning, StoreUnavailable
from orgsync.records import to_stored

from .backend import Backend, Transaction, repeatable
from .control_tables import Lease
from .holder import Holder
from .model import Run

__all__ = ["Leases", "require_current"]

_HEARTBEATS = 4
"""How often a lease is renewed in its time to live: three renewals may fail before another can take over."""


Begin: TypeAlias = Callable[[Transaction, str, str, int], Awaitable[Run]]
"""What begins a run of a sync on a connection under an epoch, in the transaction that acquires the lease."""


class Leases:
    """The leases of one open store, each held for one run."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._released: set[tuple[str, str, int]] = set()

    @asynccontextmanager
    async def hold(self, sync: str, connection: str, *, ttl: float, begin: Begin) -> AsyncGenerator[Run]:
        """Acquire the lease, begin a run, and renew the lease until the end of the block.

        Raises AlreadyRunning while another holds it.
        """
        run = await self._acquire_shielded(sync, connection, ttl, begin)
        failure: BaseException | None = None
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._keep, run, ttl)
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

    async def _acquire_shielded(self, sync: str, connection: str, ttl: float, begin: Begin) -> Run:
        with anyio.CancelScope(shield=True):  # a lease that is acquired must reach the block that releases it
            return await self._acquire(sync, connection, ttl, begin)
        raise AssertionError("a shielded scope swallows nothing")  # pragma: no cover

    async def _acquire(self, sync: str, connection: str, ttl: float, begin: Begin) -> Run:
        """Become the lease's holder, and begin the run in the same transaction."""
        own = self._backend.own_holder()

        async def acquire(on: Transaction) -> Run:
            held = await on.leases.get(sync, connection)
            dead = held is not None and not await self._backend.alive(held.holder)
            if held is not None and not dead and held.expires_at > await on.now():
                raise _held_by(held)
            epoch = await on.leases.acquire(sync, connection, own, ttl=ttl)
            if held is not None and dead:
                await self.forget(on, held.holder)
            return await begin(on, sync, connection, epoch)

        async def is_done(on: Transaction, run: Run) -> bool:
            await on.leases.get(sync, connection)  # which keeps others from acquiring it
            begun = await on.runs.get(run.id)
            return begun is not None and (begun.sync, begun.connection, begun.epoch, begun.started_at) == (
                sync,
                connection,
                run.epoch,
                run.started_at,
            )

        return await self._backend.write(acquire, is_done=is_done)

    async def forget(self, on: Transaction, holder: str) -> None:
        """Forget a dead holder, unless another lease is still its, or an action of its has not been ended."""
        if not await on.leases.is_holder(holder):
            await self._backend.forget(holder)

    async def _keep(self, run: Run, ttl: float) -> None:
        """Renew the lease again and again. No error may leave here: it would cancel the holder's work."""
        while True:
            await anyio.sleep(ttl / _HEARTBEATS)
            with suppress(Exception):
                async with self._backend.writing() as on:
                    if not await on.leases.renew(run.sync, run.connection, run.epoch):
                        return

    async def is_held(self, on: Transaction, sync: str, connection: str) -> bool:
        """Return whether the lease is held by somebody who may be alive."""
        held = await on.leases.get(sync, connection)
        return held is not None and held.expires_at > await on.now() and await self._backend.alive(held.holder)

    async def revoke_free(self, on: Transaction, sync: str, connection: str | None) -> None:
        """Revoke the leases of a sync, on one connection or on all: nothing more is committed under them.

        Raises AlreadyRunning while a run is under way under one of them.
        """
        now, dead = await on.now(), list[str]()
        for held in await on.leases.list(sync, connection):
            if not await self._backend.alive(held.holder):
                dead.append(held.holder)
            elif held.expires_at > now:
                raise _held_by(held)
        await on.leases.revoke(sync=sync, connection=connection)
        for holder in dead:
            await self.forget(on, holder)

    def mark_released(self, run: Run) -> None:
        """Note that the transaction in which a lease was released has been committed."""
        self._released.add((run.sync, run.connection, run.epoch))

    async def _release(self, run: Run) -> None:
        """Release the lease, if the end of the run has not. One that cannot be released expires by itself."""
        key = (run.sync, run.connection, run.epoch)
        if key in self._released:
            self._released.remove(key)
            return
        with suppress(StoreUnavailable):
            await self._backend.write(
                lambda on: on.leases.release(run.sync, run.connection, run.epoch), is_done=repeatable
            )


async def require_current(on: Transaction, run: Run) -> None:
    """Renew the lease that a run is under; raises AlreadyRunning when it was taken over, released or revoked.

    A lease that has expired but that nobody took is renewed too: nobody can have written meanwhile, so there is
    nothing to protect from this holder, and a run need not fail because its machine slept.
    """
    if await on.leases.renew(run.sync, run.connection, run.epoch):
        return
    held = await on.leases.get(run.sync, run.connection)
    what = f"The run of {run.sync!r} on {run.connection!r}"
    if held is None:
        raise AlreadyRunning(
            f"{what} has lost its lease: it was taken over, or its connection was renamed or removed.",
            "Run the sync again; what was committed is kept.",
        )
    raise AlreadyRunning(
        f"{what} was taken over by {Holder.parse(held.holder)} at {to_stored(held.taken_at)}.",
        "Let the newer run finish; this one has kept what it committed.",
    )


def _held_by(held: Lease) -> AlreadyRunning:
    since, until = to_stored(held.taken_at), to_stored(held.expires_at)
    return AlreadyRunning(
        f"{held.sync!r} on {held.connection!r} has been running since {since}, in {Holder.parse(held.holder)}.",
        f"Wait until it ends, or stop it; if that process has died, its lease expires at {until}.",
    )
