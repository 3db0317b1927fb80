"""Scripts: the org and the context that they are given, and the decorator that makes a function a sync.

A name is imported when it is first used: what only lists the syncs of a project does without HTTP and SQLAlchemy.
"""

from typing import TYPE_CHECKING

from orgsync.lazy import importer

if TYPE_CHECKING:
    from .action import Action, ActionResult
    from .connection_rules import ConnectionRules
    from .context import Context
    from .hooks import Hook
    from .opening import ReadOptions, open_client, open_context, open_org
    from .org import ConnectionInfo, Org
    from .query_class import QueryClass
    from .schedule import Cron, Every, Interval
    from .stored import StoredVault, columns_of, secrets_of
    from .sync import Sync

__all__ = [
    "Action",
    "ActionResult",
    "ConnectionInfo",
    "ConnectionRules",
    "Context",
    "Cron",
    "Every",
    "Hook",
    "Interval",
    "Org",
    "QueryClass",
    "ReadOptions",
    "StoredVault",
    "Sync",
    "columns_of",
    "open_client",
    "open_context",
    "open_org",
    "secrets_of",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(("ReadOptions", "open_client", "open_context", "open_org"), "opening"),
        **dict.fromkeys(("ConnectionInfo", "Org"), "org"),
        **dict.fromkeys(("Cron", "Every", "Interval"), "schedule"),
        **dict.fromkeys(("StoredVault", "columns_of", "secrets_of"), "stored"),
        **dict.fromkeys(("Action", "ActionResult"), "action"),
        "ConnectionRules": "connection_rules",
        "Context": "context",
        "Hook": "hooks",
        "QueryClass": "query_class",
        "Sync": "sync",
    },
)
