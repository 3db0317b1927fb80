"""Replaying: syncs run in a throw-away project whose org is a cassette."""

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from orgsync.project import Project
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.salesforce.hosts import login_url
from orgsync.salesforce.http.bounds import Bounds
from orgsync.salesforce.http.http import Http
from orgsync.scripts import columns_of, secrets_of
from orgsync.settings import Settings
from orgsync.store import Connection

from .hosts import Hosts
from .interaction import Cassette
from .player import Player
from .throwaway_project import Sandbox, throw_away

__all__ = ["Replay", "Replayed"]

_INSTANCE = "https://replay.my.salesforce.com"
_IDENTITY = re.compile(r"/id/(00D\w{12,15})/(005\w{12,15})")


@dataclass(frozen=True, slots=True)
class Replayed:
    """How the connection of a replay looks to a script; a cassette fits every one.

    `mapping` is a field mapping in place of the cassette's, None for the cassette's.
    """

    connection: str = "replay"
    instance_url: str = _INSTANCE
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    tags: Sequence[str] = ()
    mapping: Sequence[dict[str, Any]] | None = None


class Replay:
    """A replay in progress: syncs run in `sandbox`, inside of `playing()`; `player` knows how far it is."""

    def __init__(
        self, cassette: Cassette, name: str, folder: Path, settings: Settings, like: Replayed, *, test: str = ""
    ) -> None:
        self._cassette = cassette
        self._like = like
        self.player = Player(cassette, name, test=test)
        self._settings = throw_away(folder, settings)
        self.sandbox = Sandbox(self._settings, like.connection, self._connect, lambda: self.player.now, self._http)

    def playing(self) -> AbstractContextManager[None]:
        """Answer all HTTP requests of this process from the cassette."""
        from .transport import replaying_all  # vcrpy is imported where it is used

        return replaying_all(self.player, self._hosts)

    @property
    def credentials(self) -> Credentials:
        """Return made-up credentials of the recorded kind."""
        about = self._cassette.connection
        signed = next((_IDENTITY.search(str(each.response.body)) for each in self._cassette.interactions), None)
        return Credentials(
            grant=about.grant,
            login_url=self._login,
            client_id="CLIENT-ID-1",
            client_secret=None if about.grant == "jwt" else "CLIENT-SECRET-1",
            refresh_token="REFRESH-TOKEN-1" if about.grant == "refresh-token" else None,
            private_key=_any_key() if about.grant == "jwt" else None,
            username="user@replay.invalid" if about.grant == "jwt" else None,
            instance_url=self._like.instance_url,
            org_id=signed[1] if signed else None,
            user_id=signed[2] if signed else None,
        )

    @property
    def _login(self) -> str:
        """Return a login host of the recorded kind; some orgs sign in at the host of their API."""
        about = self._cassette.connection
        if about.environment == "custom" or about.grant == "client-credentials":
            return self._like.instance_url
        return login_url("sandbox" if about.environment == "sandbox" else "production")

    @property
    def _hosts(self) -> Hosts:
        return Hosts(self._login, self._like.instance_url)

    @asynccontextmanager
    async def _http(self) -> AsyncGenerator[Http]:
        from .transport import ReplayTransport

        transport = ReplayTransport(self.player, self._hosts)
        async with Http(self._settings.timeout, bounds=Bounds.of(self._settings), transport=transport) as http:
            yield http

    async def _connect(self, project: Project) -> None:
        credentials = self.credentials
        columns = columns_of(credentials)
        columns["environment"] = self._cassette.connection.environment
        columns["api_version"] = self._cassette.connection.api_version
        columns["metadata_"], columns["tags"] = dict(self._like.metadata), list(self._like.tags)
        mapping = self._like.mapping if self._like.mapping is not None else self._cassette.connection.mapping
        columns["mapping"] = [] if isinstance(mapping, msgspec.UnsetType) else list(mapping)
        await project.store.connections.save(Connection(name=self._like.connection, **columns), secrets_of(credentials))


@lru_cache(maxsize=1)
def _any_key() -> str:
    """Return a key to sign with; a replay checks no signature."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()
