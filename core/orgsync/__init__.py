"""Keep a copy of Salesforce data in a database that you own.

    from orgsync import Batches, Context, Record, field, sync

A name is imported when it is first used, so that `import orgsync` costs next to nothing.
"""

from typing import TYPE_CHECKING

from .lazy import importer

if TYPE_CHECKING:
    from .application import connections, reset, run
    from .application import open_connection as open
    from .errors import OrgsyncError
    from .project import DryRun, DryRunChange
    from .records import Batch, Batches, Record, field
    from .salesforce.auth.credentials import Credentials
    from .scripts import ConnectionInfo, Context, Org, Sync, sync
    from .store import Run
    from .writes import RowResult, RowStatus, WriteCounts, WriteProgress, WriteResult

__all__ = [
    "Batch",
    "Batches",
    "ConnectionInfo",
    "Context",
    "Credentials",
    "DryRun",
    "DryRunChange",
    "Org",
    "OrgsyncError",
    "Record",
    "RowResult",
    "RowStatus",
    "Run",
    "Sync",
    "WriteCounts",
    "WriteProgress",
    "WriteResult",
    "connections",
    "field",
    "open",
    "reset",
    "run",
    "sync",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(("Batch", "Batches", "Record", "field"), "records"),
        **dict.fromkeys(("ConnectionInfo", "Context", "Org", "Sync", "sync"), "scripts"),
        **dict.fromkeys(("connections", "reset", "run"), "application"),
        **dict.fromkeys(("DryRun", "DryRunChange"), "project.dry_run"),
        **dict.fromkeys(("RowResult", "RowStatus", "WriteCounts", "WriteProgress", "WriteResult"), "writes"),
        "open": "application:open_connection",
        "Credentials": "salesforce.auth.credentials",
        "OrgsyncError": "errors",
        "Run": "store.model",
    },
)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
