"""The tokens of the HTTP API: made, found by what a caller shows, listed and revoked."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from orgsync.clock import utc_now
from orgsync.errors import NameTaken, NameUnknown

from .backend import Backend
from .connections import require_connection
from .view import ApiTokenRow

__all__ = ["ApiTokens"]

_PREFIX = "orgsync"
"""What every token begins with, so that scanners for leaked secrets find it: `orgsync_ID_SECRET`."""


class ApiTokens:
    """The API tokens of one open store. What is kept of a token is its SHA-256: its secret has 256 random bits."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def list(self) -> Sequence[ApiTokenRow]:
        """Read all, by name."""
        async with self._backend.reading() as on:
            return await on.api_tokens.list()

    async def create(
        self,
        name: str,
        *,
        scopes: Sequence[str],
        connections: Sequence[str] | None = None,
        expires_at: datetime | None = None,
    ) -> str:
        """Make a token and return it: it cannot be read again.

        `connections` limits it to these; None lets it work on all, later ones included. Raises NameTaken for the name
        of a token that there is, and NameUnknown for a connection that there is not.
        """
        token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
        row = ApiTokenRow(
            name=name,
            id=token_id,
            digest=_digest(secret),
            scopes=scopes,
            connections=connections,
            created_at=utc_now(),
            expires_at=expires_at,
            last_used_at=None,
        )
        async with self._backend.writing(durable=True) as on:
            if any(each.name == name for each in await on.api_tokens.list()):
                raise NameTaken(
                    f"There is a token {name!r} already.",
                    f"Choose another name, or revoke that one: orgsync tokens revoke {name}.",
                )
            for connection in sorted(connections or ()):
                await require_connection(on, connection)
            await on.api_tokens.add(row)
        return f"{_PREFIX}_{token_id}_{secret}"

    async def find(self, token: str) -> ApiTokenRow | None:
        """Return the token that a caller shows; None for one that is unknown, revoked or expired."""
        prefix, _, rest = token.partition("_")
        token_id, _, secret = rest.partition("_")
        if prefix != _PREFIX or not token_id or not token.isascii():
            return None
        async with self._backend.reading() as on:
            found, now = await on.api_tokens.get(token_id), await on.now()
        if found is None or not hmac.compare_digest(found.digest, _digest(secret)):
            return None
        return None if found.expires_at is not None and found.expires_at <= now else found

    async def note_use(self, token_id: str) -> None:
        """Keep that a token was used just now."""
        async with self._backend.writing() as on:
            await on.api_tokens.note_use(token_id)

    async def revoke(self, name: str) -> None:
        """Delete a token; raises NameUnknown, with the nearest name, where there is none."""
        async with self._backend.writing(durable=True) as on:
            if not await on.api_tokens.remove(name):
                known = [each.name for each in await on.api_tokens.list()]
                raise NameUnknown.among("token", name, known, none_yet="Make one: orgsync tokens create NAME.")


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
