"""The table of connect sessions."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from orgsync.records import parse_instant, to_stored

from ..connect_session_table import ConnectSessionRow, ConnectSessionState
from .driver import Statements

__all__ = ["ConnectSessionTable"]

_COLUMNS = "id, digest, connection, options, state, attempts, code, cause, remedy, created_at, expires_at, ended_at"
_GET = f"SELECT {_COLUMNS} FROM orgsync_connect_session WHERE id = ?"  # noqa: S608 # constants alone
_FIND = f"SELECT {_COLUMNS} FROM orgsync_connect_session WHERE digest = ?"  # noqa: S608
_ADD = (
    "INSERT INTO orgsync_connect_session (id, digest, connection, options, state, attempts, created_at, expires_at) "  # noqa: S608
    f"VALUES (?, ?, ?, ?, 'waiting', 0, ?, ?) RETURNING {_COLUMNS}"
)
_NOTE_ATTEMPT = (
    "UPDATE orgsync_connect_session SET attempts = attempts + 1, state = 'waiting', code = NULL, cause = NULL, "
    "remedy = NULL, ended_at = NULL WHERE id = ?"
)
_END = "UPDATE orgsync_connect_session SET state = ?, code = ?, cause = ?, remedy = ?, ended_at = ? WHERE id = ?"
_REMOVE_EXPIRED = "DELETE FROM orgsync_connect_session WHERE expires_at < ?"


class ConnectSessionTable:
    """The connect sessions."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def get(self, session: str) -> ConnectSessionRow | None:
        found = await self._on.fetch(_GET, (session,))
        return _row(found[0]) if found else None

    async def find(self, digest: bytes) -> ConnectSessionRow | None:
        found = await self._on.fetch(_FIND, (digest,))
        return _row(found[0]) if found else None

    async def add(
        self, session: str, digest: bytes, *, connection: str, options: Mapping[str, Any], ttl: timedelta
    ) -> ConnectSessionRow:
        now = self._now()
        values = (session, digest, connection, json.dumps(options), to_stored(now), to_stored(now + ttl))
        [added] = await self._on.fetch(_ADD, values)
        return _row(added)

    async def note_attempt(self, session: str) -> None:
        await self._on.fetch(_NOTE_ATTEMPT, (session,))

    async def end(
        self,
        session: str,
        state: ConnectSessionState,
        *,
        code: str | None = None,
        cause: str | None = None,
        remedy: str | None = None,
    ) -> None:
        await self._on.fetch(_END, (state, code, cause, remedy, to_stored(self._now()), session))

    async def remove_expired(self, ttl: timedelta) -> None:
        await self._on.fetch(_REMOVE_EXPIRED, (to_stored(self._now() - ttl),))


def _row(found: Sequence[Any]) -> ConnectSessionRow:
    session, digest, connection, options, state, attempts, code, cause, remedy, created, expires, ended = found
    return ConnectSessionRow(
        id=session,
        digest=digest,
        connection=connection,
        options=json.loads(options),
        state=state,
        attempts=attempts,
        code=code,
        cause=cause,
        remedy=remedy,
        created_at=parse_instant(created),
        expires_at=parse_instant(expires),
        ended_at=ended and parse_instant(ended),
    )
