"""Calls that are made once, however often they are sent: kept for a day under the caller's own key."""

from collections.abc import Callable
from datetime import timedelta

from .backend import Backend
from .server_tables import KeyedCall

__all__ = ["IdempotencyKeys"]

_TTL = timedelta(days=1)


class IdempotencyKeys:
    """The idempotency keys of one open store."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def claim(
        self, token: str, key: str, *, fingerprint: str, job: str, require: Callable[[], None] = lambda: None
    ) -> KeyedCall:
        """Keep that a call is made, and return it; or the one that was made under this key before.

        `token` is the id of the caller's, `fingerprint` tells its body from another, `job` names what it starts.
        Where `require`, which is called for a new call alone, raises an error, the key is not kept.
        """
        async with self._backend.writing(durable=True) as on:
            await on.idempotency.remove_expired(_TTL)
            kept = await on.idempotency.claim(token, key, fingerprint=fingerprint, job=job)
            if kept.job == job:
                require()
            return kept

    async def note_run(self, job: str, run_id: int) -> None:
        """Keep the run of a call's job, for when it is sent again after this process has ended."""
        async with self._backend.writing(durable=True) as on:
            await on.idempotency.note_run(job, run_id)

    async def release(self, job: str) -> None:
        """Forget a call whose job did not begin: sent again, it is made."""
        async with self._backend.writing(durable=True) as on:
            await on.idempotency.release(job)
