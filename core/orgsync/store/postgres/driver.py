"""The PostgreSQL driver: connections, their pool, and statements."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
import psycopg
from psycopg import AsyncConnection, OperationalError
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from .address import Address
from .errors import Tries, require_usable, transactions_pooled
from .refusals import connection_refused, may_pass

__all__ = ["OPTIONS", "PID", "Pool", "Statements", "connect", "require_own_session", "set_up"]

_PAUSE_SECONDS = 0.2
_Reopen: TypeAlias = Callable[[], Awaitable[AsyncConnection[Any]]]
_ON_DISK = (  # a crash that took commits away would give their numbers again, to readers of the feed that are past them
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, false)"
)
PID = "SELECT pg_catalog.pg_backend_pid()"
OPTIONS: dict[str, Any] = {"fallback_application_name": "orgsync", "client_encoding": "UTF8"}
"""What every connection is opened with; COPY is sent texts in UTF-8, whatever PGCLIENTENCODING says."""


def set_up(address: Address, *, writes: bool) -> str:
    """Return the statement that prepares a connection: one notation of instants, and no transaction left open."""
    idle = f"{address.idle_transaction_timeout}s"
    settings = {
        "timezone": "UTC",
        "datestyle": "ISO",
        "default_transaction_isolation": "read committed",
        "default_transaction_read_only": "off" if writes else "on",
        "idle_in_transaction_session_timeout": idle,
        "client_min_messages": "warning",
    }
    settings_made = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in settings.items())
    return f"SELECT {settings_made}, {_ON_DISK}"


async def connect(
    address: Address, *, writes: bool, restarting: bool = False, autocommit: bool = True
) -> AsyncConnection[Any]:
    """Open a connection, waiting up to `connect_within` seconds for a server that starts up or is full.

    With `restarting` the server has answered before, so that one which is down is waited for as well. Raises
    StoreUnavailable, which says why there is none.
    """
    give_up = anyio.current_time() + address.connect_within
    while True:
        try:
            return await _connect(address, writes=writes, autocommit=autocommit)
        except OperationalError as error:
            if not may_pass(error, restarting=restarting) or anyio.current_time() > give_up:
                raise connection_refused(error, address, restarting=restarting) from None
        await anyio.sleep(_PAUSE_SECONDS)


async def _connect(address: Address, *, writes: bool, autocommit: bool) -> AsyncConnection[Any]:
    opened = await AsyncConnection.connect(address.conninfo, autocommit=autocommit, row_factory=tuple_row, **OPTIONS)
    try:
        require_usable(opened.info, address)
        await opened.execute(set_up(address, writes=writes).encode())
        if not autocommit:
            await opened.commit()
    except BaseException:
        await _close(opened)
        raise
    return opened


async def require_own_session(statements: "Statements", address: Address) -> None:
    """Raise StoreUnavailable where a pooler gives each transaction another of the server's sessions.

    Locks and settings are a session's. A pooler is known by the session's number, which it makes up, and one that lends
    the same session to two connections at once by that.
    """
    pid = await statements.pid()
    if pid == statements.driver.info.backend_pid:
        return
    other = await connect(address, writes=False, restarting=True)
    try:
        if await Statements(other).pid() == pid or await statements.pid() != pid:
            raise transactions_pooled(address)
    finally:
        await _close(other)


async def _close(connection: AsyncConnection[Any]) -> None:
    with anyio.CancelScope(shield=True):
        await connection.close()


class Statements:
    """Statements sent through one connection.

    With `reopen` each statement stands for itself and only reads: one whose connection is cut is sent again through
    another.
    """

    def __init__(self, driver: AsyncConnection[Any], *, reopen: _Reopen | None = None) -> None:
        self.driver = driver
        self._reopen = reopen
        self.stages = set[str]()  # the temporary tables that there are on this connection
        self._pid: int | None = None

    async def fetch(
        self, sql: str, parameters: Sequence[Any] = (), *, prepare: bool | None = None
    ) -> list[tuple[Any, ...]]:
        """Run a statement with `%s` for its parameters, and return its rows; none for one that returns none."""
        tries = Tries()
        while True:
            try:
                return await self._fetch(sql, parameters, prepare)
            except OperationalError as error:
                if self._reopen is None or not tries.allow_another(error, self.driver):
                    raise
            await _close(self.driver)
            self.driver, self._pid = await self._reopen(), None

    async def _fetch(self, sql: str, parameters: Sequence[Any], prepare: bool | None) -> list[tuple[Any, ...]]:
        cursor = await self.driver.execute(sql.encode(), parameters, prepare=prepare)
        return [] if cursor.description is None else await cursor.fetchall()

    async def pid(self) -> int:
        """Return the number of the server's session."""
        [(pid,)] = await self.fetch(PID)
        return int(pid)

    async def begin(self, address: Address, *, transaction: bool) -> None:
        """Ask whether the server answers, and begin a transaction with the same message if there is to be one.

        Raises StoreUnavailable where this is another of the server's sessions than it was.
        """
        cursor = await self.driver.execute(f"BEGIN; {PID}".encode() if transaction else PID.encode(), prepare=False)
        while cursor.nextset():
            pass
        [(pid,)] = await cursor.fetchall()
        if pid != (self._pid or pid):
            raise transactions_pooled(address)
        self._pid = pid

    async def change(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it changed."""
        return (await self.driver.execute(sql.encode(), parameters, prepare=False)).rowcount

    async def copy(self, sql: str, pieces: Iterable[bytes]) -> None:
        """Send rows by COPY; the server works on a piece while the next is made."""
        statement = sql.replace("%%", "%")  # psycopg reads no percent signs where it is given no parameters
        async with self.driver.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for piece in pieces:
                await copy.write(piece)


class Pool:
    """Connections of one kind, at most so many at once; those that are idle are used again.

    `has_answered` says that the server has answered this process before, `repeats` that what a connection that is cut
    has not done is done again.
    """

    def __init__(self, address: Address, *, writes: bool, has_answered: bool, repeats: bool) -> None:
        self._address = address
        self._repeats = repeats
        self._writes = writes
        self._idle: list[Statements] = []
        self._has_answered = has_answered
        self._places = anyio.Semaphore(address.pool_size)

    @asynccontextmanager
    async def taken(self, *, transaction: bool = False) -> AsyncGenerator[Statements]:
        """Take a connection that answers, in a transaction or not; one that was broken off is rolled back."""
        async with self._places:
            statements = await self._answering(transaction=transaction)
            try:
                yield statements
            finally:
                await self._put_back(statements)

    async def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            await _close(self._idle.pop().driver)

    async def _answering(self, *, transaction: bool) -> Statements:
        """Return an idle connection that the server has not cut since, or a new one."""
        while self._idle:
            statements = self._idle.pop()
            try:
                await statements.begin(self._address, transaction=transaction)
            except OperationalError:
                await _close(statements.driver)
            except BaseException:
                await _close(statements.driver)
                raise
            else:
                return statements
        tries = Tries.begun(repeats=self._repeats)
        reopen = self._open if self._repeats and not self._writes else None
        while True:
            opened = await self._open()
            statements = Statements(opened, reopen=reopen)
            try:
                await statements.begin(self._address, transaction=transaction)
            except OperationalError as error:
                is_tried_again = tries.allow_another(error, opened)
                await _close(opened)
                if not is_tried_again:
                    raise
            except BaseException:
                await _close(opened)
                raise
            else:
                return statements

    async def _open(self) -> AsyncConnection[Any]:
        opened = await connect(self._address, writes=self._writes, restarting=self._has_answered)
        self._has_answered = True
        return opened

    async def _put_back(self, statements: Statements) -> None:
        driver = statements.driver
        with anyio.CancelScope(shield=True):
            if driver.info.transaction_status != TransactionStatus.IDLE:
                statements.stages.clear()  # one that the transaction has made goes with it
                try:
                    await driver.rollback()
                except psycopg.Error:
                    await driver.close()
            if not driver.closed:
                self._idle.append(statements)
