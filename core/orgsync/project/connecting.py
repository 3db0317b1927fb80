"""Making a connection: sign in first, keep it after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orgsync.errors import ArgumentInvalid, OrgMismatch
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.sign_in import sign_in
from orgsync.salesforce.auth.token_response import same_org
from orgsync.salesforce.auth.versions import choose_version, offered_versions
from orgsync.salesforce.hosts import is_loopback, is_sandbox, login_url
from orgsync.scripts import columns_of, secrets_of
from orgsync.settings import Settings
from orgsync.store import Connection, Environment

from .project import Project

__all__ = ["SignIn", "connect", "environment_of", "login_of", "require_name", "require_tags"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A connection just made, and what the sign-in told beside it."""

    connection: Connection
    lifetime: float | None
    """Seconds a token lives; None where the app may not introspect tokens."""


async def connect(
    project: Project,
    name: str,
    credentials: Credentials,
    *,
    metadata: Mapping[str, Any] | None = None,
    tags: Sequence[str] | None = None,
) -> SignIn:
    """Sign in with these credentials and keep the connection; nothing is kept where the sign-in fails.

    A connection of that name is replaced, if it leads to the same org: its rows are that org's.
    Raises SignInNeeded where Salesforce refuses, ConfigurationProblem for a bad name or another org.
    """
    require_name(name)
    require_tags(tags)
    await project.store.connections.require_key()
    login = login_of(credentials.login_url, project.settings)
    existing = {each.name: each for each in await project.store.connections.list()}.get(name)
    signed_in = await sign_in(
        project.http, replace(credentials, login_url=login), allowed_hosts=project.settings.allowed_hosts
    )
    if existing:
        _require_same_org(existing, signed_in)
    offered = await offered_versions(project.http, signed_in.instance_url or "")
    columns = columns_of(signed_in)
    columns["environment"] = environment_of(signed_in.login_url)
    columns["api_version"] = choose_version(offered, project.settings.api_version)
    columns["details"] = dict(metadata if metadata is not None else existing.details if existing else {})
    columns["tags"] = list(tags if tags is not None else existing.tags if existing else [])
    connection = Connection(name=name, **columns)
    kept = await project.store.connections.save(connection, secrets_of(signed_in))
    return SignIn(kept, signed_in.lifetime)


def require_name(name: str) -> None:
    """Raise ArgumentInvalid for a name that would be hard to write in a shell or a URL."""
    if not name or not all(letter.isalnum() or letter in "-_." for letter in name) or not name[0].isalnum():
        raise ArgumentInvalid(
            f"{name!r} is no name for a connection.", "Use letters, digits, dots, dashes and underscores: acme-sandbox."
        )


def require_tags(tags: Sequence[str] | None) -> None:
    """Raise ArgumentInvalid for one text in place of a list, whose letters would be taken for tags."""
    if isinstance(tags, str):
        raise ArgumentInvalid(f"tags is the text {tags!r}, but it takes a list.", f"Pass tags=[{tags!r}].")


def login_of(environment: str, settings: Settings) -> str:
    """Give the URL to sign in at for production, sandbox, or a login URL that a person gave."""
    if environment in ("production", "sandbox"):
        return login_url("sandbox" if environment == "sandbox" else "production")
    return login_url(None, environment, allowed_hosts=settings.allowed_hosts)


def environment_of(login_url: str) -> Environment:
    """Name the kind of org that a login URL leads to; custom is one on this machine."""
    if is_loopback(login_url):
        return "custom"
    return "sandbox" if is_sandbox(login_url) else "production"


def _require_same_org(existing: Connection, signed_in: Credentials) -> None:
    """Raise OrgMismatch unless the org ids, or where one is unknown the instances, are the same."""
    known = bool(existing.org_id and signed_in.org_id)
    before, now = existing.org_id, signed_in.org_id or ""
    if not known:
        before, now = existing.instance_url, signed_in.instance_url or ""
    if not (same_org(before, now) if known else before in ("", now)):
        raise OrgMismatch(
            f"The connection {existing.name} is one to the org {before}, but this sign-in leads to {now}.",
            "Choose another name, or remove the connection and its rows first: "
            f"orgsync connections remove {existing.name}.",
        )
