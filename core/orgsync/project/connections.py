"""Connections as an application sees them: listed, read, added, and authorized by its own customers."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orgsync.errors import SignInNeeded
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.auth.web_flow import Authorization, begin, finish, state_of
from orgsync.settings import Settings
from orgsync.store import Connection

from .connecting import connect, login_of, require_name, require_tags
from .project import open_project

__all__ = ["Connections", "PendingSignIn", "connections"]


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in that has begun: keep `state` in the browser's session, and send the browser to `url`.

    Both are secret until the sign-in has ended; do not log them.
    """

    url: str = field(repr=False)
    state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of a project, the one around the working directory unless settings are given."""

    settings: Settings | None = None

    async def list(self) -> list[Connection]:
        """List all connections by name."""
        async with open_project(self.settings) as project:
            return [*await project.store.connections.list()]

    async def get(self, name: str) -> Connection:
        """Read one connection; raises NameUnknown, which names the nearest, for an unknown name."""
        async with open_project(self.settings) as project:
            return await project.store.connections.get(name)

    async def add(
        self,
        name: str,
        credentials: Credentials,
        *,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
    ) -> Connection:
        """Sign in with credentials at hand and keep the connection. Raises SignInNeeded where Salesforce refuses."""
        async with open_project(self.settings) as project:
            return (await connect(project, name, credentials, metadata=metadata, tags=tags)).connection

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
    ) -> PendingSignIn:
        """Begin the web server flow for a customer; `finish` ends it, in any process that shares the store.

        Keep the state of what is returned in the session of the browser that asked, for `finish`.
        `environment` is production, sandbox or a My Domain login URL. The state and the PKCE verifier are kept,
        encrypted. `redirect_uri` must be one of the app's callback URLs, letter by letter.
        """
        require_name(name)
        require_tags(tags)
        async with open_project(self.settings) as project:
            login = login_of(environment, project.settings)
            begun = begin(login, client_id, redirect_uri)
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
                "tags": None if tags is None else [*tags],
            }
            await project.store.sign_ins.save(begun.state, kept)
            return PendingSignIn(begun.url, begun.state)

    async def finish(self, callback_url: str, *, state: str | None) -> Connection:
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
        async with open_project(self.settings) as project:
            kept = await project.store.sign_ins.take(state)
            if kept is None:
                raise SignInNeeded(
                    "No sign-in waits for this callback: it was finished before, or is older than a day.",
                    "Begin the sign-in again.",
                )
            authorization = Authorization(
                url=kept["url"],
                state=kept["state"],
                code_verifier=kept["code_verifier"],
                login_url=kept["login_url"],
                client_id=kept["client_id"],
                redirect_uri=kept["redirect_uri"],
            )
            hosts = project.settings.allowed_hosts
            secret = kept["client_secret"]
            credentials = await finish(
                project.http, authorization, callback_url, client_secret=secret, allowed_hosts=hosts
            )
            made = await connect(project, kept["name"], credentials, metadata=kept["metadata"], tags=kept["tags"])
            return made.connection

    async def remove(self, name: str, *, keep_rows: bool = False) -> None:
        """Forget a connection, its credentials and checkpoints, and its rows unless they are to be kept."""
        async with open_project(self.settings) as project:
            await project.store.connections.remove(name, keep_rows=keep_rows)


connections = Connections()
"""The connections of the project around the working directory."""
