"""Clients for tests, signed in to a demo org without a store."""

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

from orgsync.demo_org import DemoOrg
from orgsync.errors import SignInNeeded
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.http.bounds import DEFAULT_BOUNDS, Bounds
from orgsync.salesforce.http.http import Http
from tests.auth.vaults import MemoryVault
from tests.projects import credentials_for


@asynccontextmanager
async def client_of(
    org: DemoOrg,
    *,
    signed_in: bool = False,
    limit_share: float = 0.8,
    allowed_hosts: Collection[str] = (),
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    timeout: float = 60,  # noqa: ASYNC109 - what the client is made with
    bounds: Bounds = DEFAULT_BOUNDS,
) -> AsyncGenerator[Client]:
    credentials = credentials_for(org)
    if signed_in:
        credentials = replace(credentials, access_token=org.access_token(), instance_url=org.instance_url)
    async with Http(timeout=timeout, bounds=bounds) as http:
        session = Session(http, MemoryVault(credentials), allowed_hosts=allowed_hosts)
        yield Client(
            http,
            session,
            login_url=org.login_url,
            allowed_hosts=allowed_hosts,
            limit_share=limit_share,
            retry_for=10,
            clock=clock,
        )


def lone_client(http: Http, url: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Client:
    """Make a client that has a token already, for a server that only answers."""
    return Client(http, Session(http, OneTokenVault(url)), login_url=url, retry_for=5.5, clock=clock)


class OneTokenVault:
    """A vault that holds one token and takes no other."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def load(self) -> Credentials:
        return Credentials(
            grant="refresh-token", login_url=self.url, client_id="x", access_token="t", instance_url=self.url
        )

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        raise AssertionError("nothing is to be saved")

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        raise AssertionError("nothing is refused")

    def lock(self) -> "_NoLock":
        return _NoLock()


class _NoLock:
    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None
