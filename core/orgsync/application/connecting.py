"""Making a connection: sign in first, keep it after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orgsync.context.stored import columns_of, secrets_of
from orgsync.errors import ConfigurationInvalid
from orgsync.salesforce.credentials import Credentials
from orgsync.salesforce.hosts import is_loopback, is_sandbox
from orgsync.salesforce.sign_in import sign_in
from orgsync.salesforce.versions import choose_version, offered_versions
from orgsync.store import Connection

from .workspace import Workspace

__all__ = ["SignIn", "connect", "environment_of"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A connection just made, and what the sign-in told beside it."""

    connection: Connection
    lifetime: float | None
    """Seconds a token lives; None where the app may not introspect tokens."""


async def connect(
    workspace: Workspace,
    name: str,
    credentials: Credentials,
    *,
    metadata: Mapping[str, Any] | None = None,
    tags: Sequence[str] | None = None,
) -> SignIn:
    """Sign in with these credentials and keep the connection; nothing is kept where the sign-in fails.

    A connection of that name is replaced, if it leads to the same org: its rows are that org's.
    Raises SignInNeeded where Salesforce refuses, ConfigurationInvalid for a bad name or another org.
    """
    require_name(name)
    existing = {each.name: each for each in await workspace.store.connections()}.get(name)
    signed_in = await sign_in(workspace.http, credentials, allowed_hosts=workspace.settings.allowed_hosts)
    if existing:
        _require_same_org(existing, signed_in)
    offered = await offered_versions(workspace.http, signed_in.instance_url or "")
    now = datetime.now(UTC)
    connection = Connection(
        name=name,
        environment=environment_of(signed_in.login_url),
        api_version=choose_version(offered, workspace.settings.api_version),
        status="ready",
        status_reason=None,
        details=dict(metadata if metadata is not None else existing.details if existing else {}),
        tags=list(tags if tags is not None else existing.tags if existing else []),
        created_at=existing.created_at if existing else now,
        updated_at=now,
        **columns_of(signed_in),
    )
    await workspace.store.save_connection(connection, secrets_of(signed_in))
    return SignIn(await workspace.store.connection(name), signed_in.lifetime)


def require_name(name: str) -> None:
    """Raise ConfigurationInvalid for a name that would be hard to write in a shell or a URL."""
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name) or not name[0].isalnum():
        raise ConfigurationInvalid(
            f"{name!r} is no name for a connection.", "Use letters, digits, dots, dashes and underscores: acme-sandbox."
        )


def environment_of(login_url: str) -> str:
    """Name the kind of org that a login URL leads to: production, sandbox, or one on this machine."""
    if is_loopback(login_url):
        return "loopback"
    return "sandbox" if is_sandbox(login_url) else "production"


def _require_same_org(existing: Connection, signed_in: Credentials) -> None:
    if existing.org_id and signed_in.org_id and existing.org_id[:15] != signed_in.org_id[:15]:
        raise ConfigurationInvalid(
            f"The connection {existing.name} is one to the org {existing.org_id}, but this sign-in leads to "
            f"{signed_in.org_id}.",
            "Choose another name, or remove the connection and its rows first: "
            f"orgsync connections remove {existing.name}.",
        )
