"""Opening a context: from a connection's name to an authenticated way into its org."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypedDict, Unpack

from orgsync.errors import SignInNeeded
from orgsync.extract import Copy, Route, Source
from orgsync.logs import get_logger, keep_retries_off_stdout
from orgsync.records import Position, Schema
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.http.http import Http
from orgsync.settings import Settings
from orgsync.store import Connection, Store

from .context import ConnectionInfo, Context
from .stored import StoredVault, credentials_of

__all__ = ["open_client", "open_context"]


def _now() -> datetime:
    return datetime.now(UTC)


class SourceOptions(TypedDict, total=False):
    """What extraction is told beside the settings; see `orgsync.extract.Source`."""

    reconcile_every: timedelta | None
    keeps_positions: bool
    tell: Callable[[Route], None]
    expect: Callable[[int], None]


class Reading(TypedDict, total=False):
    """From where a context's `changes` go on, whether they read everything or compare Ids, and what refuses a table."""

    positions: Mapping[str, Position]
    full: bool
    compare: bool
    require_own: Callable[[Schema], Awaitable[None]]


async def open_context(
    connection: Connection,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    reading: Reading | None = None,
    clock: Callable[[], datetime] = _now,
    vault: CredentialsVault | None = None,
    copy: Copy | None = None,
    **options: Unpack[SourceOptions],
) -> Context:
    """Open a context on a connection; nothing is sent yet.

    `vault` keeps the credentials elsewhere than in the store, as where the store is a copy that is thrown away.
    `copy` is where rows that are read are kept, their classes' own tables by default.

    Raises ConfigurationInvalid for an unknown name, and SignInNeeded for a connection that Salesforce has refused.
    """
    name = connection.name
    if connection.status == "needs sign-in":
        raise SignInNeeded(
            f"The connection {name} needs to be signed in again: {connection.status_reason}",
            f"Run: orgsync connect {name}",
        )
    keep_retries_off_stdout()
    log, own = (get_logger(logger).bind(connection=name) for logger in ("orgsync.script", "orgsync"))
    client = open_client(connection, store=store, http=http, settings=settings, clock=clock, vault=vault)
    client.warn = own.warning
    source = Source(
        client,
        copy or store.copy(name),
        lag=timedelta(seconds=settings.lag),
        overlap=timedelta(seconds=settings.overlap),
        bulk_from=settings.bulk_from,
        batch_rows=settings.batch_rows,
        stalled_after=settings.bulk_stalled_after,
        warn=own.warning,
        **options,
    )
    return Context(_info(connection), source, log=log, **(reading or {}))


def open_client(
    connection: Connection,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    clock: Callable[[], datetime] = _now,
    vault: CredentialsVault | None = None,
) -> Client:
    """Open the API of a connection's org, whatever the connection's state; nothing is sent yet."""
    return Client(
        http,
        Session(
            http,
            vault or StoredVault(store, connection.name),
            known=None if vault else lambda: credentials_of(connection, store.connections.decrypt(connection)),
            allowed_hosts=settings.allowed_hosts,
            clock=clock,
        ),
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
