"""The store: connections, runs, checkpoints and rows in one database, credentials encrypted.

A name is imported when it is first used: what only looks at the database does without SQLAlchemy.
"""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .backends import open_view
    from .commit_types import Counts, Write
    from .connection_copy import Copy
    from .connections import ConnectionColumns
    from .content_rows import ContentRows
    from .feed import Feed
    from .keys import KeyRotation
    from .model import Checkpoint, Connection, Environment, ObjectColumn, OrgWrite, Run, RunStatus
    from .object_columns import ObjectColumns
    from .owed import owed_in
    from .resets import SyncCopy
    from .statuses import Owed
    from .store import Store
    from .view import ConnectionRow, RunRow, ScheduleRow, Selection, View
    from .write_table import StoredPart

__all__ = [
    "Checkpoint",
    "Connection",
    "ConnectionColumns",
    "ConnectionRow",
    "ContentRows",
    "Copy",
    "Counts",
    "Environment",
    "Feed",
    "KeyRotation",
    "ObjectColumn",
    "ObjectColumns",
    "OrgWrite",
    "Owed",
    "Run",
    "RunRow",
    "RunStatus",
    "ScheduleRow",
    "Selection",
    "Store",
    "StoredPart",
    "SyncCopy",
    "View",
    "Write",
    "open_view",
    "owed_in",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(
            ("Checkpoint", "Connection", "Environment", "ObjectColumn", "OrgWrite", "Run", "RunStatus"), "model"
        ),
        **dict.fromkeys(("Counts", "Write"), "commit_types"),
        **dict.fromkeys(("ConnectionRow", "RunRow", "ScheduleRow", "Selection", "View"), "view"),
        "ConnectionColumns": "connections",
        "ContentRows": "content_rows",
        "StoredPart": "write_table",
        "Copy": "connection_copy",
        "Feed": "feed",
        "KeyRotation": "keys",
        "open_view": "backends",
        "owed_in": "owed",
        "Owed": "statuses",
        "ObjectColumns": "object_columns",
        "Store": "store",
        "SyncCopy": "resets",
    },
)
