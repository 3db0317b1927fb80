"""A project at work: its settings, its store and one pool of HTTP connections, opened and closed together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Unpack

from structlog.contextvars import bound_contextvars

from orgsync.engine import Outcome, RunOptions, run_sync
from orgsync.records import Record
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.scripts import Context, Org, Sync, open_client, open_context, open_org
from orgsync.settings import Settings, load_settings
from orgsync.store import Connection, Store

__all__ = ["Project", "open_project"]


@dataclass(frozen=True, slots=True)
class Project:
    """What every command and call works with."""

    settings: Settings
    store: Store
    http: Http

    async def run(self, sync: Sync[Record], connection: str, **options: Unpack[RunOptions]) -> Outcome:
        """Run a sync on a connection; see `orgsync.engine.run_sync`. Log lines name both."""
        with bound_contextvars(sync=sync.name, connection=connection):
            return await run_sync(sync, connection, store=self.store, http=self.http, settings=self.settings, **options)

    async def open_org(self, connection: str) -> Org:
        """Open the API of a connection's org."""
        leads_to = await self.store.connections.get(connection)
        return await open_org(leads_to, store=self.store, http=self.http, settings=self.settings)

    async def open_context(self, connection: str) -> Context:
        """Open a context that no run commits: what conformance calls a sync with, to see what it reads."""
        leads_to = await self.store.connections.get(connection)
        return await open_context(leads_to, store=self.store, http=self.http, settings=self.settings)

    def open_client(self, connection: Connection) -> Client:
        """Open the API of a connection's org, whatever the connection's state."""
        return open_client(connection, store=self.store, http=self.http, settings=self.settings)


@asynccontextmanager
async def open_project(settings: Settings | None = None) -> AsyncGenerator[Project]:
    """Open the project around the working directory, or the one whose settings are given."""
    settings = settings or load_settings()
    key = settings.key.get_secret_value() if settings.key else None
    async with (
        Store.open(settings.store_url, key=key, folder=settings.folder) as store,
        Http(settings.timeout, bounds=Bounds.of(settings)) as http,
    ):
        yield Project(settings, store, http)
