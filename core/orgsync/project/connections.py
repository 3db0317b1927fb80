"""The connections of a project: made by signing in, listed, renamed, tested and removed."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from orgsync.engine import Resources
from orgsync.errors import FieldNotFound, ObjectNotFound, OrgMismatch, QueryRefused, SignInNeeded
from orgsync.field_mapping import mapping_as_text, mapping_from_json
from orgsync.logs import get_logger
from orgsync.records import Record
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.sign_in import sign_in
from orgsync.salesforce.auth.token_endpoint import INTROSPECTION_HINT
from orgsync.salesforce.auth.token_response import same_org
from orgsync.salesforce.auth.versions import choose_version, offered_versions
from orgsync.salesforce.auth.web_flow import Authorization, begin, finish, state_of
from orgsync.scripts import StoredVault, columns_of, open_client, secrets_of
from orgsync.store import Connection, ConnectionRow
from orgsync.store.connections import ConnectionColumns

from .access import access_to
from .mappings import FieldMapping, change_mapping, resolved
from .sign_ins import checked_tags, environment_of, login_url_of, require_name

__all__ = ["BrowserSignIn", "Connections", "SignIn"]

R = TypeVar("R", bound=Record)

_CHEAP_QUERY = "SELECT Id FROM User LIMIT 1"


@dataclass(frozen=True, slots=True)
class SignIn:
    """A connection just made, and what the sign-in showed beside it.

    `lifetime` is how many seconds a token lives, None where the app may not introspect tokens; `hint` then says how it
    would.
    """

    connection: ConnectionRow
    lifetime: float | None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class BrowserSignIn:
    """A sign-in begun for a browser: keep `state` in the browser's session, and send the browser to `url`.

    Both are secret until the sign-in has ended; do not log them.
    """

    url: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of the project that `open` opens for each call."""

    open: Callable[[], AbstractAsyncContextManager[Resources]] = field(repr=False)

    async def list(self, *, tag: str | None = None) -> list[ConnectionRow]:
        """Return all connections by name, or those with a tag; raises StoreUnavailable for an unusable database."""
        async with self.open() as project:
            stored = await project.store.connections.list()
        return [_row(each) for each in stored if tag is None or tag in each.tags]

    async def get(self, name: str) -> ConnectionRow:
        """Return one connection; raises NameUnknown, which names the nearest, for an unknown name."""
        async with self.open() as project:
            return _row(await project.store.connections.get(name))

    async def add(
        self,
        name: str,
        credentials: Credentials,
        *,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        mapping: FieldMapping[R] | None = None,
    ) -> ConnectionRow:
        """Sign in, store the connection and return it; the rest, and what is raised, is as in `connect`."""
        return (await self.connect(name, credentials, metadata=metadata, tags=tags, mapping=mapping)).connection

    async def connect(
        self,
        name: str,
        credentials: Credentials,
        *,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        mapping: FieldMapping[R] | None = None,
    ) -> SignIn:
        """Sign in with these credentials and store the connection; nothing is stored where the sign-in fails.

        A connection of that name is replaced, if it leads to the same org: its rows are that org's. `mapping` is its
        field mapping, in place of the one that it has; see `map`. Whether the org has the fields is what its first run,
        and `orgsync doctor`, find. Raises SignInNeeded where Salesforce refuses, ArgumentInvalid for a bad name or tag,
        MappingInvalid for a column that no script has, and OrgMismatch for another org.
        """
        require_name(name)
        tags = None if tags is None else checked_tags(tags)
        async with self.open() as project:
            kept = None if mapping is None else resolved(mapping, project.settings).stored
            await project.store.connections.require_key()
            async with StoredVault(project.store, name).lock():  # nobody else uses up a stored refresh token now
                return await _connect(project, name, credentials, metadata=metadata, tags=tags, mapping=kept)

    async def begin(
        self,
        name: str,
        *,
        redirect_uri: str,
        client_id: str,
        client_secret: str | None = None,
        environment: str = "production",
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        mapping: FieldMapping[R] | None = None,
    ) -> BrowserSignIn:
        """Begin the web server flow for a customer; `finish` ends it, in any process that shares the store.

        Keep the state of what is returned in the session of the browser that asked, for `finish`.
        `environment` is production, sandbox or a My Domain login URL. The state and the PKCE verifier are stored,
        encrypted, for a day. `redirect_uri` must be one of the app's callback URLs, exactly as it is there. `mapping`
        is as in `connect`. Raises ArgumentInvalid for a bad name or tag, MappingInvalid for a column that no script
        has, HostNotAllowed for a login URL that is not Salesforce's, and KeyUnusable where nothing can be encrypted.
        """
        require_name(name)
        tags = None if tags is None else checked_tags(tags)
        async with self.open() as project:
            begun = begin(login_url_of(project.settings, environment), client_id, redirect_uri)
            kept = {
                "name": name,
                "url": begun.url,
                "state": begun.state,
                "code_verifier": begun.code_verifier,
                "login_url": begun.login_url,
                "client_id": client_id,
                "client_secret": client_secret,
                "redirect_uri": redirect_uri,
                "metadata": None if metadata is None else dict(metadata),
                "tags": tags,
                "mapping": None if mapping is None else resolved(mapping, project.settings).stored,
            }
            await project.store.sign_ins.save(begun.state, kept)
            return BrowserSignIn(begun.url, begun.state)

    async def finish(self, callback_url: str, *, state: str | None) -> ConnectionRow:
        """End the web server flow with the URL that Salesforce sent the customer's browser back to.

        `state` is what `begin` gave to the same browser's session, None where that has begun nothing. Without it a
        customer who is lured to somebody else's sign-in URL would connect their org under that one's name.
        Raises SignInNeeded for a callback of another browser's sign-in or that no sign-in waits for, and where
        Salesforce or the customer refused.
        """
        if not state or not secrets.compare_digest((state_of(callback_url) or "").encode(), state.encode()):
            raise SignInNeeded(
                "This browser did not begin the sign-in that it comes back from, so nothing was connected.",
                "Begin the sign-in again, and finish it in the same browser.",
            )
        async with self.open() as project:
            kept = await project.store.sign_ins.take(state)
            if kept is None:
                raise SignInNeeded(
                    "No sign-in waits for this callback: it was finished before, or is older than a day.",
                    "Begin the sign-in again.",
                )
            parts = ("url", "state", "code_verifier", "login_url", "client_id", "redirect_uri")
            credentials = await finish(
                project.http,
                Authorization(**{part: kept[part] for part in parts}),
                callback_url,
                client_secret=kept["client_secret"],
                allowed_hosts=project.settings.allowed_hosts,
            )
            owned = {part: kept.get(part) for part in ("metadata", "tags", "mapping")}
            made = await _connect(project, kept["name"], credentials, **owned)
            return made.connection

    async def update(
        self, name: str, *, metadata: Mapping[str, Any] | None = None, tags: Sequence[str] | None = None
    ) -> ConnectionRow:
        """Replace a connection's metadata or tags, those that are given, and return the connection.

        Raises NameUnknown for an unknown connection, and ArgumentInvalid for a tag that is no word.
        """
        changed = ConnectionColumns()
        if metadata is not None:
            changed["metadata_"] = dict(metadata)
        if tags is not None:
            changed["tags"] = checked_tags(tags)
        async with self.open() as project:
            return _row(await project.store.connections.update(name, **changed))

    async def map(self, name: str, mapping: FieldMapping[R]) -> ConnectionRow:
        """Fill columns from other fields on one connection: `map("acme", {"Contact.level": "Tier__c"})`.

        The class, its table and the column stay; `{Contact: {"level": "Tier__c"}}` names the class itself. A column
        that is not named keeps its mapping, None takes it away. The next run reads the column of every row again.
        Raises MappingInvalid for a class or a column that no script has, with the nearest, and for a field whose type
        does not fit; FieldNotFound for a field that the org does not show. Where the org does not answer, the mapping
        is kept, and a warning is logged.
        """
        async with self.open() as project:
            changed, unchecked = await change_mapping(project, name, mapping)
        if unchecked:
            get_logger("orgsync").bind(connection=name).warning(unchecked)
        return _row(changed)

    async def test(self, name: str) -> Client:
        """Make one API call, note that the connection is ready, and return the client that made the call.

        A connection that needs sign-in is tested as well: an administrator may have undone what ended it. Raises
        SignInNeeded where Salesforce refuses the sign-in, AccessRefused where the user may not use the API, and
        whatever else keeps the call from being answered.
        """
        async with self.open() as project:
            connection = await project.store.connections.get(name)
            client = open_client(connection, **access_to(name, project))
            with suppress(FieldNotFound, ObjectNotFound, QueryRefused):  # an answer is all that was wanted
                await client.get("query", {"q": _CHEAP_QUERY})
            if connection.status != "ready":
                await project.store.connections.update(name, status="ready", status_reason="")
            return client

    async def rename(self, name: str, new: str) -> None:
        """Give a connection another name, in its rows, runs and checkpoints too.

        Raises NameUnknown for an unknown connection, NameTaken for a name that a connection or rows have, and
        ArgumentInvalid for a bad name.
        """
        require_name(new)
        async with self.open() as project:
            await project.store.connections.rename(name, new)

    async def remove(self, name: str, *, keep_rows: bool = False) -> None:
        """Remove a connection, its credentials and checkpoints, and its rows and runs unless `keep_rows`.

        The org is not touched. Raises NameUnknown for an unknown connection.
        """
        async with self.open() as project:
            await project.store.connections.remove(name, keep_rows=keep_rows)


async def _connect(
    project: Resources,
    name: str,
    credentials: Credentials,
    *,
    metadata: Mapping[str, Any] | None,
    tags: Sequence[str] | None,
    mapping: Sequence[dict[str, Any]] | None,
) -> SignIn:
    """Sign in and store the connection."""
    hosts = project.settings.allowed_hosts
    existing = {each.name: each for each in await project.store.connections.list()}.get(name)
    login = login_url_of(project.settings, credentials.login_url)
    signed_in = await sign_in(project.http, replace(credentials, login_url=login), allowed_hosts=hosts)
    if existing:
        _require_same_org(existing, signed_in)
    offered = await offered_versions(project.http, signed_in.instance_url or "")
    columns = columns_of(signed_in)
    columns["environment"] = environment_of(signed_in.login_url)
    columns["api_version"] = choose_version(offered, project.settings.api_version)
    columns["metadata_"] = dict(metadata if metadata is not None else existing.metadata_ if existing else {})
    columns["tags"] = list(tags if tags is not None else existing.tags if existing else [])
    columns["mapping"] = list(mapping if mapping is not None else existing.mapping if existing else [])
    columns["mapping"] = list(mapping if mapping is not None else existing.mapping if existing else [])
    stored = await project.store.connections.save(Connection(name=name, **columns), secrets_of(signed_in))
    return SignIn(_row(stored), signed_in.lifetime, "" if signed_in.lifetime else INTROSPECTION_HINT)


def _row(connection: Connection) -> ConnectionRow:
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
