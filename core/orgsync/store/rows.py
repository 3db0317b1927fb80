"""Rows of the record tables: committed batch by batch, read page by page, deleted by a reset of their sync."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import astuple, replace
from operator import itemgetter
from typing import Any

from orgsync.errors import AlreadyRunning, RecordClassInvalid
from orgsync.records import Column, EncodedRows, Position, Row, Schema

from . import ownership, resets, tables
from .alerts import log_alerts
from .backend import Backend, IsDone, Transaction
from .commit_types import Counts, Write, encodable, newest
from .leases import Leases, require_current
from .model import Run
from .resets import SyncCopy
from .row_pages import FIRST_PAGE, next_page
from .unknown_names import record_table

__all__ = ["Rows"]

_MANY = 1_000
"""From how many rows on a commit writes them in the order of their Ids, and not in that in which they came."""


class Rows:
    """The record tables of one open store, and the syncs that they belong to."""

    def __init__(self, backend: Backend, leases: Leases, owned: dict[int, set[str]]) -> None:
        self._backend = backend
        self._leases = leases
        self._owned = owned
        self._prepared: set[tuple[str, tuple[Column, ...]]] = set()

    async def prepare(self, schema: Schema) -> Sequence[str]:
        """Make the class's table, or widen it; return the columns added to a table that was there.

        Filling an added column is extraction's: it knows what its passes have read. Raises RecordClassInvalid for
        a column whose type no longer fits, or a table that is not orgsync's.
        """
        known = (schema.table, schema.columns)  # not the class itself: a scheduler loads changed scripts for months
        if known in self._prepared:
            return ()
        added = await self._backend.write(lambda on: tables.prepare(on, schema), is_done=_prepared(schema))
        self._prepared.add(known)
        return added

    async def misfits(self, schema: Schema) -> Sequence[RecordClassInvalid]:
        """Return what keeps the class's table from being used as it is: one error for each column, none if all fit."""
        async with self._backend.reading() as on:
            return await tables.misfits(on, schema)

    async def commit(self, run: Run, writes: Sequence[Write], checkpoint: Position | None, api_calls: int) -> Counts:
        """Write rows, change marks, the run's counters and the checkpoint in one transaction, or nothing.

        `api_calls` are all that the run has made so far. The tables become the sync's own. Raises AlreadyRunning when
        the lease that the run began under was taken over or released, or when the run has ended; RecordClassInvalid
        for a table that belongs to another sync.
        """
        await self.require_owner(run, [write.schema.table for write in writes])
        for write in writes:
            await self.prepare(write.schema)
        distinct = [
            replace(each, rows=_ordered(newest(each.rows)), deleted_ids=list(dict.fromkeys(each.deleted_ids)))
            for each in writes
        ]
        try:
            counts = await self._commit(run, distinct, checkpoint, api_calls)
        except UnicodeEncodeError:
            distinct = [replace(each, rows=_ordered(newest(encodable(each.schema, each.rows)))) for each in distinct]
            counts = await self._commit(run, distinct, checkpoint, api_calls)
        self._owned.get(run.id, set()).update(write.schema.table for write in writes)
        return counts

    async def _commit(self, run: Run, writes: Sequence[Write], checkpoint: Position | None, api_calls: int) -> Counts:
        """Write the rows last, for they take a change number, and that may make other writers wait."""

        async def write(on: Transaction) -> Counts:
            await require_current(on, run)
            owned = self._owned.get(run.id, ())
            await ownership.claim(on, run.sync, [w.schema.table for w in writes if w.schema.table not in owned])
            if checkpoint is not None:
                kept_in = next((w.schema.table for w in writes if w.rows or w.deleted_ids), None)
                await on.checkpoints.save(run, checkpoint, kept_in)
            counts = await on.rows.write(run.connection, writes)
            changed = _tables(writes) if counts.added or counts.updated or counts.deleted else ()
            size = sum(len(each.rows) + len(each.deleted_ids) for each in writes)
            if not await on.runs.add(run, counts, api_calls=api_calls, changed=changed, size=size):
                raise AlreadyRunning(
                    f"Run {run.id} of {run.sync!r} on {run.connection!r} has ended.",
                    "Let the newer run finish; this one has kept what it committed.",
                )
            return counts

        totals = _counters(run)

        async def is_done(on: Transaction, counts: Counts) -> bool:
            """Return whether the run's counters are those after the commit; one that counts nothing may come twice."""
            await require_current(on, run)
            kept = await on.runs.get(run.id)
            after = totals + counts
            return kept is not None and after != totals and _counters(kept) == after

        counts = await self._backend.write(write, is_done=is_done)
        after = totals + counts
        run.added, run.updated, run.deleted, run.unchanged = astuple(after)
        return counts

    async def tables(self) -> Sequence[str]:
        """List every record table."""
        async with self._backend.reading() as on:
            return await on.tables.list()

    async def get(
        self,
        table: str,
        connection: str,
        values: Sequence[str],
        *,
        by: str = "id",
        columns: Collection[str] | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Read a connection's rows by their Ids or another column, deleted ones too; none where there is no such table.

        They are by Id, and in its order; with `columns`, `id` among them, only those. Values are as in `read`.
        """
        async with self._backend.reading() as on:
            if not await on.tables.exists(table):
                return {}
            return {row["id"]: row for row in await on.rows.get(table, connection, values, by=by, columns=columns)}

    async def read(
        self,
        table: str,
        *,
        connection: str | None = None,
        changes: bool = False,
        after: int = 0,
        limit: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Read rows a page at a time: live ones by connection and Id, or changes after the number `after`.

        `table` is a table's name or its class's, in any case. Booleans and JSON are converted to Python, all else is in
        stored form. Between pages nothing is held open, so rows may change while they are read.
        """
        async with self._backend.reading() as on:
            names = await (on.rows.feeds() if changes else on.tables.list())
            table = record_table(table, names, on.database)
        key, left, most = (connection or "", ""), limit, FIRST_PAGE
        while left is None or left > 0:
            size = most if left is None else min(most, left)
            async with self._backend.reading() as on:
                if changes:
                    page = await on.rows.changes(table, connection=connection, after=after, limit=size)
                else:
                    page = await on.rows.page(table, connection=connection, after=key, limit=size)
            for row in page:
                yield row
            if len(page) < size:
                return
            if changes:
                after = page[-1]["sync_seq"]
            else:
                key = page[-1]["connection"], page[-1]["id"]
            left = None if left is None else left - size
            most = next_page(page)

    async def live_count(self, table: str, connection: str) -> int:
        """Count a connection's live rows; 0 where there is no such table."""
        async with self._backend.reading() as on:
            return await on.rows.live_count(table, connection) if await on.tables.exists(table) else 0

    async def last_change(self) -> int:
        """Return the last number that the change feed has given to any row; 0 before the first."""
        async with self._backend.reading() as on:
            return await on.rows.last_change()

    async def owners(self) -> dict[str, str]:
        """Return the sync that each record table belongs to; a table that nobody has written to is not among them."""
        async with self._backend.reading() as on:
            return dict(await on.owners.get())

    async def require_owner(self, run: Run, names: Sequence[str]) -> None:
        """Raise RecordClassInvalid, which names both syncs, if a table belongs to another sync than the run's."""
        owned = self._owned.get(run.id, set())
        requested = [name for name in names if name not in owned]
        if not requested:
            return
        known = await self.owners()
        for name in requested:
            owner = ownership.owner_of(name, known)
            if owner is None:  # it may have been reset by another process since it was made here
                self._prepared = {each for each in self._prepared if each[0] != name}
            elif owner != run.sync:
                raise ownership.taken(name, owner, run.sync)
            else:
                owned.add(name)

    async def of_sync(self, sync: str, connection: str | None = None) -> SyncCopy:
        """Count the rows and checkpoints that a sync has, on one connection or on all.

        Raises NameUnknown, with the nearest name, for a sync that the store does not know.
        """
        async with self._backend.reading() as on:
            return await resets.copy_of(on, sync, connection)

    async def reset(self, sync: str, connection: str | None = None) -> SyncCopy:
        """Discard what a sync has copied, in one transaction, and return what that was.

        Its tables are dropped and belong to nobody, its checkpoints and seen Ids go; with a connection, only that
        one's rows, checkpoints and seen Ids. Its runs stay listed. Raises AlreadyRunning while a run of it is under
        way, NameUnknown as `of_sync` does.
        """
        async with self._backend.writing() as on:
            copy = await resets.copy_of(on, sync, connection)
            await self._leases.revoke_free(on, sync, connection)
            cleared = await resets.give_up(on, copy)
        log_alerts(cleared)
        return copy


def _counters(run: Run) -> Counts:
    """Return what a run has counted: as it was read, and as this process has committed since."""
    return Counts(run.added, run.updated, run.deleted, run.unchanged)


def _prepared(schema: Schema) -> IsDone[Sequence[str]]:
    """Return what finds out whether a table has the columns that were added to it."""

    async def is_done(on: Transaction, added: Sequence[str]) -> bool:
        return bool(added) and set(added) <= (await on.tables.columns(schema.table)).keys()

    return is_done


def _ordered(rows: Sequence[Row]) -> Sequence[Row]:
    """Return many rows in the order of the table's key, in which each page of it is written once.

    Encoded ones are in an order already.
    """
    if isinstance(rows, EncodedRows):
        return rows
    return sorted(rows, key=itemgetter(0)) if len(rows) >= _MANY else rows


def _tables(writes: Sequence[Write]) -> Sequence[str]:
    """Return the tables for which there are rows or Ids."""
    return list(dict.fromkeys(each.schema.table for each in writes if each.rows or each.deleted_ids))
