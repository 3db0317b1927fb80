"""The open database: its transactions for reading and for writing."""

import os
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar

import anyio
from sqlalchemy import URL
from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.drafts import flush_to_disk
from orgsync.errors import PostgresNeeded, StoreUnavailable
from orgsync.records import RowEncoding

from .. import versions
from ..backend import IsDone, Work
from ..holder import Holder
from ..other_tables import note_other_tables
from ..worker_tables import KeptLock, WorkerTables
from . import control_sql, driver, row_image, sandbox
from .driver import Statements
from .errors import errors_explained
from .file_locks import Locks
from .in_place import file_at, require_folder, require_same_file
from .liveness import Liveness
from .private import require_private_database
from .record_upgrade import upgrade_records
from .transaction import PinnedConnection, SqliteTransaction

__all__ = ["SqliteBackend"]

T = TypeVar("T")

_IDLE_READERS = 3


class SqliteBackend:
    """One SQLite file, written by one transaction at a time and read by many, with its locks in files of a folder."""

    is_shared = False
    encoding = RowEncoding(row_image.encode, row_image.decode) if row_image.IS_SUPPORTED else None

    def __init__(self, url: URL, folder: Path) -> None:
        self.path = driver.file_of(url)
        self._absolute = self.path.absolute()  # a script may change the working directory
        self._url = url
        self._threads = driver.Threads()
        self._reader = driver.engine(url, self._threads, use="reading")
        self._writer = driver.engine(url, self._threads, use="writing")
        # SQLite's own queue of writers is a poll; this one is fair, and costs no thread.
        self._turn = anyio.Lock()
        # Taking a connection out of SQLAlchemy's pool and putting it back costs more than most statements do.
        self._writing: PinnedConnection | None = None
        self._idle: list[PinnedConnection] = []
        self._file: tuple[int, int] | None = None  # device and number of the file that was opened
        self._locks = Locks(folder / "locks")
        self._liveness = Liveness(folder / "holders")

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, folder: Path) -> "AsyncGenerator[SqliteBackend]":
        """Open the file, made if it is missing; its control tables are brought to this package's version.

        Raises SettingInvalid for a URL that is not an SQLite file's, StoreUnavailable for a database that
        cannot be used.
        """
        backend = cls(driver.address(url), folder)
        try:
            await backend.upgrade()
            yield backend
        finally:
            backend._liveness.close()
            with anyio.CancelScope(shield=True):
                await backend._close()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """Read one state of the database; nothing can be written."""
        with errors_explained(self.path):
            async with AsyncSession(self._reader, expire_on_commit=False) as session:
                yield session

    async def read(self, work: Work[T]) -> T:
        """Read as `reading` does, in one switch to SQLite's thread."""
        async with self._reader_taken() as pinned:
            return await pinned.in_one_go(work)

    async def write(self, work: Work[T], *, durable: bool = False, is_done: IsDone[T] | None = None) -> T:
        """Write in one transaction as `writing` does, in one switch to SQLite's thread."""

        async def whole(on: SqliteTransaction) -> T:
            async with driver.transaction(on.statements, durable=durable):
                done = await work(on)
                self.require_in_place()
                return done

        async with self._writer_taken() as pinned:
            return await pinned.in_one_go(whole)

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[SqliteTransaction]:
        """Read, each statement for itself."""
        async with self._reader_taken() as pinned:
            yield pinned.transaction

    @asynccontextmanager
    async def _reader_taken(self) -> AsyncGenerator[PinnedConnection]:
        with errors_explained(self.path):
            pinned = self._idle.pop() if self._idle else await PinnedConnection.of(self._reader, str(self._absolute))
            try:
                yield pinned
            except BaseException:
                await pinned.close()
                raise
            if len(self._idle) < _IDLE_READERS:
                self._idle.append(pinned)
            else:
                await pinned.close()

    @asynccontextmanager
    async def writing(self, *, durable: bool = False) -> AsyncGenerator[SqliteTransaction]:
        """Write in one transaction, which commits at the end of the block or rolls back on any error.

        With `durable` the commit waits for the disk. Credentials need that: a rotated refresh token is sent only once.
        """
        async with (
            self._writer_taken() as pinned,
            driver.transaction(pinned.transaction.statements, durable=durable),
        ):
            yield pinned.transaction
            self.require_in_place()

    @asynccontextmanager
    async def _writer_taken(self) -> AsyncGenerator[PinnedConnection]:
        with errors_explained(self.path):
            async with self._turn:
                pinned = self._writing = self._writing or await PinnedConnection.of(self._writer, str(self._absolute))
                try:
                    yield pinned
                except BaseException:
                    self._writing = None
                    await pinned.close()  # which rolls back
                    raise

    def lock(self, name: str, *, timeout: float | None) -> AbstractAsyncContextManager[None]:
        """Hold a lock across tasks and processes; the system frees it when its holder dies."""
        return self._locks.hold(name, timeout=timeout)

    def workers(self) -> AbstractAsyncContextManager[WorkerTables]:
        """Raise PostgresNeeded: a file is no place where hosts meet."""
        raise PostgresNeeded

    def queue_conninfo(self) -> tuple[str, str]:
        """Raise PostgresNeeded."""
        raise PostgresNeeded

    def queue_errors_explained(self) -> AbstractContextManager[None]:
        """Raise PostgresNeeded."""
        raise PostgresNeeded

    def keep_lock(self, name: str, *, ttl: int) -> AbstractAsyncContextManager[KeptLock]:
        """Raise PostgresNeeded."""
        raise PostgresNeeded

    def own_holder(self) -> str:
        """Return the name under which this open database holds leases."""
        return self._liveness.own().text

    async def alive(self, holder: str) -> bool:
        """Return whether a holder may be alive: False for one of this host whose process has died."""
        return not self._liveness.is_dead(Holder.parse(holder))

    async def forget(self, holder: str) -> None:
        """Remove a dead holder's file."""
        self._liveness.forget(Holder.parse(holder))

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the path no longer leads to the file that was opened.

        SQLite keeps writing to a file that was deleted, where nobody will find it.
        """
        if self._file is not None:
            require_same_file(self._absolute, self._file, self.path)

    async def require_writable(self) -> None:
        """Raise StoreUnavailable where the database takes no writes; nothing is changed."""
        async with self.writing() as on:
            await on.statements.fetch(control_sql.WRITE_NOTHING)

    async def held_back(self) -> str:
        """Return nothing: writers wait for one another here, and readers for nobody."""
        return ""

    async def upgrade(self) -> None:
        """Make the file and its control tables, or bring all tables to this package's version, in one transaction."""
        self._make_file()
        with errors_explained(self.path):
            driver.require_openable(self._url)
            self._file = file_at(self._absolute)
        async with self.reading() as on:
            if await _state(on.statements) == "current":
                return
        others: list[str] = []
        async with self.lock("upgrade", timeout=None):
            with errors_explained(self.path):
                async with self._writer.begin() as connection:
                    statements = await Statements.on(connection)
                    state = await _state(statements)
                    if state == "new":
                        others = [name for (name,) in await statements.fetch(control_sql.OTHER_TABLES)]
                        await statements.in_one_go(partial(_create, statements.immediate))
                    if state == "old":  # otherwise another process was quicker
                        await versions.upgrade(connection)
                        await upgrade_records(statements)
        note_other_tables(others, str(self.path), journal="WAL")

    @asynccontextmanager
    async def sandbox(self, folder: Path) -> "AsyncGenerator[SqliteBackend]":
        """Open a copy of the whole database as it is now, in which no lease is held, in a folder."""
        path = folder / "orgsync.db"
        with errors_explained(self.path):
            await sandbox.copy(self._url, path)
        async with SqliteBackend.open(f"sqlite:///{path}", folder) as backend:
            yield backend

    async def _close(self) -> None:
        """Close every connection to the file."""
        for pinned in [*self._idle, *([self._writing] if self._writing else [])]:
            await pinned.close()
        self._idle, self._writing = [], None
        await self._reader.dispose()
        await self._writer.dispose()
        await self._threads.join()

    def _make_file(self) -> None:
        """Make the file, readable by its owner alone: it holds customers' rows."""
        require_private_database(self.path)
        if self.path.exists():
            return
        require_folder(self.path)
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
            flush_to_disk(self.path.parent)
        except FileExistsError:  # another process was quicker
            return
        except OSError as error:
            raise StoreUnavailable(
                f"The database {self.path} cannot be created: {error.strerror}.",
                "Check that this user may write in its folder, and the disk.",
            ) from error


async def _create(on: Statements) -> None:
    """Make the control tables in a database that has none."""
    from .. import creation  # with the classes of all control tables, which only a new database needs

    for statement in creation.statements_of("sqlite"):
        await on.fetch(statement)


async def _state(on: Statements) -> Literal["new", "old", "current"]:
    """Return how the control tables are: not there, of an older version, or of this package's."""
    if not await on.fetch(control_sql.TABLE_EXISTS, (versions.VERSION_TABLE,)):
        return "new"
    found = [version for (version,) in await on.fetch(control_sql.VERSION)]
    if versions.MARKED in found:
        raise versions.moved(*(await on.fetch(versions.MOVE_NOTE))[0])
    return "current" if versions.is_newest(found) else "old"
