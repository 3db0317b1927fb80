"""Opening a context: from a connection's name to an authenticated way into its org."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import structlog

from orgsync.errors import SignInNeeded
from orgsync.extract import Source
from orgsync.records import Position
from orgsync.salesforce.client import Client
from orgsync.salesforce.http import Http
from orgsync.salesforce.session import Session
from orgsync.settings import Settings
from orgsync.store import Connection, Store

from .context import ConnectionInfo, Context
from .stored import StoredCopy, StoredVault

__all__ = ["open_client", "open_context"]


def _now() -> datetime:
    return datetime.now(UTC)


def _nothing(_: int) -> None:
    """Expect nothing."""


async def open_context(
    name: str,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    positions: Mapping[str, Position] | None = None,
    full: bool = False,
    expect: Callable[[int], None] = _nothing,
    clock: Callable[[], datetime] = _now,
) -> Context:
    """Open a context on a connection; nothing is sent yet.

    Raises ConfigurationInvalid for an unknown name, and SignInNeeded for a connection that Salesforce has refused.
    """
    connection = await store.connection(name)
    if connection.status == "needs sign-in":
        raise SignInNeeded(
            f"The connection {name} needs to be signed in again: {connection.status_reason}",
            f"Run: orgsync connect {name}",
        )
    log: structlog.stdlib.BoundLogger = structlog.get_logger("orgsync").bind(connection=name)
    client = open_client(connection, store=store, http=http, settings=settings, clock=clock)
    source = Source(
        client, StoredCopy(store, name), lag=timedelta(seconds=settings.lag), warn=log.warning, expect=expect
    )
    return Context(_info(connection), source, positions=positions, full=full, log=log)


def open_client(
    connection: Connection, *, store: Store, http: Http, settings: Settings, clock: Callable[[], datetime] = _now
) -> Client:
    """Open the API of a connection's org, whatever the connection's state; nothing is sent yet."""
    vault = StoredVault(store, connection.name)
    return Client(
        http,
        Session(http, vault, allowed_hosts=settings.allowed_hosts, clock=clock),
        api_version=connection.api_version,
        login_url=connection.login_url,
        allowed_hosts=settings.allowed_hosts,
        limit_share=settings.api_limit_share,
        retry_for=settings.retry_for,
        clock=clock,
    )


def _info(connection: Connection) -> ConnectionInfo:
    return ConnectionInfo(
        name=connection.name,
        org_id=connection.org_id,
        user_id=connection.user_id,
        environment=connection.environment,
        instance_url=connection.instance_url,
        metadata=connection.details,
        tags=tuple(connection.tags),
    )
