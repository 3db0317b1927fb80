"""Reset of a sync: its tables or one connection's rows in them, its checkpoints and seen Ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orgsync.errors import NameUnknown, ProcessDied

from .alerts import AlertChange, clear_alert, note_run_end
from .backend import Transaction
from .unknown_names import require_sync

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
        """Return whether there is nothing to discard."""
        return not any(self.rows.values()) and not self.checkpoints and (self.connection is not None or not self.rows)


async def copy_of(on: Transaction, sync: str, connection: str | None) -> SyncCopy:
    """Count what a sync has, by its name in the store, so that its script is not needed.

    Raises NameUnknown, with the nearest name, for a sync that the store does not know, and for a connection
    that neither exists nor has left rows.
    """
    names = await on.owners.syncs()
    require_sync(sync, names, on.database)
    there = await on.tables.list()
    owned = [table for table, owner in (await on.owners.get()).items() if owner == sync]
    rows: dict[str, int] = {}
    for table in owned:
        found = [each for each in there if each.lower() == table.lower()]
        rows[table] = await on.rows.count(found[0], connection) if found else 0
    copy = SyncCopy(sync, connection, rows, len(await on.checkpoints.streams(sync, connection)))
    if connection is not None and copy.is_empty:
        await _require_connection(on, connection)
    return copy


async def give_up(on: Transaction, copy: SyncCopy) -> Sequence[AlertChange]:
    """Delete what was counted, in a transaction in which nobody holds a lease of the sync; return alerts that end.

    What is kept of how the sync stands goes too, by which those who read its runs know that it was reset.
    """
    sync, connection = copy.sync, copy.connection
    there = await on.tables.list()
    streams = await on.checkpoints.streams(sync, connection)
    for table in dict.fromkeys([*streams, *copy.rows, *there]):
        await on.seen_ids.remove(f"{sync} {table}", connection)
    await on.checkpoints.remove(sync, connection)
    for dead in await on.runs.fail(sync, connection, ProcessDied("What it had committed was discarded by a reset.")):
        await note_run_end(on, dead)
    await on.health.remove_standings(sync, connection)
    folded = {table.lower() for table in there}
    for table in copy.rows:
        if connection is None:
            await on.tables.drop(table)
            await on.owners.remove(table)
            await on.object_columns.remove(table)
        elif table.lower() in folded:
            await on.rows.remove(table, connection)
    failing = [each for each in await on.health.alerts(connection) if (each.kind, each.subject) == ("failing", sync)]
    cleared = [await clear_alert(on, *each.key) for each in failing]
    return [each for each in cleared if each is not None]


async def _require_connection(on: Transaction, name: str) -> None:
    names = [each.name for each in await on.connections.list()]
    if name not in names:
        none_yet = f"Create it: orgsync connect {name}."
        raise NameUnknown.among("connection", name, names, none_yet=none_yet, database=on.database)
