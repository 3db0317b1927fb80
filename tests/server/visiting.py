"""A browser's cookies without the browser: a client that is signed in to the pages."""

import re
from dataclasses import dataclass
from types import TracebackType

import httpx

from tests.plain_http import NOBODY

from .serving import Served

__all__ = ["Visit", "visiting"]

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Visit:
    """A signed-in client, and what its forms show."""

    client: httpx.AsyncClient
    csrf: str

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Load a page."""
        return await self.client.get(path, headers=headers)

    async def send(self, path: str, **headers: str) -> httpx.Response:
        """Send a form of a page."""
        return await self.client.post(path, data={"csrf": self.csrf}, headers=headers)

    async def __aenter__(self) -> "Visit":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.client.aclose()


async def visiting(served: Served, *scopes: str, connections: list[str] | None = None, name: str = "visitor") -> Visit:
    """Sign in with a token of these scopes."""
    token = await served.token(*scopes, connections=connections, name=name)
    client = httpx.AsyncClient(verify=NOBODY, base_url=served.url, timeout=30)
    assert (await client.post("/sign-in", data={"token": token})).status_code == 303
    found = _CSRF.search((await client.get("/")).text)
    assert found is not None
    return Visit(client, found[1])
