"""From an org's object to batches of rows: every committed change is read, and read once."""

from .changes import changes
from .source import Copy, Source

__all__ = ["Copy", "Source", "changes"]
