"""The runs of a project."""

from collections.abc import Sequence
from dataclasses import dataclass

from orgsync.store import Run, Store
from orgsync.store.run_history import RunHistory

from .views import seconds_of

__all__ = ["Run", "RunHistory", "Runs", "seconds_of"]


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs that the store lists."""

    store: Store

    async def list(
        self, limit: int = 20, *, sync: str | None = None, action: str | None = None, connection: str | None = None
    ) -> Sequence[Run]:
        """Return runs, the latest first: all, or those of one sync or of one action."""
        return await self.store.runs.list(limit, sync=sync, action=action, connection=connection)

    async def get(self, run: int) -> Run:
        """Return one run; raises NameUnknown for a number that none has."""
        return await self.store.runs.get(run)
