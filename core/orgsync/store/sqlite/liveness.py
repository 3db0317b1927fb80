"""Who holds leases: each open store is known by its host and by a file that it keeps locked while it is open.

The system frees that lock when the process dies, so other processes of the machine see a death at once. A process
that is merely stopped keeps its lock.
"""

import socket
from pathlib import Path

from filelock import FileLock, Timeout

from ..holder import Holder
from .file_locks import try_acquire

__all__ = ["Liveness"]


class Liveness:
    """This store among the holders whose files are in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: tuple[Holder, FileLock] | None = None

    def own(self) -> Holder:
        """Return this store's holder; the first call makes and locks its file."""
        if self._own is None:
            holder = Holder.here()
            lock = FileLock(self._file(holder), mode=0o600, thread_local=False)
            if not try_acquire(lock, self._folder):
                raise RuntimeError(f"a new file is locked already: {holder.file}")
            self._own = holder, lock
        return self._own[0]

    def is_dead(self, holder: Holder) -> bool:
        """Return whether a holder is known to have died: one of this host, whose file is here and is not locked.

        A missing file proves nothing: the holder may keep its locks in another folder.
        """
        file = self._file(holder)
        if holder.host != socket.gethostname() or not file.exists():
            return False
        lock = FileLock(file, thread_local=False)
        try:
            lock.acquire(blocking=False)
        except (Timeout, OSError):
            return False
        lock.release()
        return True

    def forget(self, holder: Holder) -> None:
        """Delete a dead holder's file."""
        self._file(holder).unlink(missing_ok=True)

    def close(self) -> None:
        """Delete this store's file."""
        if self._own is None:
            return
        holder, lock = self._own
        self._own = None
        # The file goes first: once unlocked, any process that finds it would take its holder for dead.
        self.forget(holder)
        lock.release()

    def _file(self, holder: Holder) -> Path:
        return self._folder / f"{holder.file}.lock"
