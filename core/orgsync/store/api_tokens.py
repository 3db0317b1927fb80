"""The tokens of the HTTP API: made, found by what a caller shows, listed, revoked; and sessions that stand on one."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import anyio

from orgsync.clock import utc_now
from orgsync.errors import KeyUnusable, NameTaken
from orgsync.records import parse_instant, to_stored

from .backend import Backend
from .connections import require_connection
from .keys import require_key
from .unknown_names import no_token
from .vault import Vault
from .view import ApiTokenRow

__all__ = ["ApiTokens", "PageSession"]

_PREFIX = "orgsync"
"""What every token begins with, so that scanners for leaked secrets find it: `orgsync_ID_SECRET`."""


_SESSION = "a page's session"
"""Whose the encrypted sessions are; no connection can have this name."""


@dataclass(frozen=True, slots=True)
class PageSession:
    """A browser's session, which stands on a token and ends with it; `csrf` is what its forms show."""

    id: str
    csrf: str
    token: ApiTokenRow


class ApiTokens:
    """The API tokens of one open store. What is kept of a token is its SHA-256: its secret has 256 random bits."""

    def __init__(self, backend: Backend, vault: Vault) -> None:
        self._backend = backend
        self._vault = vault
        self._found: dict[str, tuple[ApiTokenRow, float]] = {}

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

    async def find(self, token: str, *, known_for: float = 0.0) -> ApiTokenRow | None:
        """Return the token that a caller shows; None for one that is unknown, revoked or expired.

        One that was found within `known_for` seconds is not looked up again: what another process has revoked is good
        for so long, what this one has revoked is not. One that is limited to connections always is: they are renamed.
        """
        prefix, _, rest = token.partition("_")
        token_id, _, secret = rest.partition("_")
        if prefix != _PREFIX or not token_id or not token.isascii():
            return None
        found = await self._current(token_id, known_for=known_for)
        return found if found is not None and hmac.compare_digest(found.digest, _digest(secret)) else None

    async def begin_session(self, token: ApiTokenRow, *, lasts: timedelta) -> str:
        """Return a session of a browser, encrypted with the key of the credentials; nothing of it is stored.

        Raises KeyUnusable as `require_key` does; where there is no key yet, it is made.
        """
        await require_key(self._backend, self._vault)
        until = to_stored(utc_now() + lasts)
        values = {"id": secrets.token_hex(16), "csrf": secrets.token_urlsafe(32), "token": token.id, "until": until}
        return self._vault.encrypt(_SESSION, values, kind="session").decode()

    async def session(self, encrypted: str) -> PageSession | None:
        """Return a session; None for what is none, or has ended: by itself, or because its token has."""
        try:
            values = self._vault.decrypt(_SESSION, encrypted.encode(), kind="session")
        except KeyUnusable:  # whoever signs in again is told where it is the key that is wrong
            return None
        if not values or parse_instant(values["until"]) <= utc_now():
            return None
        token = await self._current(values["token"])
        return None if token is None else PageSession(values["id"], values["csrf"], token)

    async def _current(self, token_id: str, *, known_for: float = 0.0) -> ApiTokenRow | None:
        """Read a token that has not expired, or return the one that was read within so many seconds."""
        kept = self._found  # what is revoked while this one is read, empties another
        known, at = kept.get(token_id, (None, 0.0))
        if known is not None and anyio.current_time() < at + known_for:
            return known
        kept.pop(token_id, None)
        async with self._backend.reading() as on:
            found, now = await on.api_tokens.get(token_id), await on.now()
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        if known_for and found.connections is None:
            kept[token_id] = found, anyio.current_time()
        return found

    async def note_use(self, token_id: str) -> None:
        """Keep that a token was used just now."""
        async with self._backend.writing() as on:
            await on.api_tokens.note_use(token_id)

    async def revoke(self, name: str) -> None:
        """Delete a token; raises NameUnknown, with the nearest name, where there is none."""
        async with self._backend.writing(durable=True) as on:
            if not await on.api_tokens.remove(name):
                known = [each.name for each in await on.api_tokens.list()]
                raise no_token(name, known)
        self._found = {}


def _digest(secret: str) -> bytes:
    return sha256(secret.encode()).digest()
