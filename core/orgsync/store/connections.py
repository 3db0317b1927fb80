"""Connections: kept, changed, renamed and removed, together with everything that bears their name."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from sqlmodel import col, delete, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.errors import ConfigurationInvalid
from orgsync.records import parse_instant

from . import leases
from .model import Checkpoint, Connection, ConnectionStatus, Environment, Run, SeenId, utc_now
from .names import unknown
from .sqlite import control_sql, row_sql
from .sqlite.driver import Statements
from .tables import record_tables
from .vault import Vault

__all__ = ["ConnectionColumns", "change", "listed", "named", "remove", "rename", "save"]

_OURS = {"name", "secrets", "created_at", "updated_at"}


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
    details: dict[str, Any]
    tags: list[str]


async def listed(session: AsyncSession) -> Sequence[Connection]:
    """Read every connection, by name."""
    return (await session.exec(select(Connection).order_by(Connection.name))).all()


async def named(on: Statements, name: str) -> Connection:
    """Read one connection; raises ConfigurationInvalid, with the nearest name, for one that does not exist."""
    found = await on.fetch(control_sql.CONNECTION, (name,))
    if not found:
        names = await on.fetch(control_sql.CONNECTION_NAMES)
        none_yet = f"Make it with `orgsync connect {name}`."
        raise unknown("connection", name, [each for (each,) in names], none_yet=none_yet, database=await on.file())
    values = dict(zip(control_sql.CONNECTION_COLUMNS, found[0], strict=True))
    values["details"], values["tags"] = json.loads(values.pop("metadata")), json.loads(values["tags"])
    for instant in ("created_at", "updated_at"):
        values[instant] = parse_instant(values[instant])
    return Connection(**values)


async def _known(session: AsyncSession, name: str) -> Connection:
    found = await session.get(Connection, name)
    return await named(await Statements.on(await session.connection()), name) if found is None else found


async def save(session: AsyncSession, given: Connection, encrypted: bytes) -> Connection:
    """Insert or replace a connection; the day it was made stays."""
    values = {name: getattr(given, name) for name in Connection.model_fields if name not in _OURS}
    now = utc_now()
    old = await session.get(Connection, given.name)
    made = now if old is None else old.created_at
    return await session.merge(
        Connection(name=given.name, secrets=encrypted, created_at=made, updated_at=now, **values)
    )


async def change(session: AsyncSession, name: str, columns: Mapping[str, Any], encrypted: bytes | None) -> Connection:
    """Change some of a connection's columns, and its credentials where there are new ones."""
    found = await _known(session, name)
    if odd := set(columns) - ConnectionColumns.__annotations__.keys():
        raise TypeError(f"a connection has no {', '.join(sorted(odd))} to change")
    for column, value in columns.items():
        setattr(found, column, value)
    found.secrets = found.secrets if encrypted is None else encrypted
    found.updated_at = utc_now()
    session.add(found)
    return found


async def rename(session: AsyncSession, vault: Vault, old: str, new: str) -> None:
    """Give a connection another name, in every table that bears it."""
    found = await _known(session, old)
    on = await Statements.on(await session.connection())
    tables = await record_tables(on)
    if await session.get(Connection, new) is not None or await _has_rows(on, tables, new):
        raise ConfigurationInvalid(
            f"The name {new!r} is taken by a connection or by rows that one has left.", "Choose another name."
        )
    encrypted = vault.encrypt(new, vault.decrypt(old, found.secrets)) if found.secrets else b""
    await session.exec(
        update(Connection).where(col(Connection.name) == old).values(name=new, secrets=encrypted, updated_at=utc_now())
    )
    await session.exec(update(Checkpoint).where(col(Checkpoint.connection) == old).values(connection=new))
    await session.exec(update(Run).where(col(Run.connection) == old).values(connection=new))
    await session.exec(update(SeenId).where(col(SeenId.connection) == old).values(connection=new))
    await leases.revoke(on, old)
    for table in tables:
        await on.fetch(row_sql.rename_owner(table), (new, old))


async def _has_rows(on: Statements, tables: Sequence[str], name: str) -> bool:
    for table in tables:
        if await on.fetch(row_sql.has_owner(table), (name,)):
            return True
    return False


async def remove(session: AsyncSession, name: str, *, keep_rows: bool) -> None:
    """Remove a connection and its checkpoints; with them its runs and rows, unless they are kept."""
    found = await _known(session, name)
    on = await Statements.on(await session.connection())
    await session.delete(found)
    await session.exec(delete(Checkpoint).where(col(Checkpoint.connection) == name))
    await session.exec(delete(SeenId).where(col(SeenId.connection) == name))
    await leases.revoke(on, name)
    if keep_rows:
        return
    await session.exec(delete(Run).where(col(Run.connection) == name))
    for table in await record_tables(on):
        await on.fetch(row_sql.delete_owner(table), (name,))
