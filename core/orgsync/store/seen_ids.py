"""The ids that a pass has met in the org, kept until what it did not meet has been marked deleted.

They are in the database, so that a pass over any number of rows needs little memory and goes on after a kill.
"""

import json
from collections.abc import Sequence

from .sqlite import control_sql, row_sql
from .sqlite.driver import Statements

__all__ = ["all_met", "forget_some", "mark_seen", "unknown", "unseen"]

_FORGOTTEN_AT_ONCE = 50_000


async def mark_seen(on: Statements, connection: str, owner: str, ids: Sequence[str]) -> None:
    """Keep ids; those that are known stay."""
    await on.fetch(control_sql.MEET, (connection, owner, json.dumps(list(ids))))


async def unseen(
    on: Statements, table: str, connection: str, owner: str, *, after: str, limit: int, upto_seq: int
) -> list[str]:
    """List ids of live rows that were not met, among rows numbered up to `upto_seq`."""
    found = await on.fetch(row_sql.unseen(table), (connection, after, upto_seq, owner, limit))
    return [each for (each,) in found]


async def unknown(on: Statements, table: str, connection: str, owner: str, *, after: str, limit: int) -> list[str]:
    """List met ids without a live row."""
    return [each for (each,) in await on.fetch(row_sql.unknown(table), (connection, owner, after, limit))]


async def all_met(on: Statements, connection: str, owner: str, *, after: str, limit: int) -> list[str]:
    """List met ids, where no table holds rows yet."""
    return [each for (each,) in await on.fetch(control_sql.MET_AFTER, (connection, owner, after, limit))]


async def forget_some(on: Statements, connection: str, owner: str) -> bool:
    """Forget so many ids as one short transaction takes; tell whether any were left to forget."""
    return (
        await on.change_many(control_sql.FORGET_MET, [(connection, owner, connection, owner, _FORGOTTEN_AT_ONCE)]) > 0
    )
