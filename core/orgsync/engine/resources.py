"""What an engine works with; a project is one."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from orgsync.salesforce.auth.credentials import CredentialsVault
from orgsync.salesforce.http.http import Http
from orgsync.settings import Settings
from orgsync.store import Store

__all__ = ["Clock", "MaskingKeys", "Resources", "Vaults"]

Clock: TypeAlias = Callable[[], datetime]
"""Returns the time, aware."""

MaskingKeys: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Returns the key that a connection's columns are masked with, by the connection's name."""

Vaults: TypeAlias = Callable[[str], CredentialsVault]
"""Returns what keeps a connection's credentials, by the connection's name."""


class Resources(Protocol):
    """Settings, store and HTTP, the clock, and where credentials and masking keys are kept: None for the store itself.

    In a sandbox the store is a copy of `sandbox_of` that is thrown away afterwards, so no later run resumes what a run
    leaves unfinished; writes to the org are real, and noted in that store.
    """

    @property
    def settings(self) -> Settings: ...  # noqa: D102

    @property
    def store(self) -> Store: ...  # noqa: D102

    @property
    def http(self) -> Http: ...  # noqa: D102

    @property
    def clock(self) -> Clock: ...  # noqa: D102

    @property
    def credentials(self) -> Vaults | None: ...  # noqa: D102

    @property
    def masking_keys(self) -> MaskingKeys | None: ...  # noqa: D102

    @property
    def sandbox_of(self) -> Store | None: ...  # noqa: D102
