"""The copy: connections, runs, checkpoints and rows in one database, credentials encrypted.

A name is imported when it is first used: what only looks at the database does without SQLAlchemy.
"""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .connections import ConnectionColumns
    from .model import Checkpoint, Connection, Environment, Run, RunStatus
    from .resets import SyncCopy
    from .rows import Counts, Write
    from .store import Store
    from .view import ConnectionRow, RunRow, View

__all__ = [
    "Checkpoint",
    "Connection",
    "ConnectionColumns",
    "ConnectionRow",
    "Counts",
    "Environment",
    "Run",
    "RunRow",
    "RunStatus",
    "Store",
    "SyncCopy",
    "View",
    "Write",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(("Checkpoint", "Connection", "Environment", "Run", "RunStatus"), "model"),
        **dict.fromkeys(("Counts", "Write"), "rows"),
        **dict.fromkeys(("ConnectionRow", "RunRow", "View"), "view"),
        "ConnectionColumns": "connections",
        "Store": "store",
        "SyncCopy": "resets",
    },
)
