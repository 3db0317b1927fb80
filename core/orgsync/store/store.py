"""The store: every transaction that orgsync makes, under one roof."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack

import anyio
import anyio.to_thread
from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.errors import RecordClassInvalid, StoreUnavailable
from orgsync.records import Column, Position, Schema, to_stored

from . import connections, leases, ownership, queries, resets, rows, seen_ids, sign_ins, tables
from . import runs as ledger
from .connections import ConnectionColumns
from .leases import Leases
from .model import Checkpoint, Connection, Run, RunStatus, utc_now
from .private import require_private
from .resets import SyncCopy
from .rows import Counts, Write
from .sqlite import backup, control_sql, driver
from .sqlite.database import Database
from .sqlite.file_locks import Locks
from .sqlite.liveness import Liveness
from .vault import Vault

__all__ = ["Store"]

_PAGE = 1000
_RUNS_AT_ONCE = 5000


class Store:
    """The database, the credentials in it and the locks beside it; made by `async with Store.open(...)`."""

    def __init__(self, database: Database, vault: Vault, locks: Locks, holders: Liveness) -> None:
        self._database = database
        self._vault = vault
        self._locks = locks
        self._leases = Leases(database, holders)
        self._prepared: set[tuple[str, tuple[Column, ...]]] = set()
        self._owned: dict[int, set[str]] = {}  # by run: under its lease, what it owns stays its own

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, key: str | None = None, folder: Path) -> "AsyncGenerator[Store]":
        """Open the database at `url`, made or upgraded where it must be, and close it at the end.

        `folder` holds the locks and, unless `key` is given, the key file. Raises ConfigurationInvalid for a URL
        that is not an SQLite file's, StoreUnavailable for a database that cannot be used.
        """
        address = driver.address(url)
        _make(folder)
        database, locks, holders = Database(address), Locks(folder / "locks"), Liveness(folder / "holders")
        try:
            if not await database.is_current():
                async with locks.hold("upgrade", timeout=None):
                    await database.upgrade()
            yield cls(database, Vault(key, folder / "key"), locks, holders)
        finally:
            holders.leave()
            with anyio.CancelScope(shield=True):
                await database.close()

    def lock(self, name: str, *, timeout: float | None) -> AbstractAsyncContextManager[None]:
        """Hold a lock across tasks and processes; the system frees it when its holder dies.

        Raises AlreadyRunning when it is not free within `timeout` seconds: at once for 0, never for None.
        """
        return self._locks.hold(name, timeout=timeout)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session to read with: `(await session.exec(select(Contact))).all()`. It cannot write."""
        return self._database.reading_session()

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the database's file was deleted or replaced since it was opened."""
        self._database.require_in_place()

    async def require_writable(self) -> None:
        """Raise StoreUnavailable where the database takes no writes; nothing is changed."""
        async with self._database.writing() as on:
            await on.fetch(control_sql.WRITE_NOTHING)

    @asynccontextmanager
    async def copied(self) -> "AsyncGenerator[Store]":
        """Open a copy of the whole database as it is now, to try things on; it is gone after the block.

        Nobody holds a lease in it, and credentials cannot be decrypted there. Raises StoreUnavailable where there is
        no room for it in the temporary folder, which TMPDIR chooses.
        """
        with backup.temporary_folder() as folder:
            path = folder / "orgsync.db"
            await self._database.copy_to(path)
            async with Store.open(f"sqlite:///{path}", folder=folder) as copy:
                yield copy

    # Connections

    async def connections(self) -> Sequence[Connection]:
        """Read every connection, by name."""
        async with self._database.reading_session() as session:
            return await connections.listed(session)

    async def connection(self, name: str) -> Connection:
        """Read one connection; raises ConfigurationInvalid, with the nearest name, for one that does not exist."""
        async with self._database.reading() as on:
            return await connections.named(on, name)

    async def save_connection(self, connection: Connection, secrets: Mapping[str, Any]) -> Connection:
        """Insert or replace a connection and its credentials; the first ever makes the key file."""
        await self.require_key()
        encrypted = self._vault.encrypt(connection.name, secrets)
        async with self._database.writing_session() as session:
            return await connections.save(session, connection, encrypted)

    async def require_key(self) -> None:
        """Make the key file unless there is a key; raises ConfigurationInvalid for a key that is none.

        To be called before a person signs in: what cannot be encrypted is not worth their while.
        """
        await anyio.to_thread.run_sync(self._vault.make_key)

    async def update_connection(
        self, name: str, *, secrets: Mapping[str, Any] | None = None, **columns: Unpack[ConnectionColumns]
    ) -> Connection:
        """Change some of a connection's columns, and its credentials where they are given, in one transaction."""
        encrypted = None if secrets is None else self._vault.encrypt(name, secrets)
        async with self._database.writing_session() as session:
            return await connections.change(session, name, columns, encrypted)

    async def secrets(self, name: str) -> dict[str, Any]:
        """Decrypt a connection's credentials; raises ConfigurationInvalid when the key is missing or another."""
        return self.decrypted(await self.connection(name))

    def decrypted(self, connection: Connection) -> dict[str, Any]:
        """Decrypt the credentials of a connection that has been read; raises as `secrets` does."""
        return self._vault.decrypt(connection.name, connection.secrets)

    async def rename_connection(self, old: str, new: str) -> None:
        """Give a connection another name, in its rows, runs and checkpoints too."""
        async with self._database.writing_session() as session:
            await connections.rename(session, self._vault, old, new)

    async def remove_connection(self, name: str, *, keep_rows: bool = False) -> None:
        """Remove a connection and its checkpoints; with them its runs and rows, unless they are kept."""
        async with self._database.writing_session() as session:
            await connections.remove(session, name, keep_rows=keep_rows)

    async def keep_pending(self, state: str, secrets: Mapping[str, Any]) -> None:
        """Keep a sign-in that has begun in a browser, encrypted, under its state."""
        await self.require_key()
        key = sign_ins.key_of(state)
        encrypted = self._vault.encrypt(key, secrets)
        async with self._database.writing_session() as session:
            await sign_ins.keep(session, key, encrypted)

    async def take_pending(self, state: str) -> dict[str, Any] | None:
        """Take the sign-in that waits for this state; None where none does, as after a day, or the second time."""
        key = sign_ins.key_of(state)
        async with self._database.writing_session() as session:
            encrypted = await sign_ins.take(session, key)
        return None if encrypted is None else self._vault.decrypt(key, encrypted)

    # Runs and checkpoints

    @asynccontextmanager
    async def begin_run(self, sync: str, connection: str, *, lasts: float = 60.0) -> "AsyncGenerator[Run]":
        """Begin a run under the lease of (sync, connection), the right to write for it, kept until the block ends.

        Raises AlreadyRunning while another holds it. It is free when a run has ended, when its process has died on
        this machine, and `lasts` seconds after the last renewal by one that stopped or is elsewhere. A run that says
        running under an older lease has failed.
        """
        async with self._leases.hold(sync, connection, lasts=lasts, begin=ledger.start) as run:
            self._owned[run.id] = set()
            try:
                yield run
            finally:
                del self._owned[run.id]

    async def finish_run(
        self,
        run: Run,
        *,
        status: RunStatus,
        error: str | None = None,
        api_calls: int,
        watermark: datetime | None = None,
    ) -> Run:
        """End a run and let its lease go; `api_calls` are all it made. Raises AlreadyRunning as commit does."""
        async with self._database.writing() as on:
            await leases.require_current(on, run)
            ended = await ledger.finish(
                on, run.id, status=status, error=error, api_calls=api_calls, watermark=watermark
            )
            await self._leases.release_lease(on, run)
        self._leases.mark_released(run)
        return ended

    async def note_run(self, run: Run, text: str) -> None:
        """Keep as its error what a run under way waits for; its end replaces it. Empty: it works again."""
        async with self._database.writing() as on:
            await ledger.note(on, run.id, text)

    async def run(self, run_id: int) -> Run:
        """Read one run; raises ConfigurationInvalid for a number that none has."""
        async with self._database.reading() as on:
            return await ledger.run(on, run_id)

    async def runs(self, limit: int = 50, *, sync: str | None = None, connection: str | None = None) -> Sequence[Run]:
        """Read runs, the latest first."""
        async with self._database.reading() as on:
            return await ledger.runs(on, limit=limit, sync=sync, connection=connection)

    async def is_running(self, sync: str, connection: str) -> bool:
        """Tell whether a run of the sync is under way, by its lease: a run that died still says running."""
        async with self._database.reading() as on:
            return await self._leases.is_held(on, sync, connection)

    async def last_runs(self, *, after: int = 0) -> dict[tuple[str, str], Run]:
        """Read the last run of every (sync, connection), in one query; only those with a number above `after`."""
        async with self._database.reading() as on:
            return await ledger.last_runs(on, after=after)

    async def forget_runs(self, before: datetime) -> int:
        """Delete runs that ended before an instant, but for the last of each sync and connection; tell how many."""
        deleted, some = 0, _RUNS_AT_ONCE
        while some == _RUNS_AT_ONCE:
            async with self._database.writing() as on:
                some = await ledger.forget(on, before, limit=_RUNS_AT_ONCE)
            deleted += some
        return deleted

    async def begun(self) -> set[tuple[str, str]]:
        """Name each (sync, connection) that has a checkpoint: one that was reset has none until it runs again."""
        async with self._database.reading() as on:
            found = await on.fetch(control_sql.CHECKPOINT_OWNERS)
            return {(sync, connection) for sync, connection in found}

    async def checkpoints(self, sync: str, connection: str) -> dict[str, Checkpoint]:
        """Read where a sync stands on a connection, by stream."""
        async with self._database.reading() as on:
            return await ledger.checkpoints(on, sync, connection)

    # Tables and the syncs that they belong to

    async def owners(self) -> dict[str, str]:
        """Name the sync that each record table belongs to; one that nobody has written to yet is not among them."""
        async with self._database.reading() as on:
            return await ownership.owners(on)

    async def require_tables(self, run: Run, names: Sequence[str]) -> None:
        """Raise RecordClassInvalid, which names both syncs, if a table belongs to another sync than the run's."""
        owned = self._owned.get(run.id, set())
        asked = [name for name in names if name not in owned]
        if not asked:
            return
        known = await self.owners()
        for name in asked:
            owner = ownership.owner_of(name, known)
            if owner is None:  # it may have been reset by another process since it was made here
                self._prepared = {each for each in self._prepared if each[0] != name}
            elif owner != run.sync:
                raise ownership.taken(name, owner, run.sync)
            else:
                owned.add(name)

    async def copy_of(self, sync: str, connection: str | None = None) -> SyncCopy:
        """Count the rows and checkpoints that a sync has, on one connection or on all.

        Raises ConfigurationInvalid, with the nearest name, for a sync that the store does not know.
        """
        async with self._database.reading() as on:
            return await resets.copy_of(on, sync, connection)

    async def reset(self, sync: str, connection: str | None = None) -> SyncCopy:
        """Give up what a sync has copied, in one transaction, and answer with what that was.

        Its tables are dropped and belong to nobody, its checkpoints and seen Ids go; with a connection, only that
        one's rows, checkpoints and seen Ids. Its runs stay listed. Raises AlreadyRunning while a run of it is under
        way, ConfigurationInvalid as `copy_of` does.
        """
        async with self._database.writing() as on:
            copy = await resets.copy_of(on, sync, connection)
            await self._leases.fence(on, sync, connection)
            await resets.give_up(on, copy)
        return copy

    # Rows

    async def prepare(self, schema: Schema) -> Sequence[str]:
        """Make the class's table, or widen it; answer with the columns added to a table that was there.

        Filling an added column is extraction's: it knows what its passes have read. Raises RecordClassInvalid for
        a column whose type no longer fits, or a table that is not orgsync's.
        """
        known = (schema.table, schema.columns)  # not the class itself: a scheduler loads changed scripts for months
        if known in self._prepared:
            return ()
        async with self._database.writing() as on:
            added = await tables.prepare(on, schema)
        self._prepared.add(known)
        return added

    async def misfits(self, schema: Schema) -> Sequence[RecordClassInvalid]:
        """Return what keeps the class's table from being used as it is: one error for each column, none if all fit."""
        async with self._database.reading() as on:
            return await tables.misfits(on, schema)

    async def commit(self, run: Run, writes: Sequence[Write], checkpoint: Position | None, api_calls: int) -> Counts:
        """Write rows, change marks, the run's counters and the checkpoint in one transaction, or nothing.

        `api_calls` are all that the run has made so far. The tables become the sync's own. Raises AlreadyRunning when
        the lease that the run began under was taken over or let go, or when the run has ended; RecordClassInvalid for
        a table that belongs to another sync.
        """
        await self.require_tables(run, [write.schema.table for write in writes])
        for write in writes:
            await self.prepare(write.schema)
        try:
            counts = await self._commit(run, writes, checkpoint, api_calls)
        except UnicodeEncodeError:
            writes = [Write(each.schema, rows.encodable(each.rows), each.deleted_ids) for each in writes]
            counts = await self._commit(run, writes, checkpoint, api_calls)
        self._owned.get(run.id, set()).update(write.schema.table for write in writes)
        return counts

    async def _commit(self, run: Run, writes: Sequence[Write], checkpoint: Position | None, api_calls: int) -> Counts:
        counts = Counts()
        async with self._database.writing() as on:
            await leases.require_current(on, run)
            owned = self._owned.get(run.id, ())
            await ownership.claim(on, run.sync, [w.schema.table for w in writes if w.schema.table not in owned])
            at = to_stored(utc_now())
            for each in writes:
                counts += await rows.write(on, run.connection, each, at=at)
            await ledger.count(on, run, counts, api_calls)
            if checkpoint is not None:
                kept_in = next((w.schema.table for w in writes if w.rows or w.deleted_ids), None)
                await ledger.advance(on, run, checkpoint, kept_in)
        return counts

    async def live_among(self, table: str, connection: str, ids: Sequence[str]) -> list[str]:
        """List those of the ids that have a live row in a table, in their order; none where there is no such table."""
        async with self._database.reading() as on:
            there = await tables.exists(on, table)
            return await queries.live_among(on, table, connection, ids) if there else []

    async def live_count(self, table: str, connection: str) -> int:
        """Count a table's live rows; 0 where there is no such table."""
        async with self._database.reading() as on:
            return await queries.live_count(on, table, connection) if await tables.exists(on, table) else 0

    async def last_change(self) -> int:
        """Answer with the last number that the change feed has given to any row; 0 before the first."""
        async with self._database.reading() as on:
            return await queries.last_change(on)

    # What the org has

    async def mark_seen(self, connection: str, owner: str, ids: Sequence[str]) -> None:
        """Keep that the pass `owner` has met these ids in the connection's org; an id may be met again."""
        async with self._database.writing() as on:
            await seen_ids.mark_seen(on, connection, owner, ids)

    async def unseen(
        self, table: str, connection: str, owner: str, *, after: str = "", limit: int, upto_seq: int
    ) -> list[str]:
        """List ids of live rows after `after` that the pass has not met, in the order of their bytes.

        Rows numbered above `upto_seq` are left out: they have been written since the pass began.
        """
        async with self._database.reading() as on:
            if not await tables.exists(on, table):
                return []
            return await seen_ids.unseen(on, table, connection, owner, after=after, limit=limit, upto_seq=upto_seq)

    async def unknown(self, table: str, connection: str, owner: str, *, after: str = "", limit: int) -> list[str]:
        """List met ids after `after` that have no live row in a table, in the order of their bytes."""
        async with self._database.reading() as on:
            if not await tables.exists(on, table):
                return await seen_ids.all_met(on, connection, owner, after=after, limit=limit)
            return await seen_ids.unknown(on, table, connection, owner, after=after, limit=limit)

    async def clear_seen(self, connection: str, owner: str) -> None:
        """Forget every id that the pass has met, in transactions that let other writers in between."""
        more = True
        while more:
            async with self._database.writing() as on:
                more = await seen_ids.forget_some(on, connection, owner)

    async def tables(self) -> list[str]:
        """Name every record table."""
        async with self._database.reading() as on:
            return await tables.record_tables(on)

    async def rows(self, table: str, connection: str, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Read a connection's rows by their ids, deleted ones too; none where there is no such table.

        Values are as in `read`.
        """
        async with self._database.reading() as on:
            return {row["id"]: row for row in await queries.rows_of(on, table, connection, ids)}

    async def read(
        self,
        table: str,
        *,
        connection: str | None = None,
        changes: bool = False,
        after: int = 0,
        limit: int | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """Read rows a page at a time: live ones by connection and id, or changes after the number `after`.

        `table` is a table's name or its class's, in any case. Booleans and JSON come as Python's, all else in
        stored form. Between pages nothing is held open, so rows may change while they are read.
        """
        async with self._database.reading() as on:
            selection = queries.Selection(await tables.table_named(on, table), connection, changes)
        cursor, left = selection.start(after), limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            async with self._database.reading() as on:
                page = await queries.page(on, selection, cursor, size)
            for row in page:
                yield row
            if len(page) < size:
                return
            cursor, left = selection.cursor(page[-1]), None if left is None else left - size


def _make(folder: Path) -> None:
    require_private(folder, "The folder", instead="Move the folder itself to the link's place, or remove the link.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {folder} cannot be made: {error.strerror}.", "Give this user the right to write there."
        ) from error
