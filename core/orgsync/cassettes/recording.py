"""Recording: syncs run in a throw-away project on a real connection, and its HTTP is captured."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import anyio
import msgspec

from orgsync.clock import utc_now
from orgsync.errors import ArgumentInvalid, CredentialsInvalid, NoConnection, SignInNeeded
from orgsync.project import Project, environment_of, open_store
from orgsync.salesforce.auth.credentials import Credentials, CredentialsVault, Grant
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.salesforce.http.transport import HttpxTransport, Transport
from orgsync.scripts import StoredVault
from orgsync.settings import Settings
from orgsync.store import Connection, Store

from .interaction import Cassette, RecordedConnection
from .recorder import Recorder
from .shortening import Shortening, ShorteningTransport
from .throwaway_project import Sandbox, throw_away

__all__ = ["RecordFrom", "Recording", "project_connection"]


@dataclass(frozen=True, slots=True)
class RecordFrom:
    """Where to record from: a connection of a project, and the clock of its org if that is not this machine's.

    `credentials` are for tests that sign in by themselves.
    """

    settings: Settings
    connection: str
    clock: Callable[[], datetime] = utc_now
    credentials: Credentials | None = field(default=None, repr=False)


class Recording:
    """A recording in progress: syncs run in `sandbox`, inside of `capturing()`.

    `folder` is for the throw-away store. With `max_rows` no query seems to find more rows than these. `mapping` is a
    field mapping in place of the connection's, as the store keeps it.
    """

    def __init__(
        self,
        source: RecordFrom,
        folder: Path,
        *,
        max_rows: int | None = None,
        mapping: Sequence[dict[str, Any]] | None = None,
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._recorder = Recorder(source.clock)
        self._first_sign_in = _FirstSignIn(lambda: self._recorder.capturing)
        own = source.credentials
        self._about = RecordedConnection(own.grant, environment_of(own.login_url)) if own else RecordedConnection()
        self._hosts = [own.login_url] if own else []
        self._shortening = None if max_rows is None else Shortening(max_rows)
        settings = throw_away(folder, source.settings)
        recorder = self._recorder
        self.sandbox = Sandbox(
            settings,
            source.connection,
            self._connect,
            lambda: recorder.now,
            self._http,
            vault=self._vault,
            on_open=recorder.set_clock,
        )

    def capturing(self) -> AbstractContextManager[None]:
        """Record all HTTP of this process."""
        from .transport import recording_all  # vcrpy is imported where it is used

        return recording_all(self._recorder)

    def paused(self) -> AbstractContextManager[None]:
        """Record nothing inside the block."""
        return self._recorder.paused()

    @property
    def credentials(self) -> Credentials:
        """Return the source's credentials. Raises CredentialsInvalid where it has none."""
        if self._source.credentials is None:
            raise CredentialsInvalid(
                "There is nothing to sign in with while recording.",
                "Override the fixture recorded_from, and give its RecordFrom credentials.",
            )
        return self._source.credentials

    def cassette(self) -> Cassette:
        """Return what was captured, scrubbed."""
        origin = (
            "Recorded from a server\n# on the machine that recorded, such as orgsync's demo org, not from Salesforce."
            if self._about.environment == "custom"
            else f"Recorded from a {self._about.environment} org."
        )
        fields = self._source.settings.scrub
        return self._recorder.cassette(self._about, origin=origin, fields=fields, hosts=self._hosts)

    def arguments(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return arguments of an action, as JSON has them, with the stand-ins of the cassette."""
        text = json.dumps(arguments)
        fields = self._source.settings.scrub
        found: dict[str, Any] = json.loads(self._recorder.scrubbed_beside(text, fields=fields, hosts=self._hosts))
        return found

    async def _connect(self, project: Project) -> None:
        """Copy the connection into the sandbox, without its secrets."""
        async with self._store() as store:
            real = await store.connections.get(self._source.connection)
        mapping = real.mapping if self._mapping is None else list(self._mapping)
        self._about = RecordedConnection(
            cast("Grant", real.grant), real.environment, real.api_version, mapping or msgspec.UNSET
        )
        self._hosts = [url for url in (real.login_url, real.instance_url) if url]
        values = real.model_dump(exclude={"created_at", "updated_at", "status", "status_reason"})
        values["mapping"] = mapping
        await project.store.connections.save(Connection(**values), {})

    @asynccontextmanager
    async def _vault(self) -> AsyncGenerator[CredentialsVault]:
        async with self._store() as store:
            yield self._first_sign_in.hiding_token(StoredVault(store, self._source.connection))

    def _store(self) -> AbstractAsyncContextManager[Store]:
        return open_store(self._source.settings)

    @asynccontextmanager
    async def _http(self) -> AsyncGenerator[Http]:
        """Open HTTP that is recorded above the transport that cuts responses, so as the client receives them."""
        from .transport import RecordingTransport

        settings = self._source.settings
        async with aclosing(HttpxTransport()) as network:
            below: Transport = ShorteningTransport(network, self._shortening) if self._shortening else network
            recording = RecordingTransport(self._recorder, below)
            async with Http(settings.timeout, bounds=Bounds.of(settings), transport=recording) as http:
                yield http


@dataclass(slots=True)
class _FirstSignIn:
    """Hides the access token that a connection has until the first run of a recording has signed in.

    So a cassette begins with the sign-in. What runs while the recording is paused, before that, uses the token.
    """

    capturing: Callable[[], bool]
    done: bool = False

    def hiding_token(self, vault: CredentialsVault) -> CredentialsVault:
        return _TokenHidingVault(vault, self)


@dataclass(frozen=True, slots=True)
class _TokenHidingVault:
    """The real vault, which keeps rotated refresh tokens, without the access token that it has at first."""

    vault: CredentialsVault
    first_sign_in: _FirstSignIn

    async def load(self) -> Credentials:
        stored = await self.vault.load()
        hidden = self.first_sign_in.capturing() and not self.first_sign_in.done
        return replace(stored, access_token=None) if hidden else stored

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        self.first_sign_in.done |= self.first_sign_in.capturing()
        return await self.vault.save(credentials, renewed=await self._whole(renewed))

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        whole = await self._whole(renewed)
        kept = await self.vault.refused(error, renewed=whole)
        return renewed if kept == whole else kept

    async def _whole(self, loaded: Credentials) -> Credentials:
        """Return the stored credentials of which these were loaded, with the token that was hidden."""
        stored = await self.vault.load()
        return stored if replace(stored, access_token=None) == loaded else loaded

    def lock(self) -> AbstractAsyncContextManager[None]:
        return self.vault.lock()


def project_connection(settings: Settings, name: str | None) -> str:
    """Return the name of the connection to record from: the given one, or else the only one there is.

    Raises ConfigurationProblem where there is none, or several. It must not be called in an event loop.
    """

    async def listed() -> list[str]:
        async with open_store(settings) as store:
            return [each.name for each in await store.connections.list()]

    if name:
        return name
    names = anyio.run(listed)
    if len(names) == 1:
        return names[0]
    if not names:
        raise NoConnection(settings.store_place)
    raise ArgumentInvalid(f"There are {len(names)} connections to record from.", f"Name one: --connection {names[0]}.")
