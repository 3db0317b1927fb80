"""What is served: the open project, and what the server remembers while it runs."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import anyio
from fastapi import Request

from orgsync.project import Project, View
from orgsync.salesforce.api.client import Client
from orgsync.store import Connection

from .attempts import Attempts
from .jobs import Jobs
from .options import ServerOptions
from .overviews import Overviews
from .views import Views

__all__ = ["Served", "served_by"]

T = TypeVar("T")


@dataclass(slots=True)
class Served:
    """An open project, with failures to sign in by address, and when each token's use was stamped.

    `signed_out` are the sessions of browsers that have been ended before their time, `waits` what callers wait in.
    """

    project: Project
    options: ServerOptions
    jobs: Jobs
    views: Views
    attempts: Attempts = field(default_factory=Attempts)
    used: dict[str, float] = field(default_factory=dict[str, float])
    signed_out: set[str] = field(default_factory=set[str])
    clients: dict[str, tuple[datetime, Client]] = field(default_factory=dict[str, tuple[datetime, Client]])
    overviews: Overviews = field(init=False)
    waits: set[anyio.CancelScope] = field(default_factory=set[anyio.CancelScope])
    is_stopping: bool = False

    def __post_init__(self) -> None:
        """Know where the overview is read from."""
        self.overviews = Overviews(self.project)

    def client_of(self, connection: Connection) -> Client:
        """Return the API of a connection's org; the same one until the connection changes."""
        changed, client = self.clients.get(connection.name, (None, None))
        if client is None or changed != connection.updated_at:
            client = self.project.open_client(connection)
            self.clients[connection.name] = connection.updated_at, client
        return client

    @contextmanager
    def waiting(self, seconds: float = math.inf) -> Generator[None]:
        """Cancel the block after a number of seconds, and when the server stops: then callers get what there is."""
        with anyio.move_on_after(seconds) as scope:
            if self.is_stopping:
                scope.cancel()
            self.waits.add(scope)
            try:
                yield
            finally:
                self.waits.discard(scope)

    def end_waits(self) -> None:
        """Cancel all blocks of `waiting`, and those to come."""
        self.is_stopping = True
        for each in self.waits:
            each.cancel()

    async def view(self, read: Callable[[View], T], *, is_short: bool = False) -> T:
        """Return what a function reads of the database, as `Views.read` does."""
        return await self.views.read(read, is_short=is_short)


def served_by(request: Request) -> Served:
    """Return what the app of a request serves."""
    found: Served = request.app.state.served
    return found
