"""The API of a connection's org with a project's resources, as a client, as an `Org`, and as a sync's context."""

from orgsync.engine import Resources
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.scripts import Context, Org, open_client, open_context, open_org
from orgsync.store import Connection

__all__ = ["client_of", "context_on", "org_of"]


def client_of(project: Resources, connection: Connection) -> Client:
    """Return the API of a connection's org, whatever the connection's state."""
    return open_client(
        connection,
        store=project.store,
        http=project.http,
        settings=project.settings,
        clock=project.clock,
        vault=_vault(project, connection.name),
    )


async def org_of(project: Resources, name: str) -> Org:
    """Return the authenticated API of a connection's org; nothing is sent yet."""
    return await open_org(
        await project.store.connections.get(name),
        store=project.store,
        http=project.http,
        settings=project.settings,
        clock=project.clock,
        vault=_vault(project, name),
    )


async def context_on(project: Resources, name: str) -> Context:
    """Return a context that no run commits."""
    return await open_context(
        await project.store.connections.get(name),
        store=project.store,
        http=project.http,
        settings=project.settings,
        clock=project.clock,
        vault=_vault(project, name),
    )


def _vault(project: Resources, name: str) -> CredentialsVault | None:
    return project.credentials(name) if project.credentials else None
