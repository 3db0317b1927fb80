"""The tables of connections and of sign-ins."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from orgsync.records import parse_instant, to_stored

from ..model import Connection
from . import control_sql
from .driver import Statements

__all__ = ["ConnectionTable", "SignInTable"]


class ConnectionTable:
    """The connections, and whatever in the control tables bears their name."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def get(self, name: str) -> Connection | None:
        found = await self._on.fetch(control_sql.CONNECTION, (name,))
        return _connection(found[0]) if found else None

    async def save(self, connection: Connection) -> Connection:
        now = self._now()
        values = {name: getattr(connection, name) for name in Connection.model_fields}
        values |= {"created_at": to_stored(now), "updated_at": to_stored(now)}
        values |= {"metadata": json.dumps(values.pop("metadata_")), "tags": json.dumps(values["tags"])}
        values["mapping"] = json.dumps(values["mapping"])
        [saved] = await self._on.fetch(
            control_sql.SAVE_CONNECTION, [values[name] for name in control_sql.CONNECTION_COLUMNS]
        )
        return _connection(saved)

    async def rename(self, old: str, new: str) -> None:
        await self._on.fetch(control_sql.RENAME_CONNECTION, (new, to_stored(self._now()), old))
        for statement in control_sql.RENAME_IN_CONTROL_TABLES:
            await self._on.fetch(statement, (new, old))

    async def remove(self, name: str, *, runs: bool) -> None:
        for statement in control_sql.REMOVE_CONNECTION:
            await self._on.fetch(statement, (name,))
        if runs:
            await self._on.fetch(control_sql.REMOVE_RUNS_OF_CONNECTION, (name,))

    async def list(self) -> Sequence[Connection]:
        return [_connection(row) for row in await self._on.fetch(control_sql.CONNECTIONS)]

    async def keep_unchanged(self) -> None:
        """Do nothing: one transaction writes at a time."""

    async def replace_secrets(self, name: str, secrets: bytes) -> None:
        await self._on.fetch(control_sql.REPLACE_SECRETS, (secrets, name))


def _connection(row: Sequence[Any]) -> Connection:
    values = dict(zip(control_sql.CONNECTION_COLUMNS, row, strict=True))
    values["metadata_"], values["tags"] = json.loads(values.pop("metadata")), json.loads(values["tags"])
    values["mapping"] = json.loads(values["mapping"])
    for instant in ("created_at", "updated_at"):
        values[instant] = parse_instant(values[instant])
    return Connection(**values)


class SignInTable:
    """Sign-ins that have begun in a browser."""

    def __init__(self, on: Statements, now: Callable[[], datetime]) -> None:
        self._on = on
        self._now = now

    async def save(self, key: str, secrets: bytes) -> None:
        await self._on.fetch(control_sql.SAVE_SIGN_IN, (key, secrets, to_stored(self._now())))

    async def take(self, key: str, *, ttl: timedelta) -> bytes | None:
        taken = await self._on.fetch(control_sql.TAKE_SIGN_IN, (key, to_stored(self._now() - ttl)))
        return taken[0][0] if taken else None

    async def remove_expired(self, ttl: timedelta) -> None:
        await self._on.fetch(control_sql.REMOVE_EXPIRED_SIGN_INS, (to_stored(self._now() - ttl),))

    async def list(self) -> Sequence[tuple[str, bytes]]:
        return [(key, secrets) for key, secrets in await self._on.fetch(control_sql.SIGN_INS)]

    async def replace_secrets(self, key: str, secrets: bytes) -> None:
        await self._on.fetch(control_sql.REPLACE_SECRETS_OF_SIGN_IN, (secrets, key))
