"""Connect sessions: links by which customers connect their own orgs in a browser, served by `orgsync serve`.

The secret of a link lets whoever has it connect one org under one name, once. Each attempt belongs to the browser that
began it: the sign-in is stored, encrypted, under its state and a secret of that browser's cookie together, so that the
same callback is nothing in another browser, and nothing the second time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from orgsync.errors import ArgumentInvalid, ConnectSessionEnded, HostNotAllowed, SettingInvalid, SignInNeeded
from orgsync.errors.connection import naming_connection
from orgsync.printable import printable
from orgsync.salesforce.auth.web_flow import Authorization, begin, finish, label_of, state_of
from orgsync.salesforce.hosts import host_of, is_loopback, is_sandbox
from orgsync.salesforce.my_domain import my_domain_url
from orgsync.scripts import StoredVault
from orgsync.scripts.metadata import checked_metadata
from orgsync.store.connect_session_table import ConnectSessionRow
from orgsync.store.connect_sessions import require_attempts

from .connect_views import ENVIRONMENTS, ConnectEnvironment, SessionOptions
from .new_connection import connect, require_ready
from .return_url import checked_return_url
from .script_sources import WithScripts
from .sign_ins import checked_tags, login_url_of

__all__ = ["Arrival", "ConnectSessions", "OpenSession"]

_KINDS = {"production": "production org", "sandbox": "sandbox"}
_PARTS = ("url", "state", "code_verifier", "login_url", "client_id", "redirect_uri")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that may still connect an org; `login_url` is that of its connection, where it is there already."""

    row: ConnectSessionRow
    login_url: str | None

    @property
    def options(self) -> SessionOptions:
        """What the product asked for."""
        return cast("SessionOptions", self.row.options)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A customer who has come back from Salesforce, in the browser that began; `secret` is that of the link."""

    row: ConnectSessionRow
    secret: str = field(repr=False)
    kept: Mapping[str, Any] = field(repr=False)

    @property
    def options(self) -> SessionOptions:
        """What the product asked for."""
        return cast("SessionOptions", self.row.options)


@dataclass(frozen=True, slots=True)
class ConnectSessions:
    """The connect sessions of an open project."""

    project: WithScripts

    async def create(
        self,
        connection: str,
        *,
        app_name: str,
        account_name: str | None = None,
        environments: Sequence[ConnectEnvironment] = ENVIRONMENTS,
        return_url: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
    ) -> tuple[ConnectSessionRow, str]:
        """Make a session, and return it with the secret of its link, which cannot be read again.

        Raises ArgumentInvalid for a bad name, tag or URL to return to, MetadataInvalid, KeyUnusable and ScriptNotLoaded
        as `connections.connect` does, and SettingInvalid where the settings name no app to sign in with.
        """
        self._client_id()
        options: SessionOptions = {
            "app_name": printable(app_name),
            "account_name": None if account_name is None else printable(account_name),
            "environments": [each for each in ENVIRONMENTS if each in environments] or [*ENVIRONMENTS],
            "return_url": None if return_url is None else checked_return_url(return_url),
            "metadata": None if metadata is None else checked_metadata(metadata),
            "tags": None if tags is None else checked_tags(tags),
        }
        await require_ready(self.project, connection, options["metadata"])
        return await self.project.store.connect_sessions.create(connection, options)

    async def get(self, session: str) -> tuple[ConnectSessionRow, bool]:
        """Return a session, and whether its time is over; raises NameUnknown where there is none."""
        return await self.project.store.connect_sessions.get(session)

    async def cancel(self, session: str) -> ConnectSessionRow:
        """End a session, so that its link leads nowhere; one that is connected stays so. Raises NameUnknown."""
        return await self.project.store.connect_sessions.cancel(session)

    async def open(self, secret: str) -> OpenSession:
        """Return the session of a link; raises ConnectSessionEnded, which says why, for one that connects no more."""
        found = await self.project.store.connect_sessions.find(secret)
        if found is None:
            raise ConnectSessionEnded("unknown")
        row, is_over = found
        _require_open(row, is_over=is_over)
        require_attempts(row)
        return OpenSession(row, await self._login_url_of(row.connection))

    async def begin(
        self,
        secret: str,
        *,
        browser: str,
        environment: str,
        my_domain: str,
        redirect_uri: str,
    ) -> str:
        """Begin an attempt, and return Salesforce's page to send the browser to.

        `browser` is a secret that this browser alone has, `my_domain` what was typed. Raises ConnectSessionEnded as
        `open` does, and ArgumentInvalid or HostNotAllowed, in words for the customer, for a choice that is not allowed;
        then no attempt is counted.
        """
        opened = await self.open(secret)
        login_url = self._chosen(opened, environment, my_domain)
        self.project.scripts.connection_rules()  # nobody signs in for scripts that do not load
        row = await self.project.store.connect_sessions.begin_attempt(opened.row.id)
        begun = begin(
            login_url,
            self._client_id(),
            redirect_uri,
            prompt="login consent" if row.state == "failed" else "consent",  # maybe with another user, of another org
            label=row.id,
        )
        kept: dict[str, Any] = {part: getattr(begun, part) for part in _PARTS}
        await self.project.store.sign_ins.save(_key(begun.state, browser), {**kept, "secret": secret})
        return begun.url

    async def arrive(self, callback_url: str, *, browser: str) -> Arrival:
        """Take the attempt that a callback belongs to; it is taken once, and only by the browser that began it.

        Raises ConnectSessionEnded for a session that is over, and SignInNeeded for a callback of another browser, one
        that came before, and one that was made up. Then nothing of the session changes.
        """
        state = state_of(callback_url) or ""
        row, is_over = await self._of_state(state)
        self.project.scripts.connection_rules()  # a callback is accepted once: not for scripts that do not load
        kept = await self.project.store.sign_ins.take(_key(state, browser)) if browser else None
        if kept is None:
            if row.state == "connected":
                raise ConnectSessionEnded("connected")
            raise _other_browser()
        _require_open(row, is_over=is_over)
        return Arrival(row, kept["secret"], kept)

    async def finish(self, arrival: Arrival, callback_url: str) -> None:
        """Exchange the callback's code, check the org, and store the connection in one transaction with its session.

        Raises what kept it from being stored; then nothing is, and `fail` keeps and tells it.
        """
        project, row, settings = self.project, arrival.row, self.project.settings
        secret = settings.client_secret
        with naming_connection(row.connection):
            credentials = await finish(
                project.http,
                Authorization(**{part: arrival.kept[part] for part in _PARTS}),
                callback_url,
                client_secret=secret.get_secret_value() if secret else None,
                allowed_hosts=settings.allowed_hosts,
            )
        _require_kind(credentials.instance_url or "", arrival.options["environments"])
        metadata, tags = arrival.options["metadata"], arrival.options["tags"]
        async with StoredVault(project.store, row.connection).lock():
            await connect(
                project, row.connection, credentials, metadata=metadata, tags=tags, mapping=None, session=row.id
            )

    async def fail(self, session: str, *, code: str, cause: str, remedy: str) -> None:
        """Keep that an attempt failed, in words for the customer, and tell it by webhook."""
        await self.project.store.connect_sessions.fail(session, code=code, cause=cause, remedy=remedy)

    async def _of_state(self, state: str) -> tuple[ConnectSessionRow, bool]:
        found = await self.project.store.connect_sessions.look_up(label_of(state))
        if found is None:
            raise _other_browser()
        return found

    async def _login_url_of(self, name: str) -> str | None:
        found = {each.name: each for each in await self.project.store.connections.list()}.get(name)
        return found.login_url if found else None

    def _client_id(self) -> str:
        client_id = self.project.settings.client_id
        if not client_id:
            raise SettingInvalid(
                "There is no app that customers could sign in with: the setting client_id is missing.",
                "Set ORGSYNC_CLIENT_ID, and ORGSYNC_CLIENT_SECRET where the app requires it, to those of your app in "
                "Salesforce, and start the server again.",
            )
        return client_id

    def _chosen(self, opened: OpenSession, environment: str, my_domain: str) -> str:
        """Return where to sign in; raises ArgumentInvalid or HostNotAllowed, in words for the customer."""
        allowed = opened.options["environments"]
        if environment not in allowed:
            raise ArgumentInvalid("Choose the kind of your org.", "")
        settings = self.project.settings
        if environment != "my_domain":
            return login_url_of(settings, environment)
        hosts = [*settings.allowed_hosts]
        if opened.login_url and is_loopback(opened.login_url):  # where the connection leads already
            hosts.append(host_of(opened.login_url))
        url = my_domain_url(my_domain, allowed_hosts=hosts)
        if wrong := _wrong_kind(url, allowed):
            raise HostNotAllowed(f"This is the My Domain of a {_KINDS[wrong]}.", "Another kind of org is asked for.")
        return url


def _key(state: str, browser: str) -> str:
    return f"{state} {browser}"


def _require_open(row: ConnectSessionRow, *, is_over: bool) -> None:
    if row.state in ("connected", "cancelled"):
        raise ConnectSessionEnded(row.state)
    if is_over:
        raise ConnectSessionEnded("expired")


def _other_browser() -> SignInNeeded:
    error = SignInNeeded(
        "This browser did not begin the sign-in that it comes back from, or has finished it before.",
        "Open the link again, and finish in the same browser.",
    )
    error.reason = "other_browser"
    return error


def _wrong_kind(url: str, environments: Sequence[ConnectEnvironment]) -> str | None:
    """Return what kind of org a host belongs to, where that kind is not asked for; None where it may be."""
    asked = {"production", "sandbox"} & {*environments}
    if is_loopback(url) or not asked:
        return None
    kind = "sandbox" if is_sandbox(url) else "production"
    return None if kind in asked else kind


def _require_kind(instance_url: str, environments: Sequence[ConnectEnvironment]) -> None:
    wrong = _wrong_kind(instance_url, environments)
    if wrong is None:
        return
    other = next(kind for kind in _KINDS if kind != wrong)
    error = SignInNeeded(
        f"The sign-in leads to a {_KINDS[wrong]}, and a {_KINDS[other]} was asked for.", "Sign in to the other one."
    )
    error.reason = f"wrong_environment_{wrong}"
    raise error
