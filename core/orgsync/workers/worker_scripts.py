"""The scripts of a worker: those that are due by themselves, and any other that it is asked to run."""

from typing import Any

from orgsync.project import FolderScripts
from orgsync.records import Record
from orgsync.scheduler import ScriptWatcher
from orgsync.scripts import Action, ConnectionRules, Sync
from orgsync.settings import Settings

__all__ = ["WorkerScripts"]


class WorkerScripts:
    """Finds syncs among those that are watched, and otherwise in the folder and in packages."""

    def __init__(self, watched: ScriptWatcher, settings: Settings) -> None:
        self._watched = watched
        self._settings = settings
        self._others = FolderScripts(settings.syncs_folder, settings.objects)
        self._loaded = watched.loaded

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises what keeps it from being run, NameUnknown for an unknown name."""
        watched = self._watched.syncs
        if name in watched:
            return watched[name]
        if self._loaded != self._watched.loaded:  # a file has changed
            self._loaded = self._watched.loaded
            self._others = FolderScripts(self._settings.syncs_folder, self._settings.objects)
        return self._others.sync(name)

    def action(self, name: str) -> Action[..., Any]:
        """Return an action; raises as `sync` does."""
        return self._watched.action(name)

    def connection_rules(self) -> ConnectionRules:
        """Return what the folder's scripts require of connections."""
        return self._watched.connection_rules()
