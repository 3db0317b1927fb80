"""Keep a copy of Salesforce data in a database that you own.

    from orgsync import Batches, Context, Record, field, sync

A name is imported when it is first used, so that `import orgsync` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .application import connections, run
    from .application import open_connection as open
    from .context import ConnectionInfo, Context, Sync, sync
    from .errors import OrgsyncError
    from .records import Batch, Batches, Record, field
    from .salesforce.credentials import Credentials

__all__ = [
    "Batch",
    "Batches",
    "ConnectionInfo",
    "Context",
    "Credentials",
    "OrgsyncError",
    "Record",
    "Sync",
    "connections",
    "field",
    "open",
    "run",
    "sync",
]

_HOMES = {
    "Batch": "records",
    "Batches": "records",
    "ConnectionInfo": "context",
    "Context": "context",
    "Credentials": "salesforce.credentials",
    "OrgsyncError": "errors",
    "Record": "records",
    "Sync": "context",
    "connections": "application",
    "field": "records",
    "open": "application",
    "run": "application",
    "sync": "context",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'orgsync' has no attribute {name!r}")
    home = import_module(f"orgsync.{_HOMES[name]}")
    value = getattr(home, "open_connection" if name == "open" else name)
    globals()[name] = value
    return value
