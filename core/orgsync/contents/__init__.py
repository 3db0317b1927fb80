"""Contents of files: kept in a folder by their hash, and their rows in the copy."""

from .columns import ContentColumns
from .folder import ContentFolder
from .reader import ContentReader

__all__ = ["ContentColumns", "ContentFolder", "ContentReader"]
