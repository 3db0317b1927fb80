"""Reading an org: what changed or everything, by which API, and how far each stream has been read."""

from orgsync.errors import SnapshotRefused

from .changes import changes
from .route import Api, Route
from .snapshot import snapshot
from .source import Copy, Source

__all__ = ["Api", "Copy", "Route", "SnapshotRefused", "Source", "changes", "snapshot"]
