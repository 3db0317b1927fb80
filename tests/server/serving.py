"""A project that is served over real HTTP, and a caller with a token."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal

from orgsync import Batches, Context, Record, field, sync
from orgsync.demo_org import DemoOrg
from orgsync.project import Project
from orgsync.server import ServerOptions, listening, running
from tests.plain_http import NOBODY
from tests.projects import SampleProject, project_at

__all__ = ["Contact", "Served", "contacts", "serving"]


class Contact(Record, table=True):
    last_name: str
    email: str | None
    account_id: str | None = field(index=True)


@sync
def contacts(ctx: Context) -> Batches[Contact]:
    return ctx.changes(Contact)


@dataclass(frozen=True, slots=True)
class Served:
    """A project that is served: its address, and the project itself."""

    url: str
    sample: SampleProject

    @property
    def project(self) -> Project:
        return self.sample.opened

    async def token(self, *scopes: str, connections: list[str] | None = None, name: str = "caller") -> str:
        """Make a token."""
        return await self.project.tokens.create(name, scopes=scopes, connections=connections)

    async def caller(
        self, *scopes: str, connections: list[str] | None = None, name: str = "caller"
    ) -> httpx.AsyncClient:
        """Return a client that shows a token with these scopes."""
        token = await self.token(*scopes, connections=connections, name=name)
        return httpx.AsyncClient(
            verify=NOBODY, base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=30
        )


@asynccontextmanager
async def serving(
    folder: Path, org: DemoOrg, options: ServerOptions | None = None, **settings: Any
) -> AsyncGenerator[Served]:
    """Serve a project whose connection `acme` leads to a demo org."""
    async with project_at(folder, org, **settings) as sample:
        with listening("127.0.0.1", 0) as socket:
            address = f"http://127.0.0.1:{socket.getsockname()[1]}"
            with start_blocking_portal() as portal:  # a loop of its own, as the server has in its process

                async def serve() -> None:
                    await running(socket, options or ServerOptions(), settings=sample.opened.settings)

                running_there = portal.start_task_soon(serve)
                yield Served(address, sample)
                running_there.cancel()
