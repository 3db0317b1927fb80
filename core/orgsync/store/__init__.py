"""The copy: connections, runs, checkpoints and rows in one database, credentials encrypted."""

from .connections import ConnectionColumns
from .control import Checkpoint, Connection, Environment, Run, RunStatus
from .resets import SyncCopy
from .rows import Counts, Write
from .store import Store

__all__ = [
    "Checkpoint",
    "Connection",
    "ConnectionColumns",
    "Counts",
    "Environment",
    "Run",
    "RunStatus",
    "Store",
    "SyncCopy",
    "Write",
]
