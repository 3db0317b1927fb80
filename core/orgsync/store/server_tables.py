"""What a backend does with the control tables of what is served over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from .view import ApiTokenRow

__all__ = ["ApiTokenTable", "IdempotencyTable", "KeyedCall"]


class ApiTokenTable(Protocol):
    """The tokens of the HTTP API."""

    async def list(self) -> Sequence[ApiTokenRow]:
        """Read all, by name."""
        ...

    async def get(self, token_id: str) -> ApiTokenRow | None:
        """Read one by its id."""
        ...

    async def add(self, row: ApiTokenRow) -> None:
        """Insert one; the backend stamps when it was made."""
        ...

    async def remove(self, name: str) -> bool:
        """Delete one; return False where there is none of this name."""
        ...

    async def note_use(self, token_id: str) -> None:
        """Stamp that one was used."""
        ...


@dataclass(frozen=True, slots=True)
class KeyedCall:
    """What a call with an idempotency key has started: a job, and its run once it has begun."""

    fingerprint: str
    job: str
    run_id: int | None


class IdempotencyTable(Protocol):
    """Calls that are made once."""

    async def claim(self, token: str, key: str, *, fingerprint: str, job: str) -> KeyedCall:
        """Keep a call, unless there is one under this key already; return the one that is kept."""
        ...

    async def note_run(self, job: str, run_id: int) -> None:
        """Keep the run of a call's job."""
        ...

    async def release(self, job: str) -> None:
        """Forget the call of a job."""
        ...

    async def remove_expired(self, ttl: timedelta) -> None:
        """Delete calls that are older."""
        ...
