"""What a database must do to stand behind the store: a protocol without SQL.

A backend is one open database. The store decides what happens in which transaction; the backend knows the statements,
the locks and the clock. What passes between them is Python's own: datetimes, mappings, the classes of `model`, and
record rows in stored form.

Every time that is kept is the backend's: it stamps runs, checkpoints, leases and changed rows itself, by one clock for
all who share the database. Texts are compared by their bytes, names of tables in any case.
"""

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.records import RowEncoding

from .connect_session_table import ConnectSessionTable
from .control_tables import (
    CheckpointTable,
    ConnectionTable,
    LeaseTable,
    ObjectColumnTable,
    OwnerTable,
    RunTable,
    ScheduleTable,
    SeenIdTable,
    SignInTable,
)
from .health_table import HealthTable
from .record_tables import RecordRows, RecordTables
from .server_tables import ApiTokenTable, IdempotencyTable
from .webhook_table import WebhookTable
from .worker_tables import KeptLock, WorkerTables
from .write_table import WriteTable

__all__ = ["Backend", "IsDone", "Transaction", "Work", "repeatable"]

T = TypeVar("T")


class Transaction(Protocol):
    """A database in use by one task: the control tables, and the tables of records."""

    connections: ConnectionTable
    sign_ins: SignInTable
    leases: LeaseTable
    runs: RunTable
    schedules: ScheduleTable
    api_tokens: ApiTokenTable
    idempotency: IdempotencyTable
    connect_sessions: ConnectSessionTable
    webhooks: WebhookTable
    health: HealthTable
    checkpoints: CheckpointTable
    owners: OwnerTable
    seen_ids: SeenIdTable
    org_writes: WriteTable
    object_columns: ObjectColumnTable
    tables: RecordTables
    rows: RecordRows

    database: str
    """Where the database is, as messages name it."""

    async def now(self) -> datetime:
        """Return the backend's time, which may pass during a transaction."""
        ...


Work: TypeAlias = Callable[[Transaction], Coroutine[Any, Any, T]]
"""What is done in a transaction, perhaps again from the start: what it changes beside the database, it sets anew."""
IsDone: TypeAlias = Callable[[Transaction, T], Coroutine[Any, Any, bool]]
"""What finds out whether a transaction was committed whose answer was lost, given what its work has returned.

It runs in a new transaction, and first waits for a lock that the other one held: that may not have ended yet.
"""


async def repeatable(on: Transaction, result: object) -> bool:
    """Let a transaction whose answer was lost be done again: once it is done, doing it again changes nothing."""
    return False


class Backend(Protocol):
    """One open database."""

    is_shared: bool
    """Whether processes on other hosts may use the database."""

    encoding: RowEncoding | None
    """How the database takes rows at once, as EncodedRows, if it does."""

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """Read; each call sees what is committed by then, and nothing can be written."""
        ...

    def writing(self, *, durable: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Write in one transaction, which commits at the end of the block or rolls back on any error.

        Whatever reads in it may decide by what it has read: no other writer changes that before the commit. With
        `durable` the commit is on the disk when the block ends; without, a power cut may take the last commits away.
        """
        ...

    async def read(self, work: Work[T]) -> T:
        """Read as `reading` does, in one go: the work awaits nothing but what it is given, and what that returns."""
        ...

    async def write(self, work: Work[T], *, durable: bool = False, is_done: IsDone[T] | None = None) -> T:
        """Write in one transaction as `writing` does, in one go: see `read`.

        The work may be done again, from the start, where a server cuts the connection before it is asked to commit, and
        after that as `is_done` says; without it, a lost answer is a StoreUnavailable.
        Where a statement would cost a switch to the database's thread, all of them together cost one. What every run
        does is done so.
        """
        ...

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session for typed reading of one state of the database. It cannot write."""
        ...

    def lock(self, name: str, *, timeout: float | None) -> AbstractAsyncContextManager[None]:
        """Hold a lock across tasks and processes; it is released when its holder dies.

        Raises AlreadyRunning when it is not free within `timeout` seconds: at once for 0, never for None.
        """
        ...

    def workers(self) -> AbstractAsyncContextManager[WorkerTables]:
        """Read and write the tables of workers and their jobs, in one transaction as `writing` does.

        Raises PostgresNeeded where the database is a file of one host.
        """
        ...

    def queue_conninfo(self) -> tuple[str, str]:
        """Return how the queue of jobs connects to the database, password included, and the schema of its tables.

        Raises as `workers` does.
        """
        ...

    def queue_errors_explained(self) -> AbstractContextManager[None]:
        """Raise StoreUnavailable for what the server or the network did to the queue; raises as `workers` does."""
        ...

    def keep_lock(self, name: str, *, ttl: int) -> AbstractAsyncContextManager[KeptLock]:
        """Hold a lock that is freed when its holder has not kept it for `ttl` seconds, as one that was suspended.

        Raises AlreadyRunning, at once, while another holds it, and as `workers` does.
        """
        ...

    def own_holder(self) -> str:
        """Return the name under which this open database holds leases, in the form of `Holder.text`."""
        ...

    async def alive(self, holder: str) -> bool:
        """Return whether a holder may be alive: False only for one that is known to have died."""
        ...

    async def forget(self, holder: str) -> None:
        """Remove what is kept of a holder that has died."""
        ...

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the database is no longer the one that was opened."""
        ...

    async def require_writable(self) -> None:
        """Raise StoreUnavailable where the database takes no writes; nothing is changed."""
        ...

    async def held_back(self) -> str:
        """Say what has held back the change feeds for long, and what to do about it; empty where nothing has."""
        ...

    async def upgrade(self) -> None:
        """Make the control tables, or bring them to this package's version, while no other process does.

        Raises StoreUnavailable for a database of a newer version.
        """
        ...

    def sandbox(self, folder: Path) -> AbstractAsyncContextManager["Backend"]:
        """Open a copy of the whole database as it is now, in which no lease is held; it ends with the block.

        `folder` is an empty one for its files. Raises StoreUnavailable where there is no room for it.
        """
        ...
