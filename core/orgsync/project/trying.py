"""Trying a connection: one cheap call, which also heals one that was thought to need a new sign-in."""

from contextlib import suppress

from orgsync.errors import FieldNotFound, ObjectNotFound, QueryRefused
from orgsync.salesforce.api.client import Client

from .project import Project

__all__ = ["try_connection"]

_CHEAP = "SELECT Id FROM User LIMIT 1"


async def try_connection(project: Project, name: str) -> Client:
    """Make one API call, and note that the connection is ready; answer with the client that made it.

    A connection that needs sign-in is tried as well: an administrator may have undone what ended it. Raises
    SignInNeeded where Salesforce refuses the sign-in, AccessRefused where the user may not use the API, and
    whatever else keeps the call from being answered.
    """
    connection = await project.store.connections.get(name)
    client = project.open_client(connection)
    with suppress(FieldNotFound, ObjectNotFound, QueryRefused):  # then the org has answered, and that is what was asked
        await client.get("query", {"q": _CHEAP})
    if connection.status != "ready":
        await project.store.connections.update(name, status="ready", status_reason="")
    return client
