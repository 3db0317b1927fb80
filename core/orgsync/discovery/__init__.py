"""Finding syncs by name: the project's own first, then those that installed packages bring."""

from .project import Found, find_sync, list_syncs, load_syncs, required
from .scripts import classes_of, record_classes

__all__ = ["Found", "classes_of", "find_sync", "list_syncs", "load_syncs", "record_classes", "required"]
