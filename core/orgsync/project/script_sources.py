"""Where a project finds the syncs that jobs name."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from orgsync.errors import NameUnknown
from orgsync.object_entry import ObjectEntry
from orgsync.records import Record
from orgsync.scripts import Sync
from orgsync.scripts.discovery import load_syncs, required

__all__ = ["FolderScripts", "GivenScripts", "ScriptSource"]


class ScriptSource(Protocol):
    """Finds syncs by name."""

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises what keeps it from being run, NameUnknown for an unknown name."""
        ...


class FolderScripts:
    """The syncs of a project's folder, of objects that settings name, and of installed packages.

    Each is imported once, when it is needed.
    """

    def __init__(self, folder: Path, objects: Sequence[ObjectEntry] = ()) -> None:
        self._folder = folder
        self._objects = objects
        self._loaded: dict[str, Sync[Record]] = {}

    def load(self, names: Sequence[str]) -> list[Sync[Record]]:
        """Import these syncs from one reading of the folder; raises what keeps the first of them from being run."""
        syncs = [required(found) for found in load_syncs(self._folder, names, self._objects)]
        self._loaded |= {sync.name: sync for sync in syncs}
        return syncs

    def add(self, sync: Sync[Record]) -> None:
        """Take a sync that is in no folder; it is found by its name, before any other."""
        self._loaded[sync.name] = sync

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises what keeps it from being run, NameUnknown for an unknown name."""
        return self._loaded[name] if name in self._loaded else self.load([name])[0]


class GivenScripts:
    """Syncs that the caller has imported."""

    def __init__(self, syncs: Iterable[Sync[Record]] = ()) -> None:
        self._syncs = {sync.name: sync for sync in syncs}

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises NameUnknown for one that was not given."""
        if name not in self._syncs:
            raise NameUnknown(
                f"There is no sync called {name}.", f"Available: {', '.join(sorted(self._syncs)) or 'none'}."
            )
        return self._syncs[name]
