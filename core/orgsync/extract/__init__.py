"""Reading an org: what changed or everything, by which API, and how far each stream has been read."""

from orgsync.errors import SnapshotRefused

from .changes import changes
from .described import fields_read
from .route import Api, Route
from .snapshot import snapshot
from .source import Copy, Described, ReportDescribed, Source

__all__ = [
    "Api",
    "Copy",
    "Described",
    "ReportDescribed",
    "Route",
    "SnapshotRefused",
    "Source",
    "changes",
    "fields_read",
    "snapshot",
]
