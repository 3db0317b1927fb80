"""Giving up what a sync has copied: its tables or one connection's rows of them, its checkpoints and seen Ids."""

from collections.abc import Mapping
from dataclasses import dataclass

from orgsync.records import to_stored

from . import ownership
from .model import PROCESS_DIED, utc_now
from .names import unknown
from .sqlite import control_sql, row_sql
from .sqlite.driver import Statements
from .tables import record_tables

__all__ = ["SyncCopy", "copy_of", "give_up"]


@dataclass(frozen=True, slots=True)
class SyncCopy:
    """What the store holds of a sync: the rows of each table that it owns, deleted ones too, and its checkpoints.

    `connection` is the one that this is about, None for all.
    """

    sync: str
    connection: str | None
    rows: Mapping[str, int]
    checkpoints: int

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to give up."""
        return not any(self.rows.values()) and not self.checkpoints and (self.connection is not None or not self.rows)


async def copy_of(on: Statements, sync: str, connection: str | None) -> SyncCopy:
    """Count what a sync has, by its name in the store, so that its script need not be there.

    Raises ConfigurationInvalid, with the nearest name, for a sync that the store does not know, and for a connection
    that neither exists nor has left rows.
    """
    names = [name for (name,) in await on.fetch(control_sql.SYNC_NAMES)]
    if sync not in names:
        none_yet = "Nothing was run yet, so there is nothing to reset."
        raise unknown("sync in the database", sync, names, none_yet=none_yet, database=await on.file())
    there = await record_tables(on)
    owned = [table for table, owner in (await ownership.owners(on)).items() if owner == sync]
    rows: dict[str, int] = {}
    for table in owned:
        found = [each for each in there if each.lower() == table.lower()]
        rows[table] = await _count(on, found[0], connection) if found else 0
    streams = await on.fetch(control_sql.STREAMS_OF, (sync, connection))
    copy = SyncCopy(sync, connection, rows, len(streams))
    if connection is not None and copy.is_empty:
        await _require_connection(on, connection)
    return copy


async def give_up(on: Statements, copy: SyncCopy) -> None:
    """Delete it, in a transaction in which nobody holds a lease of the sync."""
    of = copy.sync, copy.connection
    streams = [stream for (stream,) in await on.fetch(control_sql.STREAMS_OF, of)]
    for table in dict.fromkeys([*streams, *copy.rows, *await record_tables(on)]):
        await on.fetch(control_sql.DELETE_MET, (f"{copy.sync} {table}", copy.connection))
    await on.fetch(control_sql.DELETE_CHECKPOINTS, of)
    await on.fetch(control_sql.FAIL_RUNS_OF, (PROCESS_DIED, to_stored(utc_now()), *of))
    there = {table.lower() for table in await record_tables(on)}
    for table in copy.rows:
        if copy.connection is None:
            await on.fetch(row_sql.drop(table))
            await on.fetch(control_sql.DISOWN_TABLE, (table,))
        elif table.lower() in there:
            await on.fetch(row_sql.delete_owner(table), (copy.connection,))


async def _count(on: Statements, table: str, connection: str | None) -> int:
    [(rows,)] = await on.fetch(row_sql.count_rows(table), (connection,))
    return int(rows)


async def _require_connection(on: Statements, name: str) -> None:
    names = [each for (each,) in await on.fetch(control_sql.CONNECTION_NAMES)]
    if name not in names:
        none_yet = f"Make it with `orgsync connect {name}`."
        raise unknown("connection", name, names, none_yet=none_yet, database=await on.file())
