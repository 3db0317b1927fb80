"""One connection's credentials in the store, as sign-in uses them."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from orgsync.errors import AlreadyRunning, SignInNeeded, TokenLocked
from orgsync.records import parse_instant, to_stored
from orgsync.salesforce.auth.credentials import SECRET_PARTS, Credentials, Grant
from orgsync.store import Connection, ConnectionColumns, Store

__all__ = ["StoredVault", "columns_of", "credentials_of", "secrets_of"]

_RENEWAL_TIMEOUT = 180.0  # seconds that another process may take to renew this connection's token


@dataclass(frozen=True, slots=True)
class StoredVault:
    """One connection's credentials in the store."""

    store: Store
    name: str

    async def load(self) -> Credentials:
        """Read the credentials as they are stored now."""
        return self._credentials(await self.store.connections.get(self.name))

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        """Store the credentials in one transaction, unless others have replaced `renewed`; return what is stored."""
        kept = await self.store.connections.update(
            self.name, secrets=secrets_of(credentials), expected=self._holding(renewed), **_ready(credentials)
        )
        return self._credentials(kept)

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        """Note that the connection needs to be signed in again, unless others have replaced `renewed`."""
        kept = await self.store.connections.update(
            self.name, status="needs sign-in", status_reason=error.cause, expected=self._holding(renewed)
        )
        return self._credentials(kept)

    async def replace(self, credentials: Credentials) -> None:
        """Store the credentials in place of whatever is stored."""
        await self.store.connections.update(self.name, secrets=secrets_of(credentials), **_ready(credentials))

    def _holding(self, credentials: Credentials) -> Callable[[Connection], bool]:
        return lambda connection: self._credentials(connection) == credentials

    def _credentials(self, connection: Connection) -> Credentials:
        return credentials_of(connection, self.store.connections.decrypt(connection))

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        """Keep every other renewal of this connection out, in this process and in others."""
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.store.lock(f"token {self.name}", timeout=_RENEWAL_TIMEOUT))
            except AlreadyRunning as held:
                problem = TokenLocked(
                    f"Another process has been renewing the token of {self.name} for {_RENEWAL_TIMEOUT:.0f} seconds.",
                    "Run it again; if this persists, look for an orgsync process that hangs.",
                )
                problem.retried = True
                raise problem from held
            await self.store.require_writable()  # a new refresh token is sent once: it must be possible to keep it
            yield


def _ready(credentials: Credentials) -> ConnectionColumns:
    return {**columns_of(credentials), "status": "ready", "status_reason": ""}


def credentials_of(connection: Connection, secrets: dict[str, Any]) -> Credentials:
    """Combine a connection's columns and its secrets."""
    parts = {name: secrets[name] for name in SECRET_PARTS if secrets.get(name)}
    issued_at, lifetime = secrets.get("issued_at"), secrets.get("lifetime")
    api_instance_url = secrets.get("api_instance_url")
    credentials = Credentials(
        grant=cast("Grant", connection.grant),
        login_url=connection.login_url,
        client_id=connection.client_id,
        username=connection.username or None,
        instance_url=connection.instance_url or None,
        org_id=connection.org_id or None,
        user_id=connection.user_id or None,
        scope=connection.scope or None,
        audience=secrets.get("audience"),
    ).with_secrets(parts)
    return replace(
        credentials,
        issued_at=parse_instant(issued_at) if issued_at else None,
        lifetime=lifetime,
        api_instance_url=api_instance_url,
    )


def secrets_of(credentials: Credentials) -> dict[str, Any]:
    """Return what is encrypted: the secrets, the audience of assertions, and facts of the last token response."""
    others = {
        "audience": credentials.audience,
        "issued_at": to_stored(credentials.issued_at) if credentials.issued_at else None,
        "lifetime": credentials.lifetime,
        "api_instance_url": credentials.api_instance_url,
    }
    return {**credentials.secrets(), **others}


def columns_of(credentials: Credentials) -> ConnectionColumns:
    """Return what is not encrypted: where the connection leads, and as which user."""
    return {
        "grant": credentials.grant,
        "login_url": credentials.login_url,
        "client_id": credentials.client_id,
        "username": credentials.username or "",
        "instance_url": credentials.instance_url or "",
        "org_id": credentials.org_id or "",
        "user_id": credentials.user_id or "",
        "scope": credentials.scope or "",
    }
