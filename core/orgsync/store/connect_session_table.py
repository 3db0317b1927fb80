"""What a backend does with the control table of connect sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeAlias

__all__ = ["ConnectSessionRow", "ConnectSessionState", "ConnectSessionTable"]

ConnectSessionState: TypeAlias = Literal["waiting", "connected", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectSessionRow:
    """A connect session as it is stored; `options` is what was asked for.

    One whose last attempt `failed` may be tried again until `expires_at`; `connected` and `cancelled` are final.
    """

    id: str
    digest: bytes = field(repr=False)
    connection: str
    options: Mapping[str, Any]
    state: ConnectSessionState
    attempts: int
    code: str | None
    cause: str | None
    remedy: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class ConnectSessionTable(Protocol):
    """The connect sessions."""

    async def get(self, session: str) -> ConnectSessionRow | None:
        """Read one by its id; in a transaction that writes, nobody else changes it meanwhile."""
        ...

    async def find(self, digest: bytes) -> ConnectSessionRow | None:
        """Read the one whose link has a secret with this SHA-256."""
        ...

    async def add(
        self, session: str, digest: bytes, *, connection: str, options: Mapping[str, Any], ttl: timedelta
    ) -> ConnectSessionRow:
        """Insert one that waits, and return it; the backend stamps when it was made and when it expires."""
        ...

    async def note_attempt(self, session: str) -> None:
        """Count an attempt; what the last one failed with is forgotten."""
        ...

    async def end(
        self,
        session: str,
        state: ConnectSessionState,
        *,
        code: str | None = None,
        cause: str | None = None,
        remedy: str | None = None,
    ) -> None:
        """Keep how an attempt, or the session, has ended, and when."""
        ...

    async def remove_expired(self, ttl: timedelta) -> None:
        """Delete those that expired longer ago."""
        ...
