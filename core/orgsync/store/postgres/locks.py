"""Locks that hold across tasks, processes and hosts; the server frees one when its holder's connection ends."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakValueDictionary

import anyio
from psycopg import AsyncConnection, OperationalError

from orgsync.errors import AlreadyRunning

from .address import Address
from .driver import Statements, connect
from .errors import Tries, errors_explained

__all__ = ["TRY", "KeptSession", "Locks"]

_POLL_SECONDS = 0.1
TRY = "SELECT pg_try_advisory_lock(hashtextextended(current_schema() || ' lock ' || %s, 0))"


class KeptSession:
    """The connection that holds a lock; the server ends one that says nothing for longer than it may."""

    def __init__(self, on: Statements, address: Address) -> None:
        self._on = on
        self._address = address

    async def keep(self) -> None:
        """Keep the lock; raises StoreUnavailable where the connection was ended."""
        with errors_explained(self._address):
            await self._on.begin(self._address, transaction=False)


class Locks:
    """Named exclusive locks of one schema, each held by a connection of its own.

    Tasks of one process queue here, so that only one of them asks the server. Waiting is asking again and again: a
    statement that waits would hold back what the server cleans up.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._queues: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, name: str, *, timeout: float | None) -> AsyncGenerator[None]:  # noqa: ASYNC109 # a public option
        """Hold the lock; raises AlreadyRunning when it is not free within `timeout` seconds (None: wait forever)."""
        queue = self._queues.setdefault(name, anyio.Semaphore(1))
        give_up = float("inf") if timeout is None else anyio.current_time() + timeout
        if not await _entered(queue, timeout):
            raise _held(name)
        try:
            with errors_explained(self._address):
                driver = await self._acquired(name, give_up)
            try:
                yield
            finally:
                with anyio.CancelScope(shield=True):
                    await driver.close()
        finally:
            queue.release()

    async def _acquired(self, name: str, give_up: float) -> AsyncConnection[Any]:
        """Return a connection that has acquired the lock; one that is cut before is replaced."""
        tries = Tries()
        while True:
            driver = await connect(self._address, writes=True, restarting=True)
            try:
                while not (await Statements(driver).fetch(TRY, (name,)))[0][0]:
                    if anyio.current_time() >= give_up:
                        raise _held(name)
                    await anyio.sleep(_POLL_SECONDS)
            except BaseException as error:
                is_tried_again = isinstance(error, OperationalError) and tries.allow_another(error, driver)
                with anyio.CancelScope(shield=True):
                    await driver.close()
                if not is_tried_again:
                    raise
            else:
                return driver

    @asynccontextmanager
    async def keep(self, name: str, *, ttl: int) -> AsyncGenerator[KeptSession]:
        """Hold the lock, which the server frees when it was not kept for `ttl` seconds; never wait for it."""
        with errors_explained(self._address):
            on = Statements(await connect(self._address, writes=True, restarting=True))
        try:
            with errors_explained(self._address):
                await on.fetch("SELECT set_config('idle_session_timeout', %s, false)", (f"{ttl}s",))
                if not (await on.fetch(TRY, (name,)))[0][0]:
                    raise _held(name)
            yield KeptSession(on, self._address)
        finally:
            with anyio.CancelScope(shield=True):
                await on.driver.close()


async def _entered(queue: anyio.Semaphore, timeout: float | None) -> bool:  # noqa: ASYNC109 # the caller's
    try:
        queue.acquire_nowait()
    except anyio.WouldBlock:
        if timeout == 0:
            return False
        with anyio.move_on_after(timeout):
            await queue.acquire()
            return True
        return False
    return True


def _held(name: str) -> AlreadyRunning:
    return AlreadyRunning(f"The lock {name!r} is held elsewhere.", "Wait until it is free, or stop what holds it.")
