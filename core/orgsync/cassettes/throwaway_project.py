"""A throw-away project with one connection, in which a sync runs while it is recorded, replayed or tested."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import anyio
import stamina
from sqlmodel import select

from orgsync.engine import Job, Observer, Vaults, nobody
from orgsync.errors import PartlyDone
from orgsync.project import GivenScripts, Project
from orgsync.records import Record, schema_of
from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.scripts import Action, Org, Sync
from orgsync.scripts.loading import classes_of
from orgsync.settings import Settings
from orgsync.store import Run, Store

__all__ = ["Ran", "Sandbox", "fixed_masking_key", "throw_away", "without_waiting"]

R = TypeVar("R", bound=Record)
T = TypeVar("T")

_TRIES = 7  # as many as a request has outside of tests


@dataclass(frozen=True, slots=True)
class Ran(Generic[R]):
    """A run that has ended, and its result: `rows` are the live rows of its script's record classes, by Id.

    `changes` are what this run changed, as (Id, "added", "updated" or "deleted"), in the order of the change feed.
    """

    run: Run
    rows: list[R] = field(repr=False)
    changes: list[tuple[str, str]] = field(repr=False)

    @property
    def added(self) -> int:
        """Return the number of rows that were added."""
        return self.run.added

    @property
    def updated(self) -> int:
        """Return the number of rows that changed."""
        return self.run.updated

    @property
    def deleted(self) -> int:
        """Return the number of rows that were deleted."""
        return self.run.deleted

    @property
    def api_calls(self) -> int:
        """Return the number of API requests, retries included."""
        return self.run.api_calls

    @property
    def watermark(self) -> datetime | None:
        """Return the instant up to which every change has been read."""
        return self.run.watermark


async def fixed_masking_key(connection: str) -> bytes:
    """Return the key that tests mask with: always the same, so that a hash can be compared with another run's."""
    return b"orgsync's tests"


@asynccontextmanager
async def _in_the_store() -> AsyncGenerator[None]:
    yield None


def _only(vault: CredentialsVault) -> Vaults:
    """Return the vault for the one connection that there is."""
    return lambda _: vault


@dataclass(slots=True)
class Sandbox:
    """A project that is thrown away, with one connection.

    `prepare` creates the connection in the empty store; `http` opens HTTP other than to the network; `vault`
    opens what keeps its credentials, if that is not the store; `on_open` is called whenever the project is opened.
    """

    settings: Settings
    connection: str
    prepare: Callable[[Project], Awaitable[None]]
    clock: Callable[[], datetime]
    http: Callable[[], AbstractAsyncContextManager[Http]] | None = None
    vault: Callable[[], AbstractAsyncContextManager[CredentialsVault | None]] = _in_the_store
    on_open: Callable[[], None] = lambda: None
    _preparing: anyio.Lock = field(default_factory=anyio.Lock, init=False, repr=False)

    @asynccontextmanager
    async def project(self) -> AsyncGenerator[Project]:
        """Open the project, creating its connection the first time."""
        self.on_open()
        network: AbstractAsyncContextManager[Http] = (
            self.http() if self.http else Http(self.settings.timeout, bounds=Bounds.of(self.settings))
        )
        opened = Store.open(self.settings.store_url, folder=self.settings.folder)
        async with opened as store, network as http, self.vault() as vault:
            credentials = None if vault is None else _only(vault)
            project = Project(
                self.settings, store, http, self.clock, credentials=credentials, masking_keys=fixed_masking_key
            )
            async with self._preparing:  # several runs may start at once
                if not any(each.name == self.connection for each in await store.connections.list()):
                    await self.prepare(project)
            yield project

    @asynccontextmanager
    async def org(self) -> AsyncGenerator[Org]:
        """Open the API of the connection's org."""
        async with self.project() as project:
            yield await project.open_org(self.connection)

    async def do(self, action: Action[..., T], arguments: Mapping[str, Any]) -> T:
        """Run an action once, and return its result, also one that did not succeed. Raises the error that ended it."""
        __tracebackhide__ = True
        async with self.project() as project:
            job = Job("action", action.name, self.connection, arguments=dict(arguments))
            outcome = await replace(project, scripts=GivenScripts(actions=[action])).execute(job)
            if outcome.problem and not isinstance(outcome.problem, PartlyDone):
                raise outcome.problem.with_traceback(None)
            return cast("T", outcome.result)

    async def run(
        self, sync: Sync[R], *, full: bool = False, reconcile: bool = False, observe: Observer = nobody
    ) -> Ran[R]:
        """Run a sync once, and return its result. Raises the OrgsyncError that ended it."""
        __tracebackhide__ = True  # pytest shows the line of the test
        async with self.project() as project:
            before = await project.store.rows.last_change()
            job = Job("sync", sync.name, self.connection, full=full, reconcile=reconcile)
            outcome = await project.with_syncs(sync).execute(job, observe=observe)
            if outcome.problem:
                raise outcome.problem.with_traceback(None)
            rows, changes = await _rows_and_changes(project.store, sync, self.connection, before)
            return Ran(outcome.run, cast("list[R]", rows), changes)


async def _rows_and_changes(
    store: Store, sync: Sync[Any], connection: str, before: int
) -> tuple[list[Record], list[tuple[str, str]]]:
    """Return the live rows of a sync's tables, and what has changed in them since `before`."""
    rows: list[Record] = []
    changes: list[tuple[int, str, str]] = []
    there = await store.rows.tables()
    for model in {schema_of(each).table: each for each in classes_of(sync)}.values():
        if schema_of(model).table not in there:  # no batch of this class has been written yet
            continue
        async with store.session() as session:
            found = (await session.exec(select(model).where(model.connection == connection))).all()
        rows += [row for row in sorted(found, key=lambda row: row.id) if not row.is_deleted]
        changes += [(row.sync_number, row.id, row.sync_change) for row in found if row.sync_number > before]
    return rows, [(key, change) for _, key, change in sorted(changes)]


def throw_away(folder: Path, like: Settings) -> Settings:
    """Return the settings of a throw-away project that reads as `like` does, and writes to a folder of its own."""
    # Constructed, not validated, for variables would win; not copied, for a copy remembers the folder that was found.
    fields: dict[str, Any] = {name: getattr(like, name) for name in Settings.model_fields}
    fields |= {"project": folder, "database_url": "", "key": None}
    return Settings.model_construct(**fields)


@contextmanager
def without_waiting() -> Generator[None]:
    """Retry and poll without waiting; the number of tries stays."""
    before = stamina.is_testing()
    stamina.set_testing(True, attempts=_TRIES, cap=True)
    try:
        yield
    finally:
        stamina.set_testing(before)
