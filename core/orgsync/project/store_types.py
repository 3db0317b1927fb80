"""The rows of the store that a project's calls return."""

from orgsync.store import ConnectionRow, Run, RunRow, SyncCopy

__all__ = ["ConnectionRow", "Run", "RunRow", "SyncCopy"]
