"""How the connections stand, read once for everybody who looks at the pages at the time."""

from collections.abc import Sequence

import anyio

from orgsync.project import Project
from orgsync.project.overview import ConnectionOverview, overview

__all__ = ["Overviews"]

_FRESH = 2.0
"""Seconds for which what was read is shown again."""


class Overviews:
    """The overview of a served project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = anyio.Lock()
        self._read_at = -_FRESH
        self._found: Sequence[ConnectionOverview] = ()

    async def get(self) -> Sequence[ConnectionOverview]:
        """Return how every connection stands; what was read less than two seconds ago is good."""
        async with self._lock:
            if anyio.current_time() - self._read_at >= _FRESH:
                self._found = await overview(self._project)
                self._read_at = anyio.current_time()
            return self._found

    def forget(self) -> None:
        """Let the next one be read: something was changed here."""
        self._read_at = -_FRESH
