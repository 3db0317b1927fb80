"""The store: opens a database, and hands out its connections, runs, rows and copies."""

from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from datetime import datetime
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from orgsync.errors import StoreUnavailable

from . import backends
from .alerts import Alerts
from .api_tokens import ApiTokens
from .backend import Backend
from .connect_sessions import ConnectSessions
from .connection_copy import Copy
from .connections import Connections
from .content_rows import ContentRows
from .feed import Feed
from .idempotency import IdempotencyKeys
from .keys import Keys
from .leases import Leases
from .object_columns import ObjectColumns
from .org_schemas import OrgSchemas
from .org_writes import OrgWrites
from .private import require_private, temporary_folder
from .rows import Rows
from .runs import Runs
from .schedules import Schedules
from .sign_ins import SignIns
from .vault import Vault
from .webhooks import Webhooks
from .worker_tables import KeptLock, WorkerTables

__all__ = ["Store"]


class Store:
    """The database, the credentials in it and its locks; made by `async with Store.open(...)`."""

    connections: Connections
    sign_ins: SignIns
    keys: Keys
    runs: Runs
    schedules: Schedules
    api_tokens: ApiTokens
    idempotency: IdempotencyKeys
    connect_sessions: ConnectSessions
    rows: Rows
    feed: Feed
    org_writes: OrgWrites
    object_columns: ObjectColumns
    webhooks: Webhooks
    alerts: Alerts
    org_schemas: OrgSchemas

    def __init__(self, backend: Backend, vault: Vault) -> None:
        self._backend = backend
        leases, owned = Leases(backend), dict[int, set[str]]()
        self.connections = Connections(backend, vault)
        self.sign_ins = SignIns(backend, vault)
        self.keys = Keys(backend, vault)
        self.runs = Runs(backend, leases, owned)
        self.schedules = Schedules(backend)
        self.api_tokens = ApiTokens(backend, vault)
        self.idempotency = IdempotencyKeys(backend)
        self.connect_sessions = ConnectSessions(backend)
        self.rows = Rows(backend, leases, owned)
        self.feed = Feed(backend)
        self.org_writes = OrgWrites(backend)
        self.object_columns = ObjectColumns(backend)
        self.webhooks = Webhooks(backend, vault, leases)
        self.alerts = Alerts(backend)
        self.org_schemas = OrgSchemas(backend)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, key: str | None = None, folder: Path) -> "AsyncGenerator[Store]":
        """Open the database at `url`, created or upgraded if needed, and close it at the end.

        `folder` holds the locks and, unless `key` is given, the key file. Raises SettingInvalid for a URL
        of no supported database, StoreUnavailable for a database that cannot be used.
        """
        _make(folder)
        async with backends.open_backend(url, folder) as backend:
            yield cls(backend, Vault(key, folder / "key"))

    def copy(
        self,
        connection: str,
        *,
        sync: str = "",
        tables: Mapping[str, str] | None = None,
        written: Collection[str] = (),
    ) -> Copy:
        """Return one connection's copy; see `Copy` for `tables` and `written`."""
        return Copy(
            self._backend, self.rows, connection, sync=sync, tables={} if tables is None else tables, written=written
        )

    def content_rows(self, connection: str) -> ContentRows:
        """Return one connection's rows that have contents."""
        return ContentRows(self._backend, connection)

    def lock(self, name: str, *, timeout: float | None) -> AbstractAsyncContextManager[None]:
        """Hold a lock across tasks and processes; it is released when its holder dies.

        Raises AlreadyRunning when it is not free within `timeout` seconds: at once for 0, never for None.
        """
        return self._backend.lock(name, timeout=timeout)

    def workers(self) -> AbstractAsyncContextManager[WorkerTables]:
        """Read and write the tables of workers and their jobs, in one transaction.

        Raises PostgresNeeded where the database is a file of one host.
        """
        return self._backend.workers()

    def queue_conninfo(self) -> tuple[str, str]:
        """Return how the queue of jobs connects, password included, and its tables' schema; raises as `workers`."""
        return self._backend.queue_conninfo()

    def queue_errors_explained(self) -> AbstractContextManager[None]:
        """Raise StoreUnavailable for what the server or the network did to the queue, whose driver's errors pass."""
        return self._backend.queue_errors_explained()

    def keep_lock(self, name: str, *, ttl: int) -> AbstractAsyncContextManager[KeptLock]:
        """Hold a lock that is freed when it was not kept for `ttl` seconds.

        Raises AlreadyRunning, at once, while another holds it, and as `workers` does.
        """
        return self._backend.keep_lock(name, ttl=ttl)

    @property
    def holder(self) -> str:
        """The name under which this open store holds leases."""
        return self._backend.own_holder()

    async def alive(self, holder: str) -> bool:
        """Return whether a holder may be alive: False only for one that is known to have died."""
        return await self._backend.alive(holder)

    async def now(self) -> datetime:
        """Return the database's time: the server's where there is one."""
        async with self._backend.reading() as on:
            return await on.now()

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session to read with: `(await session.exec(select(Contact))).all()`. It cannot write."""
        return self._backend.session()

    @property
    def is_shared(self) -> bool:
        """Whether processes on other hosts may use the database."""
        return self._backend.is_shared

    def require_in_place(self) -> None:
        """Raise StoreReplaced where the database was deleted or replaced since it was opened."""
        self._backend.require_in_place()

    async def require_writable(self) -> None:
        """Raise StoreUnavailable where the database takes no writes; nothing is changed."""
        await self._backend.require_writable()

    async def held_back(self) -> str:
        """Say what has held back the change feeds for long, and what to do about it; empty where nothing has."""
        return await self._backend.held_back()

    @asynccontextmanager
    async def sandbox(self) -> "AsyncGenerator[Store]":
        """Open a copy of the whole database as it is now, to try things on; it is deleted after the block.

        Nobody holds a lease in it, and credentials cannot be decrypted there. Raises StoreUnavailable where there is
        no room for it in the temporary folder, which TMPDIR chooses.
        """
        with temporary_folder() as folder:
            async with self._backend.sandbox(folder) as backend:
                yield Store(backend, Vault(None, folder / "key"))


def _make(folder: Path) -> None:
    require_private(folder, "The folder", instead="Move the folder itself to the link's place, or remove the link.")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {folder} cannot be created: {error.strerror}.", "Make the one above it writable for this user."
        ) from error
