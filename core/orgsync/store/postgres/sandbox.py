"""A temporary copy of a whole schema, in another schema of the same database.

A transaction that is rolled back at the end would not do: a run commits many, reads between them by other connections,
and what it wrote has to be looked at afterwards. The copy's tables are not logged, so that it costs less than the rows
themselves did. A copy whose process died is dropped by the next one.
"""
# ruff: noqa: S608 # every name is quoted

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from . import control_sql, feed_sql, table_sql
from .address import Address
from .driver import Statements, connect
from .errors import errors_explained
from .table_sql import quoted

__all__ = ["copy"]

_PREFIX = "orgsync_copy_"
_TABLES = (
    "SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace "
    r"AND relkind = 'r' AND relname LIKE 'orgsync\_%'"
)
_LEFT = (  # other projects' in the database may be of roles that this one is no member of
    r"SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname LIKE 'orgsync\_copy\_%' "
    "AND pg_catalog.pg_has_role(nspowner, 'USAGE')"
)
_HOLD = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_LET_GO = "SELECT pg_advisory_unlock(hashtextextended(%s, 0))"


@asynccontextmanager
async def copy(at: Address) -> AsyncGenerator[Address]:
    """Copy one state of the database's current schema; the copy is dropped after the block.

    Raises StoreUnavailable where this role may not make a schema, or there is no room.
    """
    with errors_explained(at):
        on = Statements(await connect(at, writes=True))
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    try:
        with errors_explained(at, makes_schema=True):
            await _drop_those_left(on)
            await on.fetch(_HOLD, (name,))
            await on.fetch("BEGIN ISOLATION LEVEL REPEATABLE READ")
            await _copy(on, name)
            await on.driver.commit()
        yield at.with_schema(name)
    finally:
        with anyio.CancelScope(shield=True), errors_explained(at):
            if not on.driver.closed:
                await on.driver.rollback()
                await on.fetch(f"DROP SCHEMA IF EXISTS {name} CASCADE")
                await on.driver.close()


async def _copy(on: Statements, name: str) -> None:
    records = [table for (table,) in await on.fetch(table_sql.RECORD_TABLES)]
    control = [table for (table,) in await on.fetch(_TABLES.replace("%", "%%"))]
    [(own,)] = await on.fetch("SELECT current_schema()::text")
    await on.fetch(f"CREATE SCHEMA {name}")
    for table in [*control, *records]:
        await on.fetch(
            f"CREATE UNLOGGED TABLE {name}.{quoted(table)} (LIKE {quoted(own)}.{quoted(table)} INCLUDING ALL)"
        )
        await on.fetch(f"INSERT INTO {name}.{quoted(table)} SELECT * FROM {quoted(own)}.{quoted(table)}")
    # A default that takes numbers from the original's sequence would move that one on.
    for table in ("orgsync_job", "orgsync_run", "orgsync_write", "orgsync_webhook_delivery"):
        sequence = f"{name}.{table}_id_seq"
        await on.fetch(f"CREATE SEQUENCE {sequence} OWNED BY {name}.{table}.id")
        await on.fetch(f"SELECT setval('{sequence}', coalesce((SELECT max(id) FROM {name}.{table}), 0) + 1, false)")
        await on.fetch(f"ALTER TABLE {name}.{table} ALTER COLUMN id SET DEFAULT nextval('{sequence}')")
    await on.fetch(f"SET LOCAL search_path = {name}")
    await on.fetch(control_sql.FREE_LEASES)
    for table in records:
        for statement in _as_records(table, dict(await on.fetch(table_sql.COLUMNS, (table,))), await _index(on, table)):
            await on.fetch(statement)


def _as_records(table: str, columns: dict[str, str], copied_index: str | None) -> list[str]:
    """Return the statements that make a copied table one of records: its index under its own name, and its feed."""
    statement = feed_sql.create_view(table, columns)
    named = table_sql.index_of_changes(table)
    renamed = (
        [f"ALTER INDEX {quoted(copied_index)} RENAME TO {quoted(named)}"] if copied_index not in (None, named) else []
    )
    return [
        *(each for each in renamed),
        f"COMMENT ON INDEX {quoted(named)} IS 'orgsync'",
        statement,
        feed_sql.note_digest(table, feed_sql.digest_of(statement)),
    ]


async def _index(on: Statements, table: str) -> str | None:
    """Return the name of the index on the numbers of changes, which the copy may have named anew."""
    sql = (
        "SELECT i.relname FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_class AS i ON i.oid = x.indexrelid "
        "JOIN pg_catalog.pg_class AS c ON c.oid = x.indrelid "
        "JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] "
        "WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = %s AND x.indnatts = 1 "
        "AND a.attname = 'sync_number'"
    )
    found = await on.fetch(sql, (table,))
    return found[0][0] if found else None


async def _drop_those_left(on: Statements) -> None:
    """Drop copies whose processes have died: nobody holds their lock."""
    for (name,) in await on.fetch(_LEFT.replace("%", "%%")):
        if (await on.fetch(_HOLD, (name,)))[0][0]:
            await on.fetch(f"DROP SCHEMA IF EXISTS {quoted(name)} CASCADE")
            await on.fetch(_LET_GO, (name,))
