"""Making a connection: the sign-in, what the project's hooks say of the org, and only then what is stored."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, fields, replace
from typing import Any

import anyio

from orgsync.engine.hooks import call_on_connect
from orgsync.errors import FieldNotFound, KeyUnusable, ObjectNotFound, OrgMismatch, QueryRefused, SignInNeeded
from orgsync.errors.connection import naming_connection
from orgsync.field_mapping import mapping_as_text, mapping_from_json
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.sign_in import sign_in
from orgsync.salesforce.auth.token_endpoint import INTROSPECTION_HINT
from orgsync.salesforce.auth.token_response import same_org
from orgsync.salesforce.auth.versions import choose_version, offered_versions
from orgsync.scripts import ConnectionRules, StoredVault, columns_of, open_client, open_org, secrets_of
from orgsync.scripts.stored import credentials_of
from orgsync.store import Connection, ConnectionRow

from .access import access_to
from .script_sources import WithScripts
from .sign_ins import environment_of, login_url_of, require_name

__all__ = ["SignIn", "connect", "require_answer", "require_metadata", "require_ready", "row_of"]


_CHEAP_QUERY = "SELECT Id FROM User LIMIT 1"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A connection just made, and what the sign-in showed beside it.

    `lifetime` is how many seconds a token lives, None where the app may not introspect tokens; `hint` then says how it
    would. `again` says that the connection was there, and was signed in again.
    """

    connection: ConnectionRow
    lifetime: float | None
    hint: str = ""
    again: bool = False


async def require_ready(project: WithScripts, name: str, metadata: Mapping[str, Any] | None) -> None:
    """Raise what would keep a connection from being stored: its name, its metadata, the key, a broken script."""
    require_name(name)
    await project.store.connections.require_key()
    rules = project.scripts.connection_rules()
    if metadata is not None and not rules.on_connect:  # else a hook may give what is missing
        await require_metadata(project, rules, name, metadata)


async def require_answer(client: Client) -> None:
    """Make one API call, and raise whatever keeps it from being answered."""
    with suppress(FieldNotFound, ObjectNotFound, QueryRefused):  # an answer is all that is wanted
        await client.get("query", {"q": _CHEAP_QUERY})


async def require_metadata(
    project: WithScripts, rules: ConnectionRules, name: str, metadata: Mapping[str, Any]
) -> None:
    """Raise MetadataInvalid unless metadata fits each sync that declares a model, and is not switched off there."""
    if rules.metadata:
        off = [row.sync for row in await project.store.schedules.list() if row.off and row.connection == name]
        rules.require_metadata(metadata, connection=name, off=off)


async def connect(
    project: WithScripts,
    name: str,
    credentials: Credentials,
    *,
    metadata: Mapping[str, Any] | None,
    tags: Sequence[str] | None,
    mapping: Sequence[dict[str, Any]] | None,
    session: str | None = None,
) -> SignIn:
    """Sign in, call the project's hooks and store the connection; nothing is stored where any of it fails.

    `session` is the connect session that this finishes; then one call to the org is made first, so that the customer
    hears of what keeps it from being answered.
    """
    rules = project.scripts.connection_rules()
    hosts = project.settings.allowed_hosts
    existing = {each.name: each for each in await project.store.connections.list()}.get(name)
    login = login_url_of(project.settings, credentials.login_url)
    with naming_connection(name):
        signed_in = await sign_in(project.http, replace(credentials, login_url=login), allowed_hosts=hosts)
    if existing:
        _require_same_org(existing, signed_in)
    vault = _NewVault(signed_in, stored=_vault_with(project, existing, credentials))
    await vault.keep_rotated(credentials)
    with naming_connection(name):
        offered = await offered_versions(project.http, signed_in.instance_url or "")
    columns = columns_of(signed_in)
    columns["environment"] = environment_of(signed_in.login_url)
    columns["api_version"] = choose_version(offered, project.settings.api_version)
    columns["metadata_"] = dict(metadata if metadata is not None else existing.metadata_ if existing else {})
    columns["tags"] = list(tags if tags is not None else existing.tags if existing else [])
    columns["mapping"] = list(mapping if mapping is not None else existing.mapping if existing else [])
    connection = Connection(name=name, **columns)
    given: dict[str, Any] = {}
    access = access_to(name, project)
    access["vault"] = vault
    if session is not None:
        await require_answer(open_client(connection, **access))
    if rules.on_connect:
        org = await open_org(connection, **access)
        given = await call_on_connect(rules.on_connect, org)
        connection.metadata_ = connection.metadata_ | given
    if given or metadata is not None:
        await require_metadata(project, rules, name, connection.metadata_)
    stored = await project.store.connections.save(connection, secrets_of(vault.credentials), session=session)
    hint = "" if signed_in.lifetime else INTROSPECTION_HINT
    return SignIn(row_of(stored), signed_in.lifetime, hint, again=existing is not None)


@dataclass(slots=True)
class _NewVault:
    """The credentials of a connection that is not stored yet.

    `stored` is the vault of the connection that it replaces, where both sign in with one refresh token: a token that
    Salesforce has put in its place is kept there at once, or a refusal now would leave the old connection without any.
    """

    credentials: Credentials
    stored: StoredVault | None = None

    async def load(self) -> Credentials:
        return self.credentials

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        before, self.credentials = self.credentials, credentials
        await self.keep_rotated(before)
        return credentials

    async def keep_rotated(self, before: Credentials) -> None:
        if self.stored is not None and before.refresh_token != self.credentials.refresh_token:
            with anyio.CancelScope(shield=True):
                await self.stored.replace(self.credentials)

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        """Leave it: nothing is stored that could be marked."""
        return self.credentials

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        yield


def _vault_with(project: WithScripts, existing: Connection | None, credentials: Credentials) -> StoredVault | None:
    """Return the vault of an existing connection that signs in with the same refresh token; None without one."""
    if existing is None or credentials.refresh_token is None:
        return None
    try:
        stored = credentials_of(existing, project.store.connections.decrypt(existing))
    except KeyUnusable:  # it cannot be signed in with, so nothing of it is to be kept
        return None
    return StoredVault(project.store, existing.name) if stored.refresh_token == credentials.refresh_token else None


def row_of(connection: Connection) -> ConnectionRow:
    """Return a connection without its credentials."""
    other = ("metadata", "mapping")
    values = {each.name: getattr(connection, each.name) for each in fields(ConnectionRow) if each.name not in other}
    mapping = mapping_as_text(mapping_from_json(connection.mapping))
    return ConnectionRow(**values, metadata=connection.metadata_, mapping=mapping)


def _require_same_org(existing: Connection, signed_in: Credentials) -> None:
    """Raise OrgMismatch unless the org ids, or where one is unknown the instances, are the same."""
    known = bool(existing.org_id and signed_in.org_id)
    before, now = existing.org_id, signed_in.org_id or ""
    if not known:
        before, now = existing.instance_url, signed_in.instance_url or ""
    if not (same_org(before, now) if known else before in ("", now)):
        raise OrgMismatch(
            f"The connection {existing.name} is to the org {before}, but this sign-in leads to {now}.",
            "Choose another name, or remove the connection and its rows first: "
            f"orgsync connections remove {existing.name}.",
        )
