"""Two vaults for tests: one in memory, one in a file that several processes share."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import anyio
import anyio.lowlevel

from orgsync.errors import SignInNeeded, StoreUnavailable
from orgsync.salesforce.auth.credentials import Credentials
from orgsync.store.sqlite.file_locks import Locks


class MemoryVault:
    """Keep credentials in memory, and what was done to them."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        self.saved: list[Credentials] = []
        self.reasons: list[str] = []
        self.loads = 0
        self.failures = 0
        self._lock = anyio.Lock()

    async def load(self) -> Credentials:
        self.loads += 1
        return self.credentials

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        assert self._lock.locked(), "saved without the lock"
        if self.failures > 0:
            self.failures -= 1
            raise StoreUnavailable("The database is locked.", "Try again.")
        await anyio.lowlevel.checkpoint()
        if self.credentials == renewed:
            self.credentials = credentials
            self.saved.append(credentials)
        return self.credentials

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        if self.credentials == renewed:
            self.reasons.append(error.cause)
        return self.credentials

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        async with self._lock:
            yield


class FileVault:
    """Keep credentials in a JSON file beside a lock file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, credentials: Credentials) -> None:
        document = asdict(credentials)
        document["issued_at"] = credentials.issued_at and credentials.issued_at.isoformat()
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(document))
        part.replace(self._path)

    async def load(self) -> Credentials:
        document = json.loads(self._path.read_text())
        stamp = document.pop("issued_at")
        return Credentials(**document, issued_at=stamp and datetime.fromisoformat(stamp))

    async def save(self, credentials: Credentials, *, renewed: Credentials) -> Credentials:
        self.put(credentials)
        return credentials

    async def refused(self, error: SignInNeeded, *, renewed: Credentials) -> Credentials:
        self._path.with_suffix(".refused").write_text(error.cause)
        return renewed

    @asynccontextmanager
    async def lock(self) -> AsyncGenerator[None]:
        async with Locks(self._path.parent).hold("renewal", timeout=None):
            yield
