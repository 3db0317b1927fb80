"""The store as sign-in and extraction know it: one connection's credentials, and one connection's rows."""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from orgsync.errors import AlreadyRunning, TransientProblem
from orgsync.records import Schema, parse_instant, to_stored
from orgsync.salesforce.auth.credentials import SECRET_PARTS, Credentials, Grant
from orgsync.store import Connection, ConnectionColumns, Store

__all__ = ["StoredCopy", "StoredVault", "columns_of", "credentials_of", "secrets_of"]

_RENEWAL_TIMEOUT = 180.0  # seconds that another process may take to renew this connection's token


@dataclass(frozen=True, slots=True)
class StoredVault:
    """One connection's credentials in the store."""

    store: Store
    name: str

    async def load(self) -> Credentials:
        """Read the credentials as they are stored now."""
        connection = await self.store.connection(self.name)
        return credentials_of(connection, self.store.decrypted(connection))

    async def save(self, credentials: Credentials) -> None:
        """Store the credentials in one transaction."""
        columns = columns_of(credentials)
        columns["status"], columns["status_reason"] = "ready", ""
        await self.store.update_connection(self.name, secrets=secrets_of(credentials), **columns)

    async def refused(self, reason: str) -> None:
        """Note that the connection needs to be signed in again."""
        await self.store.update_connection(self.name, status="needs sign-in", status_reason=reason)

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        """Keep every other renewal of this connection out, in this process and in others."""
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self.store.lock(f"token {self.name}", timeout=_RENEWAL_TIMEOUT))
            except AlreadyRunning as held:
                problem = TransientProblem(
                    f"Another process has been renewing the token of {self.name} for {_RENEWAL_TIMEOUT:.0f} seconds.",
                    "Run it again; where it stays so, look for a process of orgsync that hangs.",
                )
                problem.retried = True
                raise problem from held
            yield


@dataclass(frozen=True, slots=True)
class StoredCopy:
    """One connection's rows in the store, and what a sync has seen of the org's.

    `tables` names, for streams whose rows a script keeps in another class's table, that table. `written` are the
    tables that the sync is known to write, none where nobody knows: other classes' own tables are left alone.
    """

    store: Store
    name: str
    sync: str = ""
    tables: Mapping[str, str] = field(default_factory=dict[str, str])
    written: Collection[str] = ()

    async def live_among(self, schema: Schema, ids: Sequence[str]) -> list[str]:
        """Name those of the Ids that have a live row in the copy."""
        return await self.store.live_among(await self._table(schema), self.name, ids)

    async def live_count(self, schema: Schema) -> int:
        """Count the live rows."""
        return await self.store.live_count(await self._table(schema), self.name)

    async def last_change(self) -> int:
        """Tell the number of the last change made in the store."""
        return await self.store.last_change()

    async def mark_seen(self, schema: Schema, ids: Sequence[str]) -> None:
        """Note that the org has these Ids."""
        await self.store.mark_seen(self.name, self._owner(schema), ids)

    async def unseen(self, schema: Schema, *, after: str, limit: int, upto_seq: int) -> list[str]:
        """Name the next live rows that were not met; none that changed after the number `upto_seq`."""
        table, owner = await self._table(schema), self._owner(schema)
        return await self.store.unseen(table, self.name, owner, after=after, limit=limit, upto_seq=upto_seq)

    async def unknown(self, schema: Schema, *, after: str, limit: int) -> list[str]:
        """Name the next Ids that were met and have no live row."""
        table = await self._table(schema)
        return await self.store.unknown(table, self.name, self._owner(schema), after=after, limit=limit)

    async def clear_seen(self, schema: Schema) -> None:
        """Forget which Ids were met."""
        await self.store.clear_seen(self.name, self._owner(schema))

    async def _table(self, schema: Schema) -> str:
        """Name the table that holds the rows of a class, made if the sync writes it."""
        table = self.tables.get(schema.table, schema.table)
        if table == schema.table and (not self.written or table in self.written):
            await self.store.prepare(schema)
        return table

    def _owner(self, schema: Schema) -> str:
        return f"{self.sync} {schema.table}"


def credentials_of(connection: Connection, secrets: dict[str, Any]) -> Credentials:
    """Put a connection's columns and its secrets together."""
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
    """Name what is encrypted: the secret parts, what assertions are made with, and what a token's answer said of it."""
    beside = {
        "audience": credentials.audience,
        "issued_at": to_stored(credentials.issued_at) if credentials.issued_at else None,
        "lifetime": credentials.lifetime,
        "api_instance_url": credentials.api_instance_url,
    }
    return {**credentials.secrets(), **beside}


def columns_of(credentials: Credentials) -> ConnectionColumns:
    """Name what is not: where the connection leads, and as whom."""
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
