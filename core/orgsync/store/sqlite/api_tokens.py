"""The tables of API tokens."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from orgsync.records import parse_instant, to_stored

from ..view import ApiTokenRow
from .driver import Statements

__all__ = ["ApiTokenTable"]

_COLUMNS = "name, id, digest, scopes, is_limited, created_at, expires_at, last_used_at"
_LIST = f"SELECT {_COLUMNS} FROM orgsync_api_token ORDER BY name"  # noqa: S608 # constants alone
_GET = f"SELECT {_COLUMNS} FROM orgsync_api_token WHERE id = ?"  # noqa: S608
_ADD = f"INSERT INTO orgsync_api_token ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"  # noqa: S608
_CONNECTIONS = "SELECT token, connection FROM orgsync_api_token_connection ORDER BY connection"
_ADD_CONNECTION = "INSERT INTO orgsync_api_token_connection (token, connection) VALUES (?, ?)"
_REMOVE = "DELETE FROM orgsync_api_token WHERE name = ? RETURNING id"
_REMOVE_CONNECTIONS = "DELETE FROM orgsync_api_token_connection WHERE token = ?"
_NOTE_USE = "UPDATE orgsync_api_token SET last_used_at = ? WHERE id = ?"


class ApiTokenTable:
    """The tokens of the HTTP API."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def list(self) -> Sequence[ApiTokenRow]:
        limits = await self._limits()
        return [_row(each, limits) for each in await self._on.fetch(_LIST)]

    async def get(self, token_id: str) -> ApiTokenRow | None:
        found = await self._on.fetch(_GET, (token_id,))
        return _row(found[0], await self._limits()) if found else None

    async def add(self, row: ApiTokenRow) -> None:
        is_limited, expires = row.connections is not None, row.expires_at and to_stored(row.expires_at)
        values = (row.name, row.id, row.digest, " ".join(row.scopes), is_limited, to_stored(self._now()), expires)
        await self._on.fetch(_ADD, values)
        for name in row.connections or ():
            await self._on.fetch(_ADD_CONNECTION, (row.id, name))

    async def remove(self, name: str) -> bool:
        removed = await self._on.fetch(_REMOVE, (name,))
        for (token_id,) in removed:
            await self._on.fetch(_REMOVE_CONNECTIONS, (token_id,))
        return bool(removed)

    async def note_use(self, token_id: str) -> None:
        await self._on.fetch(_NOTE_USE, (to_stored(self._now()), token_id))

    async def _limits(self) -> Mapping[str, Sequence[str]]:
        return _by_token(await self._on.fetch(_CONNECTIONS))


def _row(found: Sequence[Any], limits: Mapping[str, Sequence[str]]) -> ApiTokenRow:
    name, token_id, digest, scopes, is_limited, *instants = found
    created, expires, used = instants
    return ApiTokenRow(
        name=name,
        id=token_id,
        digest=digest,
        scopes=scopes.split(),
        connections=limits.get(token_id, []) if is_limited else None,
        created_at=parse_instant(created),
        expires_at=expires and parse_instant(expires),
        last_used_at=used and parse_instant(used),
    )


def _by_token(found: Sequence[Sequence[Any]]) -> Mapping[str, Sequence[str]]:
    """Return the connections that each token is limited to."""
    limits: defaultdict[str, list[str]] = defaultdict(list)
    for token_id, connection in found:
        limits[token_id].append(connection)
    return limits
