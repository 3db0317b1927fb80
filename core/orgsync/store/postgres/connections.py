"""The tables of connections and of sign-ins."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ..model import Connection
from . import control_sql
from .driver import Statements
from .stored import instants_in_utc

__all__ = ["ConnectionTable", "SignInTable"]


class ConnectionTable:
    """The connections, and whatever in the control tables bears their name."""

    def __init__(self, on: Statements, *, writes: bool) -> None:
        self._on = on
        self._writes = writes

    async def get(self, name: str) -> Connection | None:
        # What is written goes by what is read here: nobody else changes the connection, or makes one, meanwhile.
        if self._writes:
            await self._on.fetch(control_sql.TURN, (f"connection {name}",))
        sql = f"{control_sql.CONNECTION} FOR UPDATE" if self._writes else control_sql.CONNECTION
        found = await self._on.fetch(sql, (name,))
        return _connection(found[0]) if found else None

    async def save(self, connection: Connection) -> Connection:
        values = {name: getattr(connection, name) for name in Connection.model_fields}
        values["metadata"] = values.pop("metadata_")
        given = [_parameter(values[name]) for name in control_sql.GIVEN_CONNECTION]
        [saved] = await self._on.fetch(control_sql.SAVE_CONNECTION, given)
        return _connection(saved)

    async def rename(self, old: str, new: str) -> None:
        await self._on.fetch(
            control_sql.LOCK_LEASES, (old,)
        )  # a batch that is being committed is renamed with the rest
        await self._on.fetch(control_sql.RENAME_CONNECTION, (new, old))
        for statement in control_sql.RENAME_IN_CONTROL_TABLES:
            await self._on.fetch(statement, (new, old))

    async def remove(self, name: str, *, runs: bool) -> None:
        await self._on.fetch(control_sql.LOCK_LEASES, (name,))
        for statement in control_sql.REMOVE_CONNECTION:
            await self._on.fetch(statement, (name,))
        if runs:
            await self._on.fetch(control_sql.REMOVE_RUNS_OF_CONNECTION, (name,))

    async def list(self) -> Sequence[Connection]:
        return [_connection(row) for row in await self._on.fetch(control_sql.CONNECTIONS)]

    async def keep_unchanged(self) -> None:
        await self._on.fetch(control_sql.KEEP_SECRETS)

    async def replace_secrets(self, name: str, secrets: bytes) -> None:
        await self._on.fetch(control_sql.REPLACE_SECRETS, (secrets, name))


def _parameter(value: Any) -> Any:
    """Return a value as a parameter: what is JSON as its text."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def _connection(row: Sequence[Any]) -> Connection:
    values = dict(zip(control_sql.CONNECTION_COLUMNS, instants_in_utc(row), strict=True))
    values["metadata_"] = values.pop("metadata")
    return Connection(**values)


class SignInTable:
    """Sign-ins that have begun in a browser."""

    def __init__(self, on: Statements) -> None:
        self._on = on

    async def save(self, key: str, secrets: bytes) -> None:
        await self._on.fetch(control_sql.SAVE_SIGN_IN, (key, secrets))

    async def take(self, key: str, *, ttl: timedelta) -> bytes | None:
        taken = await self._on.fetch(control_sql.TAKE_SIGN_IN, (key, ttl))
        return bytes(taken[0][0]) if taken else None

    async def remove_expired(self, ttl: timedelta) -> None:
        await self._on.fetch(control_sql.REMOVE_EXPIRED_SIGN_INS, (ttl,))

    async def list(self) -> Sequence[tuple[str, bytes]]:
        return [(key, bytes(secrets)) for key, secrets in await self._on.fetch(control_sql.SIGN_INS)]

    async def replace_secrets(self, key: str, secrets: bytes) -> None:
        await self._on.fetch(control_sql.REPLACE_SECRETS_OF_SIGN_IN, (secrets, key))
