"""How the connections stand, read once for everybody who looks at the pages at the time."""

from collections.abc import Sequence

import anyio

from orgsync.project import Project
from orgsync.project.overview import ConnectionOverview, overview

__all__ = ["Overviews"]

_FRESH = 2.0
"""Seconds for which what was read is shown again, or ten times as long as reading took: that is a tenth at most."""


class Overviews:
    """The overview of a served project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = anyio.Lock()
        self._good_until = 0.0
        self._changes = 0
        self._found: Sequence[ConnectionOverview] = ()

    async def get(self) -> Sequence[ConnectionOverview]:
        """Return how every connection stands, or did two seconds ago; longer where there are very many."""
        async with self._lock:
            if (begun := anyio.current_time()) >= self._good_until:
                changes = self._changes
                self._found = await overview(self._project)
                ended = anyio.current_time()
                if changes == self._changes:  # else what was read may be older than a change that was made here
                    self._good_until = ended + max(_FRESH, 10 * (ended - begun))
            return self._found

    def forget(self) -> None:
        """Let the next one be read: something was changed here."""
        self._changes += 1
        self._good_until = 0.0
