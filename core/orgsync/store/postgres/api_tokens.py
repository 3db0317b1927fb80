"""The tables of API tokens."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ..view import ApiTokenRow
from .control_sql import NOW
from .driver import Statements
from .stored import instants_in_utc

__all__ = ["ApiTokenTable"]

_COLUMNS = "name, id, digest, scopes, is_limited, created_at, expires_at, last_used_at"
_LIST = f"SELECT {_COLUMNS} FROM orgsync_api_token ORDER BY name"  # noqa: S608 # constants alone
_GET = f"SELECT {_COLUMNS} FROM orgsync_api_token WHERE id = %s"  # noqa: S608
_ADD = f"INSERT INTO orgsync_api_token ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, {NOW}, %s, NULL)"  # noqa: S608
_CONNECTIONS = "SELECT token, connection FROM orgsync_api_token_connection ORDER BY connection"
_ADD_CONNECTION = "INSERT INTO orgsync_api_token_connection (token, connection) VALUES (%s, %s)"
_REMOVE = "DELETE FROM orgsync_api_token WHERE name = %s RETURNING id"
_REMOVE_CONNECTIONS = "DELETE FROM orgsync_api_token_connection WHERE token = %s"
_NOTE_USE = f"UPDATE orgsync_api_token SET last_used_at = {NOW} WHERE id = %s"  # noqa: S608


class ApiTokenTable:
    """The tokens of the HTTP API."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def list(self) -> Sequence[ApiTokenRow]:
        limits = await self._limits()
        return [_row(each, limits) for each in await self._on.fetch(_LIST)]

    async def get(self, token_id: str) -> ApiTokenRow | None:
        found = await self._on.fetch(_GET, (token_id,))
        return _row(found[0], await self._limits()) if found else None

    async def add(self, row: ApiTokenRow) -> None:
        is_limited = row.connections is not None
        values = (row.name, row.id, row.digest, " ".join(row.scopes), is_limited, row.expires_at)
        await self._on.fetch(_ADD, values)
        for name in row.connections or ():
            await self._on.fetch(_ADD_CONNECTION, (row.id, name))

    async def remove(self, name: str) -> bool:
        removed = await self._on.fetch(_REMOVE, (name,))
        for (token_id,) in removed:
            await self._on.fetch(_REMOVE_CONNECTIONS, (token_id,))
        return bool(removed)

    async def note_use(self, token_id: str) -> None:
        await self._on.fetch(_NOTE_USE, (token_id,))

    async def _limits(self) -> Mapping[str, Sequence[str]]:
        return _by_token(await self._on.fetch(_CONNECTIONS))


def _row(found: Sequence[Any], limits: Mapping[str, Sequence[str]]) -> ApiTokenRow:
    name, token_id, digest, scopes, is_limited, created, expires, used = instants_in_utc(found)
    return ApiTokenRow(
        name=name,
        id=token_id,
        digest=bytes(digest),
        scopes=scopes.split(),
        connections=limits.get(token_id, []) if is_limited else None,
        created_at=created,
        expires_at=expires,
        last_used_at=used,
    )


def _by_token(found: Sequence[Sequence[Any]]) -> Mapping[str, Sequence[str]]:
    """Return the connections that each token is limited to."""
    limits: defaultdict[str, list[str]] = defaultdict(list)
    for token_id, connection in found:
        limits[token_id].append(connection)
    return limits
