"""A project at work: its settings, its store and one pool of HTTP connections, opened and closed together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from orgsync.salesforce.http import Http
from orgsync.settings import Settings, load_settings
from orgsync.store import Store

__all__ = ["Workspace", "open_workspace"]


@dataclass(frozen=True, slots=True)
class Workspace:
    """What every command and call works with."""

    settings: Settings
    store: Store
    http: Http


@asynccontextmanager
async def open_workspace(settings: Settings | None = None) -> AsyncGenerator[Workspace]:
    """Open the project around the working directory, or the one whose settings are given."""
    settings = settings or load_settings()
    key = settings.key.get_secret_value() if settings.key else None
    async with (
        Store.open(settings.store_url, key=key, folder=settings.folder) as store,
        Http(settings.timeout) as http,
    ):
        yield Workspace(settings, store, http)
