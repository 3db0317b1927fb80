"""Numbers that go on growing after a database was restored into a server that has counted fewer transactions."""
# ruff: noqa: S608 # every name is quoted

from . import table_sql
from .driver import Statements
from .feed_sql import PLACE_BITS

__all__ = ["go_on_above", "is_due"]

_AHEAD = "(pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint + value)"
"""What no transaction's number so far may have in its upper bits."""


async def is_due(on: Statements) -> bool:
    """Return whether a number has been given that this server has not reached yet."""
    highest = await _highest(on)
    [(ahead,)] = await on.fetch(f"SELECT {_AHEAD} FROM orgsync_sequence WHERE name = 'change'")
    return highest >> PLACE_BITS >= int(ahead)


async def go_on_above(on: Statements) -> None:
    """Add to the ids of transactions what takes them above every number that was given."""
    highest = await _highest(on)
    sql = f"UPDATE orgsync_sequence SET value = value + %s + 1 - {_AHEAD} WHERE name = 'change' AND %s >= {_AHEAD}"
    await on.fetch(sql, (highest >> PLACE_BITS, highest >> PLACE_BITS))


async def _highest(on: Statements) -> int:
    """Return the highest number that any row, or any event of a discarded copy, has."""
    tables = [name for (name,) in await on.fetch(table_sql.RECORD_TABLES)]
    parts = [f"SELECT max(sync_number) AS number FROM {table_sql.quoted(table)}" for table in tables]
    every = " UNION ALL ".join([*parts, "SELECT max(number) AS number FROM orgsync_cleared"])
    [(found,)] = await on.fetch(f"SELECT coalesce(max(number), 0) FROM ({every}) AS given", prepare=False)
    return int(found)
