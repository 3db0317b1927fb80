"""What an org is opened with: a project's resources, and what keeps the connection's credentials."""

from typing import TypedDict

from orgsync.engine import Clock, Resources
from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.salesforce.http.http import Http
from orgsync.settings import Settings
from orgsync.store import Store

__all__ = ["Access", "access_to"]


class Access(TypedDict):
    """What a client, an Org or a Context takes beside its connection; without `vault`, the store keeps credentials."""

    store: Store
    http: Http
    settings: Settings
    clock: Clock
    vault: CredentialsVault | None


def access_to(connection: str, project: Resources) -> Access:
    """Return what the org of a connection, by its name, is opened with."""
    return {
        "store": project.store,
        "http": project.http,
        "settings": project.settings,
        "clock": project.clock,
        "vault": project.credentials(connection) if project.credentials else None,
    }
