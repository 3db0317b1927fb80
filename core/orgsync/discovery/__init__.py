"""Finding syncs by name: the project's own first, then those that installed packages bring."""

from .clashes import Clash, clashes_of
from .project import Found, find_sync, list_syncs, load_syncs, required
from .scripts import classes_of, record_classes

__all__ = [
    "Clash",
    "Found",
    "clashes_of",
    "classes_of",
    "find_sync",
    "list_syncs",
    "load_syncs",
    "record_classes",
    "required",
]
