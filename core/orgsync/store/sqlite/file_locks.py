"""Locks that hold across tasks and processes, and that the system releases when their holder dies."""

import hashlib
import re
from collections.abc import AsyncGenerator, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import anyio
from filelock import FileLock, Timeout

from orgsync.errors import AlreadyRunning, StoreUnavailable

__all__ = ["Locks", "held_at_once", "try_acquire"]

_POLL_SECONDS = 0.05
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


class Locks:
    """Named exclusive locks, each a file of one folder.

    Tasks of one process queue on a semaphore, so that only one of them tries to lock the file. Every holder has a lock
    object of its own that never waits: filelock's are re-entrant, and waiting for one blocks a thread.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queues: WeakValueDictionary[str, anyio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(self, name: str, *, timeout: float | None) -> AsyncGenerator[None]:  # noqa: ASYNC109 # a public option
        """Hold the lock; raises AlreadyRunning when it is not free within `timeout` seconds (None: wait forever)."""
        queue = self._queues.setdefault(name, anyio.Semaphore(1))
        lock = FileLock(self.path(name), mode=0o600, thread_local=False)
        held = self._acquire_now(queue, lock)
        if not held and timeout != 0:
            with anyio.move_on_after(timeout):
                await self._wait(queue, lock)
                held = True
        if not held:
            raise AlreadyRunning(
                f"The lock {name!r} is held elsewhere.", "Wait until it is free, or stop what holds it."
            )
        try:
            yield
        finally:
            lock.release()
            queue.release()

    def path(self, name: str) -> Path:
        """Return the lock's file: readable, and never shared by two names that differ only in unsafe characters."""
        readable = _UNSAFE.sub("-", name)[:60]
        return self._folder / f"{readable}.{hashlib.sha256(name.encode()).hexdigest()[:12]}.lock"

    def _acquire_now(self, queue: anyio.Semaphore, lock: FileLock) -> bool:
        try:
            queue.acquire_nowait()
        except anyio.WouldBlock:
            return False
        held = False
        try:
            held = try_acquire(lock, self._folder)
        finally:
            if not held:
                queue.release()
        return held

    async def _wait(self, queue: anyio.Semaphore, lock: FileLock) -> None:
        await queue.acquire()
        held = False
        try:
            while not (held := try_acquire(lock, self._folder)):  # noqa: ASYNC110 # another process frees it: there is no event
                await anyio.sleep(_POLL_SECONDS)
        finally:
            if not held:
                queue.release()


@contextmanager
def held_at_once(folder: Path, names: Iterable[str]) -> Generator[None]:
    """Hold many locks of other processes; raises AlreadyRunning where one of them is not free."""
    locks = Locks(folder)
    held: list[FileLock] = []
    try:
        for name in names:
            lock = FileLock(locks.path(name), mode=0o600, thread_local=False)
            if not try_acquire(lock, folder):
                raise AlreadyRunning(f"The lock {name!r} is held elsewhere.", "Wait until it is free, then run again.")
            held.append(lock)
        yield
    finally:
        for lock in held:
            lock.release()


def try_acquire(lock: FileLock, folder: Path) -> bool:
    """Try to acquire a lock in the folder without waiting; raises StoreUnavailable where no file can be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout:
        return False
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {folder} cannot be written: {error.strerror or error}.", "Make it writable for this user."
        ) from error
    return True
