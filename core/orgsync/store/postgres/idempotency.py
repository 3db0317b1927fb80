"""The table of calls that are made once."""

from datetime import timedelta

from ..server_tables import KeyedCall
from .control_sql import NOW
from .driver import Statements

__all__ = ["IdempotencyTable"]

_CLAIM = (
    "INSERT INTO orgsync_idempotency_key (token, key, fingerprint, job, run_id, made_at) "  # noqa: S608 # constants alone
    f"VALUES (%s, %s, %s, %s, NULL, {NOW}) ON CONFLICT (token, key) DO NOTHING"
)
_GET = "SELECT fingerprint, job, run_id FROM orgsync_idempotency_key WHERE token = %s AND key = %s"
_NOTE_RUN = "UPDATE orgsync_idempotency_key SET run_id = %s WHERE job = %s"
_RELEASE = "DELETE FROM orgsync_idempotency_key WHERE job = %s"
_REMOVE_EXPIRED = f"DELETE FROM orgsync_idempotency_key WHERE made_at < {NOW} - %s"  # noqa: S608 # constants alone


class IdempotencyTable:
    """Calls that are made once."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def claim(self, token: str, key: str, *, fingerprint: str, job: str) -> KeyedCall:
        await self._on.fetch(_CLAIM, (token, key, fingerprint, job))
        [found] = await self._on.fetch(_GET, (token, key))
        return KeyedCall(*found)

    async def note_run(self, job: str, run_id: int) -> None:
        await self._on.fetch(_NOTE_RUN, (run_id, job))

    async def release(self, job: str) -> None:
        await self._on.fetch(_RELEASE, (job,))

    async def remove_expired(self, ttl: timedelta) -> None:
        await self._on.fetch(_REMOVE_EXPIRED, (ttl,))
