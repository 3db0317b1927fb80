"""Trying a connection: one cheap call, which also heals one that was thought to need a new sign-in."""

from contextlib import suppress

from orgsync.context.stored import StoredVault
from orgsync.errors import ObjectNotFound, QueryRefused
from orgsync.salesforce.client import Client
from orgsync.salesforce.session import Session
from orgsync.store import Connection

from .workspace import Workspace

__all__ = ["open_client", "try_connection"]

_CHEAP = "SELECT Id FROM User LIMIT 1"


def open_client(workspace: Workspace, connection: Connection) -> Client:
    """Open the API of a connection's org, whatever the connection's state; nothing is sent yet."""
    settings = workspace.settings
    session = Session(
        workspace.http, StoredVault(workspace.store, connection.name), allowed_hosts=settings.allowed_hosts
    )
    return Client(
        workspace.http,
        session,
        api_version=connection.api_version,
        login_url=connection.login_url,
        allowed_hosts=settings.allowed_hosts,
        limit_share=settings.api_limit_share,
        retry_for=settings.retry_for,
    )


async def try_connection(workspace: Workspace, name: str) -> Client:
    """Make one API call, and note that the connection is ready; answer with the client that made it.

    A connection that needs sign-in is tried as well: an administrator may have undone what ended it. Raises
    SignInNeeded where Salesforce refuses the sign-in, AccessRefused where the user may not use the API, and
    whatever else keeps the call from being answered.
    """
    connection = await workspace.store.connection(name)
    client = open_client(workspace, connection)
    with suppress(ObjectNotFound, QueryRefused):  # then the org has answered, and that is what was asked
        await client.get("query", {"q": _CHEAP})
    if connection.status != "ready":
        await workspace.store.update_connection(name, status="ready", status_reason="")
    return client
