"""Keep a copy of Salesforce data in a database that you own.

    from orgsync import Batches, Context, Record, field, sync

A name is imported when it is first used, so that `import orgsync` costs next to nothing.
"""

from typing import TYPE_CHECKING

from .lazy import importer

if TYPE_CHECKING:
    from .application import connections, reset, run, schedules, session, up
    from .application import open_connection as open
    from .application_actions import do
    from .application_changes import changes
    from .engine import Committed, Ended, Event, Planned, Started, Warned
    from .errors import OrgsyncError, Refused
    from .project import Backup, Change, DryRun, DryRunChange, ReadSession, Schedule
    from .project.backup import backup
    from .project.exports import Exported, export
    from .project.read_session import select
    from .records import Batch, Batches, Record, field
    from .salesforce.api.download import Content
    from .salesforce.auth.credentials import Credentials
    from .scripts import Action, ActionResult, ConnectionInfo, Context, Hook, Org, QueryClass, Sync
    from .scripts.action import action
    from .scripts.hooks import on_connect, on_disconnect
    from .scripts.object_sync import object_sync
    from .scripts.sync import sync
    from .store import Run
    from .writes import RowResult, RowStatus, WriteCounts, WriteProgress, WriteResult

__all__ = [
    "Action",
    "ActionResult",
    "Backup",
    "Batch",
    "Batches",
    "Change",
    "Committed",
    "ConnectionInfo",
    "Content",
    "Context",
    "Credentials",
    "DryRun",
    "DryRunChange",
    "Ended",
    "Event",
    "Exported",
    "Hook",
    "Org",
    "OrgsyncError",
    "Planned",
    "QueryClass",
    "ReadSession",
    "Record",
    "Refused",
    "RowResult",
    "RowStatus",
    "Run",
    "Schedule",
    "Started",
    "Sync",
    "Warned",
    "WriteCounts",
    "WriteProgress",
    "WriteResult",
    "action",
    "backup",
    "changes",
    "connections",
    "do",
    "export",
    "field",
    "object_sync",
    "on_connect",
    "on_disconnect",
    "open",
    "reset",
    "run",
    "schedules",
    "select",
    "session",
    "sync",
    "up",
]

__getattr__ = importer(
    __name__,
    {
        **dict.fromkeys(("Batch", "Batches", "Record", "field"), "records"),
        **dict.fromkeys(("ConnectionInfo", "Context", "Hook", "Org", "QueryClass", "Sync"), "scripts"),
        **dict.fromkeys(("Action", "ActionResult"), "scripts"),
        **dict.fromkeys(("connections", "reset", "run", "schedules", "session", "up"), "application"),
        **dict.fromkeys(("Committed", "Ended", "Event", "Planned", "Started", "Warned"), "engine.events"),
        **dict.fromkeys(("Backup", "backup"), "project.backup"),
        **dict.fromkeys(("Exported", "export"), "project.exports"),
        **dict.fromkeys(("DryRun", "DryRunChange"), "project.dry_run"),
        **dict.fromkeys(("ReadSession", "select"), "project.read_session"),
        "Change": "project.changes",
        "Schedule": "project.schedules",
        "changes": "application_changes",
        "do": "application_actions",
        **dict.fromkeys(("RowResult", "RowStatus", "WriteCounts", "WriteProgress", "WriteResult"), "writes"),
        "open": "application:open_connection",
        "object_sync": "scripts.object_sync",
        "action": "scripts.action",
        "sync": "scripts.sync",
        "Content": "salesforce.api.download",
        "Credentials": "salesforce.auth.credentials",
        **dict.fromkeys(("OrgsyncError", "Refused"), "errors"),
        **dict.fromkeys(("on_connect", "on_disconnect"), "scripts.hooks"),
        "Run": "store.model",
    },
)


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
