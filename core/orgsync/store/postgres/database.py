"""The open database: its transactions for reading and for writing."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import anyio
from psycopg import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.records import RowEncoding

from .. import versions
from ..backend import IsDone, Work
from ..holder import Holder
from ..other_tables import note_other_tables
from . import control_sql, holding_back, liveness, renumbering, sandbox, table_sql
from .address import Address, address
from .driver import Pool, Statements, connect, require_own_session
from .errors import Tries, errors_explained
from .locks import KeptSession, Locks
from .row_writes import FirstPasses
from .schema import in_schema
from .transaction import PostgresTransaction
from .workers import PostgresWorkerTables

__all__ = ["PostgresBackend"]

T = TypeVar("T")


class PostgresBackend:
    """One schema of a PostgreSQL database, read and written by any number of processes on any number of hosts."""

    is_shared = True
    # Both cores are busy already: COPY's text that the subprocess makes took a tenth longer, measured.
    encoding: RowEncoding | None = None

    def __init__(self, at: Address, *, repeats: bool = True) -> None:
        self._address = at
        self._repeats = repeats
        self._readers = Pool(at, writes=False, has_answered=False, repeats=repeats)
        self._writers = Pool(at, writes=True, has_answered=True, repeats=repeats)  # used after the readers
        self._first_passes = FirstPasses()
        self._locks = Locks(at)
        self._holder = liveness.new_holder()
        self._sessions: AsyncEngine | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, at: Address, *, repeats: bool = True) -> "AsyncGenerator[PostgresBackend]":
        """Open the database; its control tables are made if missing, and brought to this package's version.

        `repeats` says whether what a connection that is cut has not done is done again. Raises StoreUnavailable for a
        database that cannot be used.
        """
        backend = cls(at, repeats=repeats)
        try:
            await backend.upgrade()
            yield backend
        finally:
            with anyio.CancelScope(shield=True):
                await backend._close()

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """Read one state of the database; nothing can be written."""
        if self._sessions is None:
            self._sessions = self._engine(writes=False)
        with errors_explained(self._address):
            async with AsyncSession(self._sessions, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[PostgresTransaction]:
        """Read, each statement for itself."""
        with errors_explained(self._address):
            async with self._readers.taken() as statements:
                yield self._transaction(statements, writes=False)

    @asynccontextmanager
    async def writing(self, *, durable: bool = False) -> AsyncGenerator[PostgresTransaction]:
        """Write in one transaction, which commits at the end of the block or rolls back on any error.

        Every commit is on the server's disk when the block ends; `durable` adds nothing to that. Others write at the
        same time: what decides by what it has read locks that, as `control_sql` says.
        """
        with errors_explained(self._address):
            async with self._writers.taken(transaction=True) as statements:
                yield self._transaction(statements, writes=True)
                await statements.driver.commit()

    async def read(self, work: Work[T]) -> T:
        """Read as `reading` does."""
        async with self.reading() as on:
            return await work(on)

    async def write(self, work: Work[T], *, durable: bool = False, is_done: IsDone[T] | None = None) -> T:
        """Write in one transaction as `writing` does, again where the connection is cut; see `Backend.write`."""
        doubtful: _Lost[T] | None = None
        tries = Tries.begun(repeats=self._repeats)
        with errors_explained(self._address):
            while True:
                lost: _Lost[T] | None = None
                async with self._writers.taken(transaction=True) as statements:
                    try:
                        on = self._transaction(statements, writes=True)
                        if doubtful is not None and is_done is not None and await is_done(on, doubtful.result):
                            return doubtful.result
                        doubtful = None
                        result = await work(on)
                        lost = _Lost(result)
                        await statements.driver.commit()
                    except OperationalError as error:
                        may_be_done = lost is not None and is_done is None
                        if not tries.allow_another(error, statements.driver) or may_be_done:
                            raise
                    else:
                        return result
                doubtful = lost or doubtful

    def lock(self, name: str, *, timeout: float | None) -> AbstractAsyncContextManager[None]:
        """Hold a lock across tasks, processes and hosts; the server frees it when its holder's connection ends."""
        return self._locks.hold(name, timeout=timeout)

    @asynccontextmanager
    async def workers(self) -> AsyncGenerator[PostgresWorkerTables]:
        """Read and write the tables of workers and their jobs, in one transaction."""
        with errors_explained(self._address):
            async with self._writers.taken(transaction=True) as statements:
                yield PostgresWorkerTables(statements)
                await statements.driver.commit()

    def queue_conninfo(self) -> tuple[str, str]:
        """Return how the queue of jobs connects, and the schema of its tables."""
        return self._address.for_queue()

    def queue_errors_explained(self) -> AbstractContextManager[None]:
        """Raise StoreUnavailable for what the server or the network did to the queue."""
        return errors_explained(self._address, makes_schema=True)

    def keep_lock(self, name: str, *, ttl: int) -> AbstractAsyncContextManager[KeptSession]:
        """Hold a lock that the server frees when its holder has not kept it for so many seconds."""
        return self._locks.keep(name, ttl=ttl)

    def own_holder(self) -> str:
        """Return the name under which this open database holds leases."""
        return self._holder.text

    async def alive(self, holder: str) -> bool:
        """Return whether a holder may be alive: False for one of this system whose process has died."""
        return not liveness.is_dead(Holder.parse(holder))

    async def forget(self, holder: str) -> None:
        """Do nothing: nothing is kept of a holder but its leases."""

    def require_in_place(self) -> None:
        """Do nothing: a server's database cannot be replaced beneath an open connection."""

    async def require_writable(self) -> None:
        """Raise StoreUnavailable where the database takes no writes; nothing is changed."""
        async with self.writing() as on:
            await on.statements.fetch(control_sql.WRITE_NOTHING)

    async def held_back(self) -> str:
        """Say what has held back the change feeds for more than a minute."""
        async with self.reading() as on:
            found = await on.statements.fetch(holding_back.OLDEST, prepare=False)
            if holding_back.is_hidden(found):
                tables = [name for (name,) in await on.statements.fetch(table_sql.RECORD_TABLES)]
                [(seconds,)] = await on.statements.fetch(holding_back.waiting(tables), prepare=False)
                found = [(found[0][0], seconds, found[0][2])]
            return holding_back.sentence(found)

    async def upgrade(self) -> None:
        """Make the control tables, or bring them to this package's version, in one transaction."""
        with errors_explained(self._address):
            async with self._readers.taken() as statements:
                await require_own_session(statements, self._address)
                self._address = in_schema(self._address, *(await statements.fetch(control_sql.SCHEMA))[0])
                if await _state(statements) == "current" and not await renumbering.is_due(statements):
                    return
            engine, others = self._engine(writes=True), list[str]()
            try:
                async with engine.begin() as connection:
                    raw: Any = (await connection.get_raw_connection()).driver_connection
                    statements = Statements(raw)
                    await statements.fetch(control_sql.TURN, ("upgrade",))
                    state = await _state(statements)
                    if state == "new":
                        others = [name for (name,) in await statements.fetch(control_sql.OTHER_TABLES)]
                        from .. import creation  # with the classes of all control tables, which only a new one needs

                        await creation.create(connection)
                    if state == "old":  # otherwise another process was quicker
                        await versions.upgrade(connection)
                    await renumbering.go_on_above(statements)
            finally:
                await engine.dispose()
        note_other_tables(others, self._address.shown)

    @asynccontextmanager
    async def sandbox(self, folder: Path) -> "AsyncGenerator[PostgresBackend]":
        """Open a copy of the whole database as it is now, in which no lease is held, in a schema of its own."""
        # A server that has crashed empties the copy, whose tables are not logged: nothing is done again there.
        async with sandbox.copy(self._address) as at, PostgresBackend.open(at, repeats=False) as backend:
            yield backend

    def _transaction(self, on: Statements, *, writes: bool) -> PostgresTransaction:
        return PostgresTransaction(on, self._address.shown, self._first_passes, writes=writes)

    def _engine(self, *, writes: bool) -> AsyncEngine:
        """Make an engine for sessions that read one state, or for the upgrade."""

        async def creator() -> Any:
            return await connect(self._address, writes=writes, restarting=True, autocommit=False)

        return create_async_engine(
            "postgresql+psycopg://",
            async_creator=creator,
            isolation_level="READ COMMITTED" if writes else "REPEATABLE READ",
            pool_size=min(5, self._address.pool_size),
            max_overflow=self._address.pool_size,
            pool_pre_ping=True,
            hide_parameters=True,  # they are customers' data
        )

    async def _close(self) -> None:
        """Close every connection."""
        await self._readers.close()
        await self._writers.close()
        if self._sessions is not None:
            await self._sessions.dispose()


@dataclass(frozen=True, slots=True)
class _Lost(Generic[T]):
    """What a transaction has done, where the answer to its commit was lost."""

    result: T


def open_backend(url: str) -> AbstractAsyncContextManager[PostgresBackend]:
    """Open the database at a URL."""
    return PostgresBackend.open(address(url))


async def _state(on: Statements) -> Literal["new", "old", "current"]:
    """Return how the control tables are: not there, of an older version, or of this package's."""
    if not await on.fetch(control_sql.TABLE_EXISTS, (versions.VERSION_TABLE,)):
        return "new"
    found = [version for (version,) in await on.fetch(control_sql.VERSION)]
    if versions.MARKED in found:
        raise versions.moved(*(await on.fetch(versions.MOVE_NOTE))[0])
    return "current" if versions.is_newest(found) else "old"
