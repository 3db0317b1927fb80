"""The rows of the store that a project's calls return."""

from orgsync.store import ConnectionRow, Run, RunRow, SyncCopy
from orgsync.store.health_rows import AlertRow

__all__ = ["AlertRow", "ConnectionRow", "Run", "RunRow", "SyncCopy"]
