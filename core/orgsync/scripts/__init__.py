"""Scripts: the org and the context that they are given, and the decorator that makes a function a sync."""

from .context import Context
from .opening import ReadOptions, open_client, open_context, open_org
from .org import ConnectionInfo, Org
from .schedule import Cron, Every, Interval
from .stored import StoredVault, columns_of, secrets_of
from .sync import Sync, sync

__all__ = [
    "ConnectionInfo",
    "Context",
    "Cron",
    "Every",
    "Interval",
    "Org",
    "ReadOptions",
    "StoredVault",
    "Sync",
    "columns_of",
    "open_client",
    "open_context",
    "open_org",
    "secrets_of",
    "sync",
]
