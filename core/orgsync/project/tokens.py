"""The tokens of the HTTP API: made with scopes, listed, revoked, and found by what a caller shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, TypedDict, get_args

from orgsync.clock import utc_now
from orgsync.errors import ArgumentInvalid, ScriptNotLoaded
from orgsync.scripts.schedule import parse_interval
from orgsync.store import Store
from orgsync.store.api_tokens import PageSession
from orgsync.store.unknown_names import no_token
from orgsync.store.view import ApiTokenRow
from orgsync.suggest import nearest

from .sign_ins import require_name
from .views import instant

__all__ = [
    "SCOPES",
    "ApiTokenRow",
    "ApiTokenView",
    "PageSession",
    "Scope",
    "Tokens",
    "lifetime",
    "no_token",
    "token_view",
]

Scope: TypeAlias = Literal["read", "run", "connect", "proxy", "admin"]
"""What a token may do: read the copy and how it stands; run syncs and actions; connect customers' orgs; call the orgs'
own API; everything, with connections removed and webhooks set."""

SCOPES: tuple[Scope, ...] = get_args(Scope)


class ApiTokenView(TypedDict):
    """A token as JSON, without its secret; `connections` is None for all."""

    name: str
    id: str
    scopes: list[str]
    connections: list[str] | None
    created_at: str | None
    expires_at: str | None
    last_used_at: str | None


@dataclass(frozen=True, slots=True)
class Tokens:
    """The API tokens of the store."""

    store: Store

    async def list(self) -> Sequence[ApiTokenRow]:
        """Return all tokens by name."""
        return await self.store.api_tokens.list()

    async def create(
        self,
        name: str,
        *,
        scopes: Sequence[str],
        connections: Sequence[str] | None = None,
        expires_in: timedelta | None = None,
    ) -> str:
        """Make a token and return it; it is not kept, so it cannot be shown again.

        `connections` limits it to these, None to none. Raises ArgumentInvalid for a scope that there is not, for no
        scope, and for a name that is none; NameTaken, and NameUnknown for a connection.
        """
        require_name(name, kind="token")
        for scope in scopes:
            if scope not in SCOPES:
                near = nearest(scope, SCOPES)
                guess = f"Did you mean {near}?" if near else f"Scopes: {', '.join(SCOPES)}."
                raise ArgumentInvalid(f"There is no scope {scope!r}.", guess)
        if not scopes:
            raise ArgumentInvalid("A token without a scope may do nothing.", f"Give it one of: {', '.join(SCOPES)}.")
        if connections is not None and not connections:
            raise ArgumentInvalid("A token that is limited to no connection may do nothing.", "Name one.")
        if expires_in is not None and expires_in <= timedelta():
            raise ArgumentInvalid("The token would have expired already.", "Give a time in the future, such as 90d.")
        ordered = [scope for scope in SCOPES if scope in scopes]
        until: datetime | None = None if expires_in is None else utc_now() + expires_in
        limits = None if connections is None else list(dict.fromkeys(connections))
        return await self.store.api_tokens.create(name, scopes=ordered, connections=limits, expires_at=until)

    async def find(self, token: str, *, known_for: float = 0.0) -> ApiTokenRow | None:
        """Return the token that a caller shows; None for one that is unknown, revoked or expired.

        One that was found within `known_for` seconds may not be looked up again; what this process has revoked is.
        """
        return await self.store.api_tokens.find(token, known_for=known_for)

    async def begin_session(self, token: ApiTokenRow, *, lasts: timedelta) -> str:
        """Return a session of a browser that stands on a token, encrypted; raises KeyUnusable as sign-ins do."""
        return await self.store.api_tokens.begin_session(token, lasts=lasts)

    async def session(self, encrypted: str) -> PageSession | None:
        """Return a session of a browser; None for what is none, or has ended, by itself or with its token."""
        return await self.store.api_tokens.session(encrypted)

    async def note_use(self, token_id: str) -> None:
        """Keep that a token was used just now."""
        await self.store.api_tokens.note_use(token_id)

    async def revoke(self, name: str) -> None:
        """Delete a token, at once and for good; raises NameUnknown where there is none."""
        await self.store.api_tokens.revoke(name)


def lifetime(text: str, *, of: str = "--expires") -> timedelta:
    """Read how long a token is good, or what else the option `of` sets: `12h`, `90d`; raises ArgumentInvalid."""
    try:
        return parse_interval(text, of=of).length
    except ScriptNotLoaded as wrong:
        raise ArgumentInvalid(f"{of} {text!r} is not an interval.", wrong.remedy) from None


def token_view(token: ApiTokenRow) -> ApiTokenView:
    """Return a token as JSON."""
    return {
        "name": token.name,
        "id": token.id,
        "scopes": list(token.scopes),
        "connections": None if token.connections is None else list(token.connections),
        "created_at": instant(token.created_at),
        "expires_at": instant(token.expires_at),
        "last_used_at": instant(token.last_used_at),
    }
