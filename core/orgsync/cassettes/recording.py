"""Recording: syncs run in a throw-away project on a real connection, and what is said is kept."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import cast

import anyio

from orgsync.clock import utc_now
from orgsync.errors import ArgumentInvalid, CredentialsInvalid, NoConnection
from orgsync.project import Project, environment_of
from orgsync.salesforce.auth.credentials import Credentials, CredentialsVault, Grant
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.scripts import StoredVault
from orgsync.settings import Settings
from orgsync.store import Connection, Store

from .cassette_file import Cassette, RecordedConnection
from .recorder import Recorder
from .sandbox import Sandbox, throw_away
from .shortening import ShortHttp

__all__ = ["RecordFrom", "Recording", "project_connection"]


@dataclass(frozen=True, slots=True)
class RecordFrom:
    """Where to record from: a connection of a project, and its org's clock if that is not this machine's.

    `credentials` are for tests that sign in by themselves.
    """

    settings: Settings
    connection: str
    clock: Callable[[], datetime] = utc_now
    credentials: Credentials | None = field(default=None, repr=False)


class Recording:
    """A recording under way: `stage` is where to run syncs, while `heard()` is entered.

    `folder` is for the throw-away store. With `max_rows` the org seems to have no more rows than these.
    """

    def __init__(self, source: RecordFrom, folder: Path, *, max_rows: int | None = None) -> None:
        self._source = source
        self._recorder = Recorder(source.clock)
        self._signing_in = _SigningIn(lambda: self._recorder.listens)
        own = source.credentials
        self._about = RecordedConnection(own.grant, environment_of(own.login_url)) if own else RecordedConnection()
        self._hosts = [own.login_url] if own else []
        self._max_rows = max_rows
        settings = throw_away(folder, source.settings)
        recorder = self._recorder
        self.stage = Sandbox(
            settings, source.connection, self._connect, lambda: recorder.now, self._vault, self._http, recorder.begin
        )

    def heard(self) -> AbstractContextManager[None]:
        """Keep what this process says over HTTP."""
        from .transport import recorded_to  # vcrpy is imported where it is used

        return recorded_to(self._recorder)

    def unheard(self) -> AbstractContextManager[None]:
        """Keep nothing of what is said meanwhile."""
        return self._recorder.unheard()

    @property
    def credentials(self) -> Credentials:
        """What the source gives to sign in with; raises CredentialsInvalid where it gives nothing."""
        if self._source.credentials is None:
            raise CredentialsInvalid(
                "There is nothing to sign in with while recording.",
                "Override the fixture recorded_from, and give its Source credentials.",
            )
        return self._source.credentials

    def cassette(self) -> Cassette:
        """Give what was heard, scrubbed."""
        origin = (
            "Recorded from a server\n# on the machine that recorded, such as orgsync's demo org, not from Salesforce."
            if self._about.environment == "custom"
            else f"Recorded from a {self._about.environment} org."
        )
        fields = self._source.settings.scrub
        return self._recorder.cassette(self._about, origin=origin, fields=fields, hosts=self._hosts)

    async def _connect(self, project: Project) -> None:
        """Bring the connection along, without its secrets."""
        async with self._store() as store:
            real = await store.connections.get(self._source.connection)
        self._about = RecordedConnection(cast("Grant", real.grant), real.environment, real.api_version)
        self._hosts = [url for url in (real.login_url, real.instance_url) if url]
        values = real.model_dump(exclude={"created_at", "updated_at", "status", "status_reason"})
        await project.store.connections.save(Connection(**values), {})

    @asynccontextmanager
    async def _vault(self) -> AsyncGenerator[CredentialsVault]:
        async with self._store() as store:
            yield self._signing_in.on(StoredVault(store, self._source.connection))

    def _store(self) -> AbstractAsyncContextManager[Store]:
        settings = self._source.settings
        key = settings.key.get_secret_value() if settings.key else None
        return Store.open(settings.store_url, key=key, folder=settings.folder)

    def _http(self) -> Http:
        timeout, bounds = self._source.settings.timeout, Bounds.of(self._source.settings)
        if self._max_rows is None:
            return Http(timeout, bounds=bounds)
        return ShortHttp(timeout, max_rows=self._max_rows, shortened=self._recorder.shortened, bounds=bounds)


@dataclass(slots=True)
class _SigningIn:
    """Makes the first token of a recording one that is got anew, so that a cassette begins with the sign-in.

    What is done unheard, before the first run, signs in by itself.
    """

    heard: Callable[[], bool]
    done: bool = False

    def on(self, vault: CredentialsVault) -> CredentialsVault:
        return _NewTokenVault(vault, self)


@dataclass(frozen=True, slots=True)
class _NewTokenVault:
    """The real vault, which keeps rotated refresh tokens, but hides the access token that it has at first."""

    vault: CredentialsVault
    signing_in: _SigningIn

    async def load(self) -> Credentials:
        stored = await self.vault.load()
        hidden = self.signing_in.heard() and not self.signing_in.done
        return replace(stored, access_token=None) if hidden else stored

    async def save(self, credentials: Credentials) -> None:
        self.signing_in.done |= self.signing_in.heard()
        await self.vault.save(credentials)

    async def refused(self, reason: str) -> None:
        await self.vault.refused(reason)

    def lock(self) -> AbstractAsyncContextManager[None]:
        return self.vault.lock()


def project_connection(settings: Settings, name: str | None) -> str:
    """Name the connection to record from: the one that is named, or else the only one there is.

    Raises ConfigurationProblem for none, or one of several. It must not be called in an event loop.
    """

    async def listed() -> list[str]:
        async with Store.open(settings.store_url, folder=settings.folder) as store:
            return [each.name for each in await store.connections.list()]

    if name:
        return name
    names = anyio.run(listed)
    if len(names) == 1:
        return names[0]
    if not names:
        raise NoConnection(settings.store_place)
    raise ArgumentInvalid(f"There are {len(names)} connections to record from.", f"Name one: --connection {names[0]}.")
