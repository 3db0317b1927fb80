"""What a script holds: an authenticated way into its connection's org, and the decorator that makes it a sync."""

from .context import ConnectionInfo, Context
from .opening import Reading, open_client, open_context
from .schedule import Cron, Every, Interval
from .stored import StoredVault, columns_of, secrets_of
from .sync import Sync, sync

__all__ = [
    "ConnectionInfo",
    "Context",
    "Cron",
    "Every",
    "Interval",
    "Reading",
    "StoredVault",
    "Sync",
    "columns_of",
    "open_client",
    "open_context",
    "secrets_of",
    "sync",
]
