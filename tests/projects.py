"""A project for tests: its own folder and store, connected to a demo org."""

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from orgsync import Credentials, Record, Sync
from orgsync.demo_org import DemoOrg
from orgsync.engine import Committed, Job, Observer, Outcome
from orgsync.project import Project, access_to, open_project
from orgsync.scripts import Context, open_context
from orgsync.settings import Settings
from orgsync.store import Run

__all__ = ["Interruption", "SampleProject", "at_commits", "credentials_for", "executed", "project_at", "settings_for"]


class Interruption(BaseException):
    """What ends a run as Ctrl-C does, though at a commit of the test's choice."""


def _nothing(_: Committed) -> None:
    """Do nothing."""


def at_commits(do: Callable[[Committed], None]) -> Observer:
    """Observe a run's commits alone."""
    return lambda event: do(event) if isinstance(event, Committed) else None


async def executed(
    project: Project,
    sync: Sync[Record],
    connection: str = "acme",
    *,
    full: bool = False,
    reconcile: bool = False,
    clock: Callable[[], datetime] | None = None,
    on_commit: Callable[[Committed], None] = _nothing,
) -> Outcome:
    """Run a sync that a test has at hand."""
    job = Job("sync", sync.name, connection, full=full, reconcile=reconcile)
    ready = replace(project.with_syncs(sync), clock=clock or project.clock)
    return await ready.execute(job, observe=at_commits(on_commit))


def credentials_for(org: DemoOrg) -> Credentials:
    """Give what the demo org's app signs in with."""
    return Credentials(
        grant="refresh-token",
        login_url=org.login_url,
        client_id=org.client_id,
        client_secret=org.client_secret,
        refresh_token=org.refresh_token,
    )


def settings_for(folder: Path, **settings: Any) -> Settings:
    """Give the settings of a project in a folder: short timeouts, each page a batch, nothing read twice."""
    fast = {"timeout": 10, "retry_for": 10, "batch_rows": 1, "overlap": 0}
    place = {"database_url": _database_of(folder)}
    return Settings.model_validate({"project": folder, **place, **fast, **settings})


_FIRST: dict[str, Path] = {}


def _database_of(folder: Path) -> str:
    """Return the database of a project where tests run on PostgreSQL: the test's first has the test's own."""
    url = os.environ.get("ORGSYNC_DATABASE_URL", "")
    if not url or _FIRST.setdefault(url, folder) == folder:
        return url
    from .postgres_server import new_database

    return new_database(f"test_{sha256(f'{url} {folder}'.encode()).hexdigest()[:32]}")


@dataclass(frozen=True, slots=True)
class SampleProject:
    """An open project whose connection `acme` leads to a demo org."""

    opened: Project
    org: DemoOrg

    async def outcome(
        self,
        sync: Sync[Record],
        *,
        full: bool = False,
        reconcile: bool = False,
        on_commit: Callable[[Committed], None] = _nothing,
        clock: Callable[[], datetime] | None = None,
    ) -> Outcome:
        """Run a sync on acme, and give how it ended. The machine's clock is the org's unless another is given."""
        self.org.clear_requests()
        now = clock or (lambda: self.org.now)
        return await executed(self.opened, sync, full=full, reconcile=reconcile, clock=now, on_commit=on_commit)

    async def run(
        self,
        sync: Sync[Record],
        *,
        full: bool = False,
        reconcile: bool = False,
        clock: Callable[[], datetime] | None = None,
    ) -> Run:
        """Run a sync on acme; a problem that ends it fails the test."""
        outcome = await self.outcome(sync, full=full, reconcile=reconcile, clock=clock)
        if outcome.problem:
            raise outcome.problem
        return outcome.run

    async def interrupted(self, sync: Sync[Record], commits: int, *, reconcile: bool = False) -> bool:
        """Run a sync and break it off right behind so many commits; tell whether it had not ended before."""
        left = commits

        def interrupt(_: Committed) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Interruption

        try:
            await self.outcome(sync, reconcile=reconcile, on_commit=interrupt)
        except Interruption:
            return True
        return False

    async def open_context(self) -> Context:
        """Open a context on acme that no run commits."""
        return await open_context(await self.opened.store.connections.get("acme"), **access_to("acme", self.opened))

    async def live(self, table: str) -> dict[str, dict[str, Any]]:
        """Read the copy's live rows by Id."""
        return {row["id"]: row async for row in self.opened.store.rows.read(table)}

    async def feed(self, table: str, after: int = 0) -> list[tuple[str, str]]:
        """Read the change feed as (Id, what changed)."""
        rows = self.opened.store.rows.read(table, changes=True, after=after)
        return [(row["id"], row["sync_change"]) async for row in rows]

    @property
    def calls(self) -> list[str]:
        """The API calls of the last run, by the last part of their paths."""
        return [request.path.rstrip("/").rpartition("/")[2] for request in self.org.requests if request.counted]

    @property
    def queries(self) -> list[str]:
        """The SOQL that the last run sent."""
        return [request.query["q"] for request in self.org.requests if "q" in request.query]


@asynccontextmanager
async def project_at(folder: Path, org: DemoOrg, **settings: Any) -> AsyncGenerator[SampleProject]:
    """Open a project in a folder, connecting acme to the org the first time."""
    async with open_project(settings_for(folder, **settings)) as opened:
        if not await opened.store.connections.list():
            await opened.connections.connect("acme", credentials_for(org))
        yield SampleProject(opened, org)
