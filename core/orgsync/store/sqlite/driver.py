"""The SQLite driver: database URL, settings, transactions."""

import re
import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, cast

import aiosqlite
import anyio.to_thread
from sqlalchemy import URL, Connection, event, make_url
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite_dialect
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from orgsync.errors import SettingInvalid, StoreUnavailable

from . import row_image

__all__ = [
    "NOT_DURABLE",
    "Statements",
    "Threads",
    "address",
    "engine",
    "file_of",
    "plain",
    "require_openable",
    "transaction",
]

T = TypeVar("T")

_BUSY_SECONDS = 10
_CACHE_KIB = 8 * 1024  # many rows come in the order of the table's key: more would save no time
_ENDS_WITHIN = 30.0
"""Seconds that threads may take for the statements that they are at; daemons, they keep no process from ending."""

NOT_DURABLE = "PRAGMA synchronous = NORMAL"
"""With a write-ahead log: a power cut may lose the last commits, never the database. Rows lost so are read again."""

_SETTINGS = (
    NOT_DURABLE,
    f"PRAGMA cache_size = -{_CACHE_KIB}",
    "PRAGMA temp_store = MEMORY",
)
_WRITE_AHEAD = "PRAGMA journal_mode = WAL"  # lets readers and the writer work at the same time; the file remembers it
_DURABLE = "PRAGMA synchronous = FULL"  # a commit is on the disk when it returns
_BEGIN_WRITING = "BEGIN IMMEDIATE"  # a transaction that turns to writing later fails when another writer was quicker
_KINDS = (
    "Use SQLite, with three slashes before the path, sqlite:///folder/orgsync.db, or PostgreSQL, "
    "postgresql://user@host/database."
)


def address(url: str) -> URL:
    """Parse the database URL; raises SettingInvalid for one that is not an SQLite file's."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingInvalid("The database URL cannot be read.", _meant(url) or _KINDS) from None
    if parsed.get_backend_name() != "sqlite":
        raise SettingInvalid(f"Databases of the kind {parsed.drivername!r} are not supported.", _KINDS)
    if parsed.host or parsed.username:
        raise SettingInvalid("The database URL names a host, and SQLite has none.", _meant(url) or _KINDS)
    if not parsed.database or ":memory:" in parsed.database:
        raise SettingInvalid(
            "The database URL names no file, and a copy in memory would be lost.",
            _meant(url) or "Write it as sqlite:///folder/orgsync.db.",
        )
    return parsed.set(drivername="sqlite+aiosqlite")


def _meant(url: str) -> str:
    """Return how a path that was given, alone or behind too few slashes, is written as a URL; "" for anything else.

    Only what ends as a file of SQLite does is repeated: anything else may be a password or a key.
    """
    path = re.sub("^sqlite:(//)?(?!/)", "", url, flags=re.IGNORECASE)
    if not re.fullmatch(r"[\w./ -]+\.(db|sqlite3?)", path):
        return ""
    return f"Write it with three slashes before the path: sqlite:///{path}."


def file_of(url: URL) -> Path:
    """Return the path of the database file."""
    return Path((url.database or "").removeprefix("file:"))


@dataclass(slots=True)
class _Begun:
    """The thread of a connection, and SQLite's own, which aiosqlite drops where its opening is given up."""

    thread: threading.Thread
    on: Any
    opened: list[sqlite3.Connection] = field(default_factory=list[sqlite3.Connection])

    @property
    def is_ending(self) -> bool:
        """Return whether the connection is closed or given up."""
        return self.on._connection is None or not self.on._running

    def close(self) -> None:
        """Close SQLite's connection where aiosqlite has not."""
        for each in self.opened:
            each.close()


class Threads:
    """The threads of a database's connections: aiosqlite has one for each."""

    def __init__(self) -> None:
        self._begun: list[_Begun] = []

    async def connect(self, url: URL) -> aiosqlite.Connection:
        """Open a connection, as SQLAlchemy would."""
        given, options = _connect_arguments(url)

        def keep(*given: Any, **options: Any) -> sqlite3.Connection:
            begun.opened.append(sqlite3.Connection(*given, **options))
            return begun.opened[-1]

        opening: Any = aiosqlite.connect(*given, **options, factory=keep)
        thread: threading.Thread = getattr(opening, "_thread", opening)  # before aiosqlite 0.22 it is one itself
        thread.daemon = True
        begun = _Begun(thread, opening)
        self._close_ended()
        self._begun.append(begun)
        return cast("aiosqlite.Connection", await opening)

    async def join(self) -> None:
        """Wait until those have ended whose connections are closed or given up.

        A connection whose opening or whose statement was cancelled is closed behind the back of who cancelled it, and
        its thread reports that to the event loop, which must still be there. One that somebody still uses is left.
        """
        until = time.monotonic() + _ENDS_WITHIN
        for each in self._begun:
            if each.is_ending and each.thread.is_alive():
                await anyio.to_thread.run_sync(each.thread.join, max(0.0, until - time.monotonic()))
        self._close_ended()

    def _close_ended(self) -> None:
        for each in self._begun:
            if not each.thread.is_alive():
                each.close()
        self._begun = [each for each in self._begun if each.thread.is_alive()]


def engine(url: URL, threads: Threads, *, use: Literal["reading", "writing"]) -> AsyncEngine:
    """Make an engine for sessions that read one state, or hold the write lock from their first statement."""
    writes = use == "writing"
    made = create_async_engine(
        url,
        async_creator=lambda: threads.connect(url),
        pool_size=2 if writes else 5,  # of two writers only the one whose turn it is writes
        max_overflow=0 if writes else 15,
        pool_timeout=30,
        hide_parameters=True,  # they are customers' data
    )

    @event.listens_for(made.sync_engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        try:
            _settle(connection, url, writes=writes)
        except BaseException:
            connection.close()  # its thread would outlive the error
            raise

    @event.listens_for(made.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        if writes:
            connection.exec_driver_sql(_DURABLE)
        connection.exec_driver_sql(_BEGIN_WRITING if writes else "BEGIN")

    return made


def _settle(connection: Any, url: URL, *, writes: bool) -> None:
    cursor = connection.cursor()
    for statement in _SETTINGS:
        cursor.execute(statement)
    cursor.execute(_WRITE_AHEAD if writes else "PRAGMA query_only = ON")
    if writes and cursor.fetchone()[0] != "wal":
        raise StoreUnavailable(
            f"The database {file_of(url)} cannot keep a write-ahead log.",
            "Put it on a local disk: network folders lack what SQLite needs.",
        )
    if writes and row_image.IS_SUPPORTED:
        cursor.execute(f"ATTACH ':memory:' AS {row_image.ATTACHED}")  # in a transaction, older versions refuse to
    cursor.close()


def plain(url: URL) -> sqlite3.Connection:
    """Open the file for this thread, without a pool, a setting or a transaction."""
    given, options = _connect_arguments(url)
    opened: sqlite3.Connection = sqlite3.connect(*given, **options)
    return opened


def _connect_arguments(url: URL) -> tuple[Any, dict[str, Any]]:
    given, options = aiosqlite_dialect().create_connect_args(url)
    return given, {"timeout": _BUSY_SECONDS, **options, "isolation_level": None}


def require_openable(url: URL) -> None:
    """Open the file and close it. Where aiosqlite fails to, its thread outlives the error and may outlive the loop."""
    with closing(plain(url)):
        pass


class Statements:
    """Statements sent to the driver directly: one switch to SQLite's thread each, where SQLAlchemy makes four."""

    def __init__(self, driver: aiosqlite.Connection) -> None:
        self._driver = driver

    @classmethod
    async def on(cls, connection: AsyncConnection) -> "Statements":
        """Use the driver of an SQLAlchemy connection, inside its transaction if there is one."""
        return cls(cast("aiosqlite.Connection", (await connection.get_raw_connection()).driver_connection))

    @property
    def immediate(self) -> "Immediate":
        """The same connection, for work inside `in_one_go`."""
        return Immediate(self._driver._conn)  # pyright: ignore[reportPrivateUsage]

    async def in_one_go(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run work in SQLite's thread, in one switch to it, that awaits `immediate` statements alone."""
        run: Any = self._driver._execute  # pyright: ignore # its own methods all go by it
        return cast("T", await run(lambda: _finished(work())))

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return cast("list[tuple[Any, ...]]", list(await self._driver.execute_fetchall(sql, parameters)))

    async def change_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each set of parameters; return how many rows were changed."""
        async with self._driver.executemany(sql, parameters) as cursor:
            return cursor.rowcount

    async def change_by_image(self, sql: str, parameters: Sequence[Any], image: bytes) -> int:
        """Open the image of a database beside this one, and run a statement that reads it; return how many changed."""

        async def change() -> int:
            return await self.immediate.change_by_image(sql, parameters, image)

        return await self.in_one_go(change)


class Immediate(Statements):
    """Statements run at once, by what is in SQLite's thread already: awaiting them never waits."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        return self._connection.execute(sql, parameters).fetchall()

    async def change_many(self, sql: str, parameters: Iterable[Sequence[Any]]) -> int:
        """Run a statement for each set of parameters; return how many rows were changed."""
        return self._connection.executemany(sql, parameters).rowcount

    async def change_by_image(self, sql: str, parameters: Sequence[Any], image: bytes) -> int:
        """Open the image of a database beside this one, and run a statement that reads it; return how many changed."""
        self._connection.deserialize(image, name=row_image.ATTACHED)
        return self._connection.execute(sql, parameters).rowcount


def _finished(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end that never waits."""
    try:
        work.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    work.close()
    raise RuntimeError("work in SQLite's thread awaits what is not its transaction's")


@asynccontextmanager
async def transaction(on: Statements, *, durable: bool = False) -> AsyncGenerator[None]:
    """Hold the write lock for the block, and commit at its end; after an error the caller rolls back.

    After an error the connection must be closed: it is still inside the transaction, and may still be durable.
    """
    if durable:
        await on.fetch(_DURABLE)
    await on.fetch(_BEGIN_WRITING)
    yield
    await on.fetch("COMMIT")
    if durable:
        await on.fetch(NOT_DURABLE)
