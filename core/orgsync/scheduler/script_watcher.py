"""The project's syncs while the scheduler runs: reloaded when a file changes, the last good version kept.

Of a script that no longer loads, or whose table another one claims, the version that did is kept.
"""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from orgsync.errors import NameUnknown, NothingScheduled, OrgsyncError, RecordClassInvalid
from orgsync.object_entry import ObjectEntry
from orgsync.records import Record
from orgsync.scripts import Action, ConnectionRules, Every, Sync
from orgsync.scripts.action_discovery import find_action
from orgsync.scripts.connection_rules import rules_of
from orgsync.scripts.discovery import DiscoveredSync, load_syncs
from orgsync.scripts.table_clashes import clashes_of
from orgsync.settings import PROJECT_FILE, load_settings

__all__ = ["ScriptWatcher"]

_Files = frozenset[tuple[str, int, int]]


class ScriptWatcher:
    """The syncs of a project: its own ones, or those that are named, shipped ones too.

    Run are those that have an `every`, and those that are `scheduled`: due on a connection by a schedule of its own.
    Shipped ones are among these also where they are not named. `project` is the folder whose orgsync.toml names
    `objects`, None where they are given for good. Of a changed file, its other settings hold from the next start on.
    `loaded` counts how often the folder was loaded.
    """

    def __init__(
        self,
        folder: Path,
        names: Sequence[str] = (),
        objects: Sequence[ObjectEntry] = (),
        *,
        project: Path | None = None,
        scheduled: Collection[str] = (),
    ) -> None:
        self.problems: list[OrgsyncError] = []
        self.clashes: list[RecordClassInvalid] = []
        self.loaded = 0
        self._folder = folder
        self._names = names
        self._objects = objects
        self._scheduled = frozenset(scheduled)
        self._good: dict[str, DiscoveredSync] = {}
        self._project = project
        self._seen = self._loaded = self._files()

    @property
    def syncs(self) -> Mapping[str, Sync[Record]]:
        """The syncs to be run, by name."""
        found = {name: each.sync for name, each in self._good.items() if self._is_run(name, each)}
        return {name: sync for name, sync in found.items() if sync is not None}

    def sync(self, name: str) -> Sync[Record]:
        """Return a sync; raises NameUnknown for one that is not among those to be run any more."""
        if name not in self.syncs:
            raise NameUnknown(f"There is no sync {name!r} any more.", f"Look into {self._folder}.")
        return self.syncs[name]

    def action(self, name: str) -> Action[..., Any]:
        """Return an action; raises as `find_action` does."""
        return find_action(name, self._folder)

    def connection_rules(self) -> ConnectionRules:
        """Return what the folder's scripts, as they are now, require of connections."""
        return rules_of(self._folder)

    @property
    def schedules(self) -> Mapping[str, Every | None]:
        """When each is due by its script; None where only schedules of connections' own say so."""
        return {name: self._every(each) for name, each in self._good.items() if self._is_run(name, each)}

    def schedule(self, names: Collection[str]) -> bool:
        """Set which syncs are due by schedules of connections' own; return whether that changes what is run."""
        if frozenset(names) == self._scheduled:
            return False
        before, self._scheduled = self.schedules, frozenset(names)
        if any(name not in self._good for name in self._wanted):
            self._load()
        return self.schedules != before

    @property
    def _wanted(self) -> list[str]:
        """The syncs to load beside the folder's own: those that are scheduled, unless others are named."""
        return [] if self._names else sorted(self._scheduled)

    def load(self) -> None:
        """Load the folder for the first time.

        Raises what keeps a sync that is named from being run, and NothingScheduled where there is nothing to run.
        """
        self._load()
        by_hand = [name for name in self._names if name in self._good and name not in self.syncs]
        if self._names and self.problems:
            raise self.problems[0]
        if by_hand:
            raise NothingScheduled(
                f"The sync {by_hand[0]} has no every=, so it is never due.",
                f'Give it one, @sync(every="15m") in its script or every = "15m" in {PROJECT_FILE}; or run it by hand: '
                f"orgsync run {by_hand[0]}.",
            )
        if not self.syncs:
            raise (self.problems or [self._nothing()])[0]

    def reload(self) -> bool:
        """Load the folder again if a file of it has changed, but not since the last call; return whether it was."""
        before, self._seen = self._seen, self._files()
        if self._seen == self._loaded or self._seen != before:
            return False
        self._loaded = self._seen
        try:
            if self._project is not None and (self._project / PROJECT_FILE).is_file():
                self._objects = load_settings(self._project).objects
            self._load()
        except OrgsyncError as problem:  # two syncs of one name: which of them is meant cannot be known
            self.problems = [problem]
        return True

    def _is_run(self, name: str, found: DiscoveredSync) -> bool:
        return self._every(found) is not None or name in self._scheduled

    def _every(self, found: DiscoveredSync) -> Every | None:
        """Return when a sync is due by its script; a shipped one that is not named runs only where it is scheduled."""
        by_itself = found.sync is not None and (not found.shipped or found.name in self._names)
        return found.sync.every if found.sync is not None and by_itself else None

    def _load(self) -> None:
        self.loaded += 1
        found = load_syncs(self._folder, self._names, self._objects, also=self._wanted)
        broken = [each for each in found if each.problem]
        places = {each.where for each in broken} | {each.name for each in broken}
        kept = {name: old for name, old in self._good.items() if name in places or old.where in places}
        self._good = kept | {each.name: each for each in found if each.sync is not None}
        syncs = [each.sync for each in self._good.values() if each.sync is not None]
        self.problems = [each.problem for each in broken if each.problem]
        clashes = [clash for sync in syncs for clash in clashes_of(sync, syncs, {})]
        self.clashes = [clash.problem for clash in clashes if clash.sync < clash.other]  # each is found from both sides

    def _files(self) -> _Files:
        """Return every file that syncs come from, by what an edit changes: path, time and size."""
        settings = [] if self._project is None else [self._project / PROJECT_FILE]
        found = [(str(path), path.stat()) for path in settings if path.is_file()]
        return frozenset([*_walk(str(self._folder)), *((path, at.st_mtime_ns, at.st_size) for path, at in found)])

    def _nothing(self) -> NothingScheduled:
        return NothingScheduled(
            f"No sync in {self._folder} has an every=, so nothing is ever due.",
            'Write @sync(every="15m"), or every = "15m" below [[objects]] in orgsync.toml; or name a shipped sync: '
            "orgsync up --sync contacts.",
        )


def _walk(folder: str) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir() and not entry.name.startswith((".", "__")):
                    yield from _walk(entry.path)
                elif entry.name.endswith(".py"):
                    stat = entry.stat()
                    yield entry.path, stat.st_mtime_ns, stat.st_size
    except FileNotFoundError:  # the folder, or a file that was deleted after it was listed
        return
