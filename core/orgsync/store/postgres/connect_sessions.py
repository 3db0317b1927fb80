"""The table of connect sessions."""
# ruff: noqa: S608 # constants alone

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..connect_session_table import ConnectSessionRow, ConnectSessionState
from .control_sql import NOW
from .driver import Statements
from .stored import instants_in_utc

__all__ = ["ConnectSessionTable"]

_COLUMNS = "id, digest, connection, options, state, attempts, code, cause, remedy, created_at, expires_at, ended_at"
_GET = f"SELECT {_COLUMNS} FROM orgsync_connect_session WHERE id = %s"
_FIND = f"SELECT {_COLUMNS} FROM orgsync_connect_session WHERE digest = %s"
_ADD = (
    "INSERT INTO orgsync_connect_session (id, digest, connection, options, state, attempts, created_at, expires_at) "
    f"SELECT %s, %s, %s, %s, 'waiting', 0, t, t + ttl FROM (SELECT {NOW} AS t, %s::interval AS ttl) AS given "
    f"RETURNING {_COLUMNS}"
)
_NOTE_ATTEMPT = (
    "UPDATE orgsync_connect_session SET attempts = attempts + 1, state = 'waiting', code = NULL, cause = NULL, "
    "remedy = NULL, ended_at = NULL WHERE id = %s"
)
_END = (
    f"UPDATE orgsync_connect_session SET state = %s, code = %s, cause = %s, remedy = %s, ended_at = {NOW} WHERE id = %s"
)
_REMOVE_EXPIRED = f"DELETE FROM orgsync_connect_session WHERE expires_at < {NOW} - %s"


class ConnectSessionTable:
    """The connect sessions."""

    def __init__(self, on: Statements, *, writes: bool) -> None:
        self._on = on
        self._get = f"{_GET} FOR UPDATE" if writes else _GET  # what is written goes by what is read

    async def get(self, session: str) -> ConnectSessionRow | None:
        found = await self._on.fetch(self._get, (session,))
        return _row(found[0]) if found else None

    async def find(self, digest: bytes) -> ConnectSessionRow | None:
        found = await self._on.fetch(_FIND, (digest,))
        return _row(found[0]) if found else None

    async def add(
        self, session: str, digest: bytes, *, connection: str, options: Mapping[str, Any], ttl: timedelta
    ) -> ConnectSessionRow:
        [added] = await self._on.fetch(_ADD, (session, digest, connection, json.dumps(options), ttl))
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
        await self._on.fetch(_END, (state, code, cause, remedy, session))

    async def remove_expired(self, ttl: timedelta) -> None:
        await self._on.fetch(_REMOVE_EXPIRED, (ttl,))


def _row(found: Sequence[Any]) -> ConnectSessionRow:
    session, digest, connection, options, state, attempts, code, cause, remedy, *instants = instants_in_utc(found)
    created, expires, ended = instants
    return ConnectSessionRow(
        id=session,
        digest=bytes(digest),
        connection=connection,
        options=options,
        state=state,
        attempts=attempts,
        code=code,
        cause=cause,
        remedy=remedy,
        created_at=created,
        expires_at=expires,
        ended_at=ended,
    )
