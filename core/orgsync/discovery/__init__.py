"""Finding syncs by name: the project's own first, then those that installed packages bring."""

from .project import Found, find_sync, list_syncs, load_syncs

__all__ = ["Found", "find_sync", "list_syncs", "load_syncs"]
