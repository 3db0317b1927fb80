"""Opening the org of a stored connection: as an `Org` for an application, as a `Context` for a sync."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import TypedDict, Unpack

from orgsync.clock import utc_now
from orgsync.contents import ContentFolder
from orgsync.errors import SignInNeeded
from orgsync.extract import Copy, ReportDescribed, Route, Source
from orgsync.field_mapping import mapping_from_json
from orgsync.logs import get_logger, keep_retries_off_stdout
from orgsync.records import Position, Schema
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.salesforce.auth.session import Session
from orgsync.salesforce.http.http import Http
from orgsync.settings import Settings
from orgsync.store import Connection, Store
from orgsync.writes import Ledgers

from .context import Context, Stored
from .org import ConnectionInfo, Org
from .stored import StoredVault, credentials_of

__all__ = ["ReadOptions", "open_client", "open_context", "open_org"]


class SourceOptions(TypedDict, total=False):
    """What extraction needs beside the settings; see `orgsync.extract.Source`."""

    reconcile_every: timedelta | None
    reread_every: timedelta | None
    keeps_positions: bool
    masking_key: bytes
    report_plan: Callable[[Route], None]
    report_total: Callable[[int], None]
    report_described: ReportDescribed
    warn: Callable[[str], None]


class ReadOptions(TypedDict, total=False):
    """How a context reads: from which positions, everything again, with Ids compared; `require_own` refuses tables.

    `ledgers` are where its writes to the org are noted, by default in the store.
    """

    positions: Mapping[str, Position]
    full: bool
    reconcile: bool
    require_own: Callable[[Schema], Awaitable[None]]
    ledgers: Ledgers


async def open_org(
    connection: Connection,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    vault: CredentialsVault | None = None,
    even_refused: bool = False,
) -> Org:
    """Open the API of a connection's org; nothing is sent yet.

    `vault` keeps the credentials elsewhere than in the store, for a store that is a throw-away copy. Raises
    SignInNeeded for a connection that Salesforce has refused; with `even_refused`, its calls do.
    """
    client = _signed_in(
        connection, store=store, http=http, settings=settings, clock=clock, vault=vault, even_refused=even_refused
    )
    ledgers = Ledgers(store, connection.name)
    return Org(
        _info(connection),
        client,
        ledgers=ledgers,
        stalled_after=timedelta(seconds=settings.bulk_stalled_after),
        mapping=mapping_from_json(connection.mapping),
    )


async def open_context(
    connection: Connection,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    reading: ReadOptions | None = None,
    clock: Callable[[], datetime] = utc_now,
    vault: CredentialsVault | None = None,
    copy: Copy | None = None,
    **options: Unpack[SourceOptions],
) -> Context:
    """Open the context of a sync; nothing is sent yet.

    `copy` is where rows that are read are kept, by default in the tables of their own classes. The rest is as in
    `open_org`.
    """
    client = _signed_in(connection, store=store, http=http, settings=settings, clock=clock, vault=vault)
    client.warn = options.setdefault("warn", client.warn)
    source = Source(
        client,
        copy or store.copy(connection.name),
        mapping=mapping_from_json(connection.mapping),
        lag=timedelta(seconds=settings.lag),
        overlap=timedelta(seconds=settings.overlap),
        bulk_from=settings.bulk_from,
        batch_rows=settings.batch_rows,
        stalled_after=settings.bulk_stalled_after,
        **options,
    )
    folder = ContentFolder(settings.contents_folder, settings.project) if source.keeps_positions else None
    stored = Stored(store.content_rows(connection.name), folder, settings.contents_budget, store.object_columns)
    how: ReadOptions = {"ledgers": Ledgers(store, connection.name), **(reading or {})}
    return Context(_info(connection), source, stored=stored, **how)


def _signed_in(
    connection: Connection,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    clock: Callable[[], datetime],
    vault: CredentialsVault | None,
    even_refused: bool = False,
) -> Client:
    """Open the API of a connection that can sign in; its warnings are logged."""
    name = connection.name
    if connection.status == "needs sign-in" and not even_refused:
        raise SignInNeeded.again(name, connection.status_reason)
    keep_retries_off_stdout()
    client = open_client(connection, store=store, http=http, settings=settings, clock=clock, vault=vault)
    client.warn = get_logger("orgsync").bind(connection=name).warning
    return client


def open_client(
    connection: Connection,
    *,
    store: Store,
    http: Http,
    settings: Settings,
    clock: Callable[[], datetime] = utc_now,
    vault: CredentialsVault | None = None,
    interactive: bool = False,
) -> Client:
    """Open the API of a connection's org, whatever the connection's state; nothing is sent yet.

    `interactive` says that a person waits for it, who is told at once of what lasts until somebody acts.
    """
    session = Session(
        http,
        vault or StoredVault(store, connection.name),
        known=None if vault else lambda: credentials_of(connection, store.connections.decrypt(connection)),
        allowed_hosts=settings.allowed_hosts,
        clock=clock,
        interactive=interactive,
    )
    session.connection = connection.name
    return Client(
        http,
        session,
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
        metadata=connection.metadata_,
        tags=tuple(connection.tags),
    )
