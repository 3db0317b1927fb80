"""Where a project finds the syncs and actions that jobs name, and what its scripts require of connections."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

from orgsync.engine import Resources
from orgsync.errors import NameUnknown
from orgsync.object_entry import ObjectEntry
from orgsync.records import Record
from orgsync.scripts import Action, ConnectionRules, Sync
from orgsync.scripts.action_discovery import find_action
from orgsync.scripts.connection_rules import rules_of
from orgsync.scripts.discovery import load_syncs, required

__all__ = ["FolderScripts", "GivenScripts", "ScriptSource", "WithScripts"]


class ScriptSource(Protocol):
    """Finds syncs and actions by name, and what is required of connections."""

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises what keeps it from being run, NameUnknown for an unknown name."""
        ...

    def action(self, name: str) -> Action[..., Any]:
        """Return an action; raises what keeps it from being run, NameUnknown for an unknown name."""
        ...

    def connection_rules(self) -> ConnectionRules:
        """Return what is required of connections; raises ScriptNotLoaded where a script that may say does not load."""
        ...


class WithScripts(Resources, Protocol):
    """A project's resources, and its scripts."""

    @property
    def scripts(self) -> ScriptSource: ...  # noqa: D102


class FolderScripts:
    """The syncs and actions of a project's folder, and of installed packages, and the objects that settings name.

    Each is imported once, when it is needed.
    """

    def __init__(self, folder: Path, objects: Sequence[ObjectEntry] = ()) -> None:
        self._folder = folder
        self._objects = objects
        self._loaded: dict[str, Sync[Record]] = {}
        self._rules: ConnectionRules | None = None

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

    def action(self, name: str) -> Action[..., Any]:
        """Return an action; raises what keeps it from being run, NameUnknown for an unknown name."""
        return find_action(name, self._folder)

    def connection_rules(self) -> ConnectionRules:
        """Return what the folder's scripts require of connections; they are read once."""
        if self._rules is None:
            self._rules = rules_of(self._folder)
        return self._rules


class GivenScripts:
    """Syncs and actions that the caller has imported."""

    def __init__(self, syncs: Iterable[Sync[Record]] = (), *, actions: Iterable[Action[..., Any]] = ()) -> None:
        self._syncs = {sync.name: sync for sync in syncs}
        self._actions = {action.name: action for action in actions}

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises NameUnknown for one that was not given."""
        if name not in self._syncs:
            raise _not_given("sync", name, self._syncs)
        return self._syncs[name]

    def action(self, name: str) -> Action[..., Any]:
        """Return an action; raises NameUnknown for one that was not given."""
        if name not in self._actions:
            raise _not_given("action", name, self._actions)
        return self._actions[name]

    def connection_rules(self) -> ConnectionRules:
        """Return that nothing is required: no hook was given."""
        return ConnectionRules()


def _not_given(kind: str, name: str, given: Iterable[str]) -> NameUnknown:
    none_yet = f"No {kind} was given; open the project without any to use its scripts."
    return NameUnknown.among(kind, name, given, none_yet=none_yet, listed_by="")
