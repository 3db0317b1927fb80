"""Reading an org: what changed, all there is, by which way, and how far it has come."""

from orgsync.errors import SnapshotRefused

from .changes import changes
from .route import Api, Route
from .snapshot import snapshot
from .source import Copy, Source

__all__ = ["Api", "Copy", "Route", "SnapshotRefused", "Source", "changes", "snapshot"]
