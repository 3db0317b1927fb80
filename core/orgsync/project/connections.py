"""The connections of a project: made by signing in, listed, renamed, tested and removed."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from anyio import to_thread

from orgsync.errors import ArgumentInvalid, SignInNeeded
from orgsync.errors.connection import naming_connection
from orgsync.logs import get_logger
from orgsync.records import Record
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.web_flow import Authorization, begin, finish, state_of
from orgsync.scripts import StoredVault, open_client
from orgsync.scripts.metadata import checked_metadata
from orgsync.store import ConnectionRow
from orgsync.store.connections import ConnectionColumns

from .access import access_to
from .mappings import FieldMapping, change_mapping, resolved
from .new_connection import SignIn, connect, require_answer, require_metadata, require_ready, row_of
from .removal import Removal, remove
from .script_sources import WithScripts
from .sign_ins import checked_tags, login_url_of, require_name
from .view import View, require_existing

__all__ = ["BrowserSignIn", "Connections", "SignIn"]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class BrowserSignIn:
    """A sign-in begun for a browser: keep `state` in the browser's session, and send the browser to `url`.

    Both are secret until the sign-in has ended; do not log them.
    """

    url: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of the project that `open` opens for each call.

    `view` opens its database for reading alone, and makes none; without it, `open` does.
    """

    open: Callable[[], AbstractAsyncContextManager[WithScripts]] = field(repr=False)
    view: Callable[[], AbstractContextManager[View]] | None = field(default=None, repr=False)

    async def list(self, *, tag: str | None = None) -> list[ConnectionRow]:
        """Return all connections by name, or those with a tag; raises StoreUnavailable for an unusable database."""
        return [each for each in await self._all() if tag is None or tag in each.tags]

    async def get(self, name: str) -> ConnectionRow:
        """Return one connection; raises NameUnknown, which names the nearest, for an unknown name."""
        await require_existing(self.view, name)
        async with self.open() as project:
            return row_of(await project.store.connections.get(name))

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
        MappingInvalid for a column that no script has, OrgMismatch for another org, MetadataInvalid for metadata that
        does not fit the model of a sync, Refused where a hook refuses the org, ScriptRaised for any other exception of
        a hook, and ScriptNotLoaded for a script that may hold one.
        """
        tags = None if tags is None else checked_tags(tags)
        metadata = None if metadata is None else checked_metadata(metadata)
        async with self.open() as project:
            await require_ready(project, name, metadata)
            kept = None if mapping is None else resolved(mapping, project.settings).stored
            async with StoredVault(project.store, name).lock():  # nobody else uses up a stored refresh token now
                return await connect(project, name, credentials, metadata=metadata, tags=tags, mapping=kept)

    async def require_ready(self, name: str, metadata: Mapping[str, Any] | None = None) -> None:
        """Check, before a person signs in for nothing, that a connection of this name and metadata could be stored.

        Raises ArgumentInvalid for a bad name or metadata, KeyUnusable, and ScriptNotLoaded, as `connect` would.
        """
        async with self.open() as project:
            await require_ready(project, name, None if metadata is None else checked_metadata(metadata))

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
        has, HostNotAllowed for a login URL that is not Salesforce's, KeyUnusable where nothing can be encrypted, and
        ScriptNotLoaded for a script that may hold a hook.
        """
        tags = None if tags is None else checked_tags(tags)
        metadata = None if metadata is None else checked_metadata(metadata)
        async with self.open() as project:
            await require_ready(project, name, metadata)
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
                "metadata": metadata,
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
        Salesforce or the customer refused. What a hook raises is as in `connect`.
        """
        if not state or not secrets.compare_digest((state_of(callback_url) or "").encode(), state.encode()):
            raise SignInNeeded(
                "This browser did not begin the sign-in that it comes back from, so nothing was connected.",
                "Begin the sign-in again, and finish it in the same browser.",
            )
        async with self.open() as project:
            project.scripts.connection_rules()  # a callback is accepted once: not for scripts that do not load
            kept = await project.store.sign_ins.take(state)
            if kept is None:
                raise SignInNeeded(
                    "No sign-in waits for this callback: it was finished before, is older than a day, or was begun in "
                    "another project or database.",
                    "Begin the sign-in again, and finish it in the project that it was begun in.",
                )
            parts = ("url", "state", "code_verifier", "login_url", "client_id", "redirect_uri")
            with naming_connection(kept["name"]):
                credentials = await finish(
                    project.http,
                    Authorization(**{part: kept[part] for part in parts}),
                    callback_url,
                    client_secret=kept["client_secret"],
                    allowed_hosts=project.settings.allowed_hosts,
                )
            owned = {part: kept.get(part) for part in ("metadata", "tags", "mapping")}
            made = await connect(project, kept["name"], credentials, **owned)
            return made.connection

    async def _all(self) -> Sequence[ConnectionRow]:
        if self.view is None:
            async with self.open() as project:
                return [row_of(each) for each in await project.store.connections.list()]
        view = self.view

        def read() -> Sequence[ConnectionRow]:
            with view() as opened:
                return opened.connections()

        return await to_thread.run_sync(read)

    async def update(
        self,
        name: str,
        *,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
    ) -> ConnectionRow:
        """Replace a connection's metadata or tags, those that are given, and return the connection.

        `add_tags` and `remove_tags` change tags in place of `tags`, beside what another process changes of them. Raises
        NameUnknown for an unknown connection or a tag to remove that it does not have, and ArgumentInvalid for a tag
        that is no word, MetadataInvalid for metadata that does not fit the model of a sync, and ScriptNotLoaded for a
        script that may have one; then nothing is changed.
        """
        if tags is not None and (add_tags or remove_tags):
            raise ArgumentInvalid("tags replaces all tags, so none can be added or removed.", "Leave tags out.")
        changed = ConnectionColumns()
        if metadata is not None:
            metadata = changed["metadata_"] = checked_metadata(metadata)
        if tags is not None:
            changed["tags"] = checked_tags(tags)
        await require_existing(self.view, name)
        added = checked_tags(add_tags)
        async with self.open() as project:
            if metadata is not None:
                await require_metadata(project, project.scripts.connection_rules(), name, metadata)
            updated = await project.store.connections.update(
                name, add_tags=added, remove_tags=list(remove_tags), **changed
            )
            return row_of(updated)

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
        return row_of(changed)

    async def test(self, name: str) -> Client:
        """Make one API call, note that the connection is ready, and return the client that made the call.

        A connection that needs sign-in is tested as well: an administrator may have undone what ended it. Raises
        SignInNeeded where Salesforce refuses the sign-in, AccessRefused where the user may not use the API, and
        whatever else keeps the call from being answered: at once where nothing listens at a port of this machine.
        """
        await require_existing(self.view, name)
        async with self.open() as project:
            connection = await project.store.connections.get(name)
            client = open_client(connection, **access_to(name, project), interactive=True)
            await require_answer(client)
            if connection.status != "ready":
                await project.store.connections.update(name, status="ready", status_reason="")
            return client

    async def rename(self, name: str, new: str) -> None:
        """Give a connection another name, in its rows, runs and checkpoints too.

        Raises NameUnknown for an unknown connection, NameTaken for a name that a connection or rows have, and
        ArgumentInvalid for a bad name.
        """
        require_name(new)
        await require_existing(self.view, name)
        async with self.open() as project:
            await project.store.connections.rename(name, new)

    async def remove(self, name: str, *, keep_rows: bool = False, revoke: bool = False, force: bool = False) -> Removal:
        """Remove a connection, its credentials, checkpoints and schedules, and its rows and runs unless `keep_rows`.

        Before, the scripts' `@on_disconnect` are called, and with `revoke` the refresh token is revoked: all sessions
        that it gave end, here or elsewhere, but not other approvals of the app. Where any of it fails, the connection
        is kept, unless `force` is given: then the problems are in what is returned. Raises NameUnknown for an unknown
        connection, ArgumentInvalid for a token that another connection uses too, and what failed.
        """
        await require_existing(self.view, name)
        async with self.open() as project:
            return await remove(project, name, keep_rows=keep_rows, revoked=revoke, force=force)
