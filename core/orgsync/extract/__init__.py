"""Reading an org: what changed, all there is, by which way, and how far it has come."""

from .changes import changes
from .comparing import SnapshotRefused
from .plan import Api, Plan
from .snapshot import snapshot
from .source import Copy, Source

__all__ = ["Api", "Copy", "Plan", "SnapshotRefused", "Source", "changes", "snapshot"]
