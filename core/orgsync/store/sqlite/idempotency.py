"""The table of calls that are made once."""

from collections.abc import Callable
from datetime import datetime, timedelta

from orgsync.records import to_stored

from ..server_tables import KeyedCall
from .driver import Statements

__all__ = ["IdempotencyTable"]

_CLAIM = (
    "INSERT INTO orgsync_idempotency_key (token, key, fingerprint, job, run_id, made_at) VALUES (?, ?, ?, ?, NULL, ?) "
    "ON CONFLICT (token, key) DO NOTHING"
)
_GET = "SELECT fingerprint, job, run_id FROM orgsync_idempotency_key WHERE token = ? AND key = ?"
_NOTE_RUN = "UPDATE orgsync_idempotency_key SET run_id = ? WHERE job = ?"
_RELEASE = "DELETE FROM orgsync_idempotency_key WHERE job = ?"
_REMOVE_EXPIRED = "DELETE FROM orgsync_idempotency_key WHERE made_at < ?"


class IdempotencyTable:
    """Calls that are made once."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def claim(self, token: str, key: str, *, fingerprint: str, job: str) -> KeyedCall:
        await self._on.fetch(_CLAIM, (token, key, fingerprint, job, to_stored(self._now())))
        [found] = await self._on.fetch(_GET, (token, key))
        return KeyedCall(*found)

    async def note_run(self, job: str, run_id: int) -> None:
        await self._on.fetch(_NOTE_RUN, (run_id, job))

    async def release(self, job: str) -> None:
        await self._on.fetch(_RELEASE, (job,))

    async def remove_expired(self, ttl: timedelta) -> None:
        await self._on.fetch(_REMOVE_EXPIRED, (to_stored(self._now() - ttl),))
