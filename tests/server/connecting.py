"""A served project whose app customers can sign in with, and a customer with a browser of their own."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx

from orgsync.demo_org import DemoOrg
from tests.plain_http import NOBODY

from .serving import Served, serving

__all__ = ["Customer", "connecting", "new_link"]


@asynccontextmanager
async def connecting(folder: Path, org: DemoOrg, **settings: Any) -> AsyncGenerator[Served]:
    """Serve a project with the demo org's app, which knows the server's callback URL."""
    app = {"client_id": org.client_id, "client_secret": org.client_secret}
    async with serving(folder, org, None, **{**app, "allowed_hosts": (host_of(org),), **settings}) as served:
        org.callback_urls.append(f"{served.url}/connect/callback")
        yield served


def host_of(org: DemoOrg) -> str:
    """Return the demo org's host with its port, as a customer types it for a My Domain."""
    return urlsplit(org.login_url).netloc


async def new_link(served: Served, connection: str = "globex", **asked: Any) -> tuple[str, str]:
    """Make a session; return its id and the customer's URL."""
    async with await served.caller("connect", name=f"maker-{uuid4().hex}") as caller:
        answer = await caller.post(
            "/api/v1/connect-sessions", json={"connection": connection, "app_name": "Acme CRM", **asked}
        )
    assert answer.status_code == 201, answer.text
    return answer.json()["session"]["id"], answer.json()["url"]


class Customer:
    """A customer's browser, without a window: cookies, forms, and redirects that are followed one by one."""

    def __init__(self, org: DemoOrg) -> None:
        self._org = org
        self.browser = httpx.AsyncClient(verify=NOBODY, timeout=30)

    async def __aenter__(self) -> "Customer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.browser.aclose()

    async def begin(self, link: str, **fields: str) -> httpx.Response:
        """Open a link and send its form; `fields` are put in place of what stands there."""
        page = await self.browser.get(link)
        assert page.status_code == 200, page.text
        found = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert found is not None
        form = {"csrf": found[1], "environment": "my_domain", "my_domain": host_of(self._org), **fields}
        return await self.browser.post(link, data=form)

    async def allow(self, begun: httpx.Response, decision: str = "allow") -> str:
        """Decide on Salesforce's page; return the callback's URL, which is not opened yet."""
        assert begun.status_code == 303, begun.text
        answer = await self.browser.get(f"{begun.headers['location']}&decision={decision}")
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def connect(self, link: str, decision: str = "allow") -> httpx.Response:
        """Go the whole way; return what the callback answers."""
        return await self.browser.get(await self.allow(await self.begin(link), decision))
