"""A project: its settings and all that is opened for it; the one door for commands, applications and the scheduler."""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace

from structlog.contextvars import bound_contextvars

from orgsync.clock import utc_now
from orgsync.engine import Clock, Job, MaskingKeys, Observer, Outcome, Vaults, nobody, run_action, run_sync
from orgsync.records import Record
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.scripts import Org, Sync, open_client, open_org
from orgsync.settings import Settings, load_settings
from orgsync.store import Connection, Store
from orgsync.tracing import span

from .access import access_to
from .connect_sessions import ConnectSessions
from .connections import Connections
from .records import Records
from .runs import Runs
from .schedules import Schedules
from .script_sources import FolderScripts, GivenScripts, ScriptSource
from .syncs import Syncs
from .tokens import Tokens
from .view import require_database_url
from .webhooks import Webhooks

__all__ = ["Project", "open_project", "open_store"]


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that a job runs with.

    `scripts` finds syncs and actions by name. `credentials` returns what keeps a connection's credentials, and
    `masking_keys` the key that its columns are masked with, where that is not the store. Where the store is a copy
    that is thrown away afterwards, `sandbox_of` is what it is a copy of: no later run resumes what one leaves
    unfinished, but for its writes to the org, which are real.
    """

    settings: Settings
    store: Store
    http: Http
    clock: Clock = utc_now
    scripts: ScriptSource = field(default_factory=GivenScripts)
    credentials: Vaults | None = None
    masking_keys: MaskingKeys | None = None
    sandbox_of: Store | None = None

    async def execute(self, job: Job, *, observe: Observer = nobody) -> Outcome:
        """Run a job and return how it ended; `observe` is called with each event of the run.

        Log lines name sync or action, and connection. Raises NameUnknown for an unknown sync, action or connection,
        ScriptNotLoaded for a script that cannot be imported, AlreadyRunning while another run of the sync on the
        connection is under way, and ArgumentInvalid for an action's wrong arguments.
        """
        kind, name, connection = job.kind, job.name, job.connection
        about = f"{kind} {name}"
        with span(about, orgsync__kind=kind, orgsync__name=name, orgsync__connection=connection) as note:
            outcome = await self._run(job, observe)
            run = outcome.run
            note(
                orgsync__run=run.id,
                orgsync__outcome=run.status,
                orgsync__rows=run.added + run.updated + run.deleted + run.unchanged,
                orgsync__api_calls=run.api_calls,
                error=run.error_code or "",
            )
            return outcome

    async def _run(self, job: Job, observe: Observer) -> Outcome:
        if job.kind == "action":
            action = self.scripts.action(job.name)
            with bound_contextvars(action=job.name, connection=job.connection):
                return await run_action(action, job, self, observe=observe)
        sync = self.scripts.sync(job.name)
        with bound_contextvars(sync=job.name, connection=job.connection):
            return await run_sync(sync, job, self, observe=observe)

    def with_syncs(self, *syncs: Sync[Record]) -> "Project":
        """Return this project with these syncs in place of its scripts."""
        return replace(self, scripts=GivenScripts(syncs))

    @property
    def connections(self) -> Connections:
        """The connections: list, add, rename, test and remove them."""
        return Connections(lambda: nullcontext(self))

    @property
    def connect_sessions(self) -> ConnectSessions:
        """Links by which customers connect their own orgs."""
        return ConnectSessions(self)

    @property
    def syncs(self) -> Syncs:
        """The syncs and what they have copied: list, status, reset."""
        return Syncs(self)

    @property
    def schedules(self) -> Schedules:
        """When syncs are due on connections, where that differs from their scripts."""
        return Schedules(lambda: nullcontext(self))

    @property
    def tokens(self) -> Tokens:
        """The tokens of the HTTP API."""
        return Tokens(self.store)

    @property
    def webhooks(self) -> Webhooks:
        """The webhooks: endpoints, and what was and is to be delivered to them."""
        return Webhooks(self.store, self.settings)

    @property
    def runs(self) -> Runs:
        """The runs, latest first."""
        return Runs(self.store)

    @property
    def records(self) -> Records:
        """The rows of the copy, and the change feed."""
        return Records(self.store)

    async def open_org(self, connection: str) -> Org:
        """Return the authenticated API of a connection's org; nothing is sent yet."""
        return await open_org(await self.store.connections.get(connection), **access_to(connection, self))

    def open_client(self, connection: Connection) -> Client:
        """Return the API of a connection's org, whatever the connection's state."""
        return open_client(connection, **access_to(connection.name, self))


def open_store(settings: Settings) -> AbstractAsyncContextManager[Store]:
    """Open the store of a project; its database is made or upgraded if needed."""
    require_database_url(settings)
    key = settings.key.get_secret_value() if settings.key else None
    return Store.open(settings.store_url, key=key, folder=settings.folder)


@asynccontextmanager
async def open_project(
    settings: Settings | None = None, *, scripts: ScriptSource | None = None
) -> AsyncGenerator[Project]:
    """Open the project around the working directory, or the one whose settings are given.

    Syncs are those of the settings' folder and of installed packages, unless another source is given.
    """
    settings = settings or load_settings()
    async with (
        open_store(settings) as store,
        Http(settings.timeout, bounds=Bounds.of(settings)) as http,
    ):
        yield Project(settings, store, http, scripts=scripts or FolderScripts(settings.syncs_folder, settings.objects))
