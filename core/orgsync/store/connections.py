"""Connections: saved, changed, renamed and removed, together with everything that bears their name."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from secrets import token_hex
from typing import Any, TypedDict, Unpack

from orgsync.errors import KeyUnusable, NameTaken, NameUnknown
from orgsync.suggest import nearest

from .alerts import AlertChange, clear_alert, clear_alerts_of, log_alerts, raise_alert, sign_in_message
from .backend import Backend, Transaction, repeatable
from .connect_sessions import finish_session
from .keys import require_key
from .messages import tell, tell_connection
from .model import Connection, Environment
from .statuses import ConnectionStatus
from .vault import Vault

__all__ = ["ConnectionColumns", "Connections", "require_connection"]

_MASKING = "masking"
"""Where the masking key is among a connection's secrets."""


class ConnectionColumns(TypedDict, total=False):
    """What may change of a connection."""

    environment: Environment
    login_url: str
    instance_url: str
    org_id: str
    user_id: str
    username: str
    grant: str
    client_id: str
    scope: str
    api_version: str
    status: ConnectionStatus
    status_reason: str
    metadata_: dict[str, Any]
    tags: list[str]
    mapping: list[dict[str, Any]]


class Connections:
    """The connections of one open store, with their credentials. Each change is one transaction, on the disk."""

    def __init__(self, backend: Backend, vault: Vault) -> None:
        self._backend = backend
        self._vault = vault
        self._logged = set[str]()

    def take_logged(self) -> set[str]:
        """Return, and forget, which connections were logged here, as an alert, to need a sign-in."""
        logged, self._logged = self._logged, set[str]()
        return logged

    async def get(self, name: str) -> Connection:
        """Read one connection; raises NameUnknown, with the nearest name, for one that does not exist."""
        async with self._backend.reading() as on:
            return await require_connection(on, name)

    async def save(
        self, connection: Connection, secrets: Mapping[str, Any], *, session: str | None = None
    ) -> Connection:
        """Insert or replace a connection and its credentials; the first ever makes the key file.

        `session` is the connect session that this finishes, in the same transaction; raises ConnectSessionEnded, with
        nothing stored, where that has ended meanwhile.
        """
        await self.require_key()
        async with self._backend.writing(durable=True) as on:
            found = await on.connections.get(connection.name)
            encrypted = self._encrypted(connection, secrets, found)
            saved = await on.connections.save(_changed(connection, {"secrets": encrypted}))
            changes: Sequence[AlertChange] = ()
            if found is None:
                await tell_connection(on, "connection.added", saved)
            else:
                changes = await _tell_status(on, found, saved)
            if session is not None:
                await finish_session(on, session, saved)
        log_alerts(changes)
        return saved

    async def update(
        self,
        name: str,
        *,
        secrets: Mapping[str, Any] | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        expected: Callable[[Connection], bool] | None = None,
        **columns: Unpack[ConnectionColumns],
    ) -> Connection:
        """Change some of a connection's columns, and its credentials where they are given; return it as it is then.

        Nothing is changed where the connection, as it is in the same transaction, is not `expected`.
        Tags are added and removed in the same transaction. Raises NameUnknown, with the nearest tag, for one to remove
        that it does not have; then nothing is changed.
        """
        if odd := columns.keys() - ConnectionColumns.__annotations__.keys():
            raise TypeError(f"a connection has no {', '.join(sorted(odd))} to change")

        async def change(on: Transaction) -> tuple[Connection, Sequence[AlertChange]]:
            changed: dict[str, Any] = {**columns}
            found = await require_connection(on, name)
            if expected is not None and not expected(found):
                return found, ()
            if secrets is not None:
                changed["secrets"] = self._encrypted(found, secrets, found)
            if add_tags or remove_tags:
                changed["tags"] = _retagged(found, add_tags, remove_tags)
            saved = await on.connections.save(_changed(found, changed))
            return saved, await _tell_status(on, found, saved)

        async def is_done(on: Transaction, done: tuple[Connection, Sequence[AlertChange]]) -> bool:
            kept = await on.connections.get(name)
            return kept is not None and _values(kept) == _values(done[0])

        saved, changes = await self._backend.write(change, durable=True, is_done=is_done)
        log_alerts(changes)
        self._logged.update(each.alert.connection for each in changes if each.raised)
        return saved

    async def rename(self, old: str, new: str) -> None:
        """Rename a connection, in its rows, runs and checkpoints too; its runs lose their leases.

        Raises NameTaken for a name that a connection has, or rows that one has left.
        """
        async with self._backend.writing(durable=True) as on:
            found = await require_connection(on, old)
            tables = await on.tables.list()
            if await on.connections.get(new) is not None or await _has_rows(on, tables, new):
                raise NameTaken(
                    f"The name {new!r} is used by a connection, or by rows that a removed one has left.",
                    "Choose another name.",
                )
            secrets = self._vault.encrypt(new, self._vault.decrypt(old, found.secrets)) if found.secrets else b""
            await on.connections.rename(old, new)
            await on.connections.save(_changed(found, {"name": new, "secrets": secrets}))
            await on.leases.revoke(connection=old)
            await tell(on, "connection.renamed", new, {"connection": new, "old_name": old})
            for table in tables:
                await on.rows.rename(table, old, new)

    async def remove(self, name: str, *, keep_rows: bool = False) -> None:
        """Remove a connection and its checkpoints; with them its runs and rows, unless they are kept."""
        async with self._backend.writing(durable=True) as on:
            found = await require_connection(on, name)
            changes = await clear_alerts_of(on, name)
            await tell_connection(on, "connection.removed", found, rows_kept=keep_rows)
            await on.connections.remove(name, runs=not keep_rows)
            await on.leases.revoke(connection=name)
            tables: Sequence[str] = () if keep_rows else await on.tables.list()
            for table in tables:
                await on.rows.remove(table, name)
        log_alerts(changes)

    async def secrets(self, name: str) -> dict[str, Any]:
        """Decrypt a connection's credentials; raises KeyUnusable when the key is missing or another."""
        return self.decrypt(await self.get(name))

    def decrypt(self, connection: Connection) -> dict[str, Any]:
        """Decrypt the credentials of a connection that has been read; raises as `secrets` does."""
        decrypted = self._vault.decrypt(connection.name, connection.secrets)
        return {name: value for name, value in decrypted.items() if name != _MASKING}

    async def masking_key(self, name: str, *, known: Connection | None = None) -> bytes:
        """Return the key that a connection's columns are masked with; the first call makes it.

        It is random, and encrypted together with the credentials. So it stays when the key of the vault is exchanged,
        and when the connection is renamed or signed in again. `known` is the connection where it has been read. Raises
        KeyUnusable as `secrets` does.
        """
        found = known or await self.get(name)
        key = self._vault.decrypt(name, found.secrets).get(_MASKING)
        if key is None:
            await self.require_key()

            async def make(on: Transaction) -> bytes:
                found = await require_connection(on, name)
                encrypted = self._encrypted(found, self.decrypt(found), found)
                await on.connections.save(_changed(found, {"secrets": encrypted}))
                return encrypted

            encrypted = await self._backend.write(make, durable=True, is_done=repeatable)  # which keeps a key once made
            key = self._vault.decrypt(name, encrypted)[_MASKING]
        return bytes.fromhex(key)

    def _encrypted(self, connection: Connection, secrets: Mapping[str, Any], before: Connection | None) -> bytes:
        """Encrypt credentials together with the masking key that the connection has, or a new one.

        Where the vault's key is lost, so is the masking key: the new one makes other hashes, and what is masked is
        read again.
        """
        key = None
        if before is not None:
            with suppress(KeyUnusable):
                key = self._vault.decrypt(before.name, before.secrets).get(_MASKING)
        return self._vault.encrypt(connection.name, {**secrets, _MASKING: key or token_hex(32)})

    async def require_key(self) -> None:
        """Make the key file unless there is a key; raises KeyUnusable for an unusable key, and on a host that lacks it.

        Call it before a person signs in, so that they do not sign in for nothing.
        """
        await require_key(self._backend, self._vault)

    async def list(self) -> Sequence[Connection]:
        """Read every connection, by name."""
        async with self._backend.reading() as on:
            return await on.connections.list()


async def require_connection(on: Transaction, name: str) -> Connection:
    """Read a connection; raises NameUnknown, with the nearest name, for one that does not exist."""
    found = await on.connections.get(name)
    if found is None:
        names = [each.name for each in await on.connections.list()]
        none_yet = f"Create it: orgsync connect {name}."
        raise NameUnknown.among("connection", name, names, none_yet=none_yet, database=on.database)
    return found


async def _tell_status(on: Transaction, before: Connection, now: Connection) -> Sequence[AlertChange]:
    """Tell that a connection has come to need a sign-in, or is ready again, and raise or clear the alert of it."""
    if before.status == now.status:
        return ()
    if now.status == "ready":
        await tell_connection(on, "connection.ready", now)
        change = await clear_alert(on, "sign_in_needed", now.name, "")
    else:
        await tell_connection(on, "connection.needs_sign_in", now, reason=now.status_reason)
        change = await raise_alert(on, "sign_in_needed", now.name, "", sign_in_message(now.name, now.status_reason))
    return [change] if change else []


def _changed(connection: Connection, values: Mapping[str, Any]) -> Connection:
    return Connection(**{**_values(connection), **values})


def _values(connection: Connection) -> dict[str, Any]:
    return {name: getattr(connection, name) for name in Connection.model_fields}


def _retagged(connection: Connection, add: Sequence[str], remove: Sequence[str]) -> list[str]:
    for tag in remove:
        if tag not in connection.tags:
            near = nearest(tag, connection.tags)
            raise NameUnknown(
                f"{connection.name} has no tag {tag!r}{f'; did you mean {near!r}?' if near else '.'}",
                f"Its tags: {', '.join(connection.tags)}." if connection.tags else "It has no tags.",
            )
    return [*dict.fromkeys([*(tag for tag in connection.tags if tag not in remove), *add])]


async def _has_rows(on: Transaction, tables: Sequence[str], connection: str) -> bool:
    for table in tables:
        if await on.tables.has_rows(table, connection):
            return True
    return False
