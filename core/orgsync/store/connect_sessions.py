"""Connect sessions: links by which a customer connects an org in a browser, good for half an hour and for one org."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from orgsync.errors import ConnectSessionEnded, NameUnknown

from .backend import Backend, Transaction
from .connect_session_table import ConnectSessionRow
from .messages import tell
from .model import Connection

__all__ = ["MOST_ATTEMPTS", "ConnectSessions", "finish_session", "require_attempts", "require_live"]

MOST_ATTEMPTS = 20
"""How often a customer may go to Salesforce within one session: each attempt that fails is told by a message."""

_TTL = timedelta(minutes=30)
_KEPT = timedelta(days=30)


class ConnectSessions:
    """The connect sessions of one open store. The secret of a link has 256 random bits; its SHA-256 is kept."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def create(self, connection: str, options: Mapping[str, Any]) -> tuple[ConnectSessionRow, str]:
        """Make a session, and return it with the secret of its link, which cannot be read again.

        Sessions that expired more than 30 days ago are deleted.
        """
        session, secret = f"cs_{secrets.token_hex(12)}", secrets.token_urlsafe(32)
        async with self._backend.writing(durable=True) as on:
            await on.connect_sessions.remove_expired(_KEPT)
            row = await on.connect_sessions.add(
                session, _digest(secret), connection=connection, options=options, ttl=_TTL
            )
        return row, secret

    async def get(self, session: str) -> tuple[ConnectSessionRow, bool]:
        """Read one, and whether its time is over; raises NameUnknown where there is none."""
        found = await self.look_up(session)
        if found is None:
            raise NameUnknown(
                f"There is no connect session {session!r}.",
                "Sessions are kept for 30 days. Create one: POST /api/v1/connect-sessions.",
            )
        return found

    async def look_up(self, session: str) -> tuple[ConnectSessionRow, bool] | None:
        """Read one as `get` does; None where there is none."""
        async with self._backend.reading() as on:
            found, now = await on.connect_sessions.get(session), await on.now()
        return None if found is None else (found, found.expires_at <= now)

    async def find(self, secret: str) -> tuple[ConnectSessionRow, bool] | None:
        """Read the one whose link has this secret, and whether its time is over; None where there is none."""
        async with self._backend.reading() as on:
            found, now = await on.connect_sessions.find(_digest(secret)), await on.now()
        return None if found is None else (found, found.expires_at <= now)

    async def begin_attempt(self, session: str) -> ConnectSessionRow:
        """Count an attempt, and return the session as it was before; raises ConnectSessionEnded for one that is over.

        It is raised after 20 attempts, too.
        """
        async with self._backend.writing(durable=True) as on:
            found = await require_live(on, session)
            require_attempts(found)
            await on.connect_sessions.note_attempt(session)
            return found

    async def fail(self, session: str, *, code: str, cause: str, remedy: str) -> None:
        """Keep that an attempt failed, and tell it; a session that has ended meanwhile stays as it is."""
        name = (await self.get(session))[0].connection
        async with self._backend.writing(durable=True) as on:
            owner = await on.connections.get(name)  # before the session, as whoever stores a connection reads them
            found = await on.connect_sessions.get(session)
            if found is None or found.state in ("connected", "cancelled"):
                return
            await on.connect_sessions.end(session, "failed", code=code, cause=cause, remedy=remedy)
            tags = list(found.options.get("tags") or []) if owner is None else owner.tags
            await _tell(on, "connect_session.failed", replace(found, code=code), tags=tags)

    async def cancel(self, session: str) -> ConnectSessionRow:
        """End a session, so that its link leads nowhere; one that is connected stays so. Raises as `get` does."""
        async with self._backend.writing(durable=True) as on:
            found = await on.connect_sessions.get(session)
            if found is not None and found.state not in ("connected", "cancelled"):
                await on.connect_sessions.end(session, "cancelled")
        return (await self.get(session))[0]


async def finish_session(on: Transaction, session: str, connection: Connection) -> None:
    """Keep, in the transaction that stores its connection, that a session is finished, and tell it.

    Raises ConnectSessionEnded, so that nothing is stored, where it was finished, cancelled or has expired meanwhile,
    and where its connection has been given another name.
    """
    found = await require_live(on, session)
    if found.connection != connection.name:
        raise ConnectSessionEnded("renamed")
    await on.connect_sessions.end(session, "connected")
    await _tell(on, "connect_session.finished", found, tags=connection.tags)


async def require_live(on: Transaction, session: str) -> ConnectSessionRow:
    """Return a session that may still connect an org; raises ConnectSessionEnded, which says why, for any other."""
    found = await on.connect_sessions.get(session)
    if found is None:
        raise ConnectSessionEnded("unknown")
    if found.state in ("connected", "cancelled"):
        raise ConnectSessionEnded(found.state)
    if found.expires_at <= await on.now():
        raise ConnectSessionEnded("expired")
    return found


def require_attempts(row: ConnectSessionRow) -> None:
    """Raise ConnectSessionEnded for a session that was tried too often."""
    if row.attempts >= MOST_ATTEMPTS:
        raise ConnectSessionEnded("attempts")


async def _tell(on: Transaction, event: str, row: ConnectSessionRow, *, tags: list[str]) -> None:
    code = {} if row.code is None or event != "connect_session.failed" else {"code": row.code}
    await tell(on, event, row.connection, {"session": row.id, "connection": row.connection, **code}, tags=tags)


def _digest(secret: str) -> bytes:
    return sha256(secret.encode(errors="replace")).digest()
