"""The ledgers of one connection's writes: one for each input, found again by its key."""

import hashlib
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from orgsync.errors import AlreadyRunning
from orgsync.store import Store

from .stored_ledger import StoredLedger

__all__ = ["Ledgers", "OpenedLedger", "key_of"]


@dataclass(frozen=True, slots=True)
class OpenedLedger:
    """A ledger in use. `begun_at` is when an earlier process began the write, `finished_at` when it was complete."""

    ledger: StoredLedger
    begun_at: datetime | None
    finished_at: datetime | None


class Ledgers:
    """The ledgers of a connection's writes."""

    def __init__(self, store: Store, connection: str) -> None:
        self._store = store
        self._connection = connection

    @asynccontextmanager
    async def open(
        self, key: str, label: str, *, by: str = "the same call with the same rows", again: bool = False
    ) -> AsyncGenerator[OpenedLedger]:
        """Open the ledger of an input, for one process at a time; with `again`, a new one where that is complete.

        `by` is what resumes it, as messages say it.
        Raises AlreadyRunning while another process writes the same to the same connection.
        """
        lock = self._store.lock(f"write-{key_of(self._connection, key)[:32]}", timeout=0)
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(lock)
            except AlreadyRunning:
                raise AlreadyRunning(
                    f"{label} is being written to {self._connection} already.",
                    "Wait until that write has ended; then the same call says what became of the rows.",
                ) from None
            resumption = f"{by} resumes the write, and writes no row twice."
            known = await self._store.org_writes.last(self._connection, key)
            if known is None or (again and known.finished_at is not None):
                begun = await self._store.org_writes.start(self._connection, key, label)
                yield OpenedLedger(StoredLedger(self._store, begun, resumption), None, None)
                return
            yield OpenedLedger(StoredLedger(self._store, known, resumption), known.started_at, known.finished_at)


def key_of(*parts: object) -> str:
    """Return the key of a write from what determines it."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
