"""The project's scripts while the scheduler runs: read again when a file changes, the last good version kept.

A script that no longer loads, or whose table another one claims, keeps the version that did; the others are read anew.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orgsync.errors import NothingScheduled, OrgsyncError, RecordClassInvalid
from orgsync.records import Record
from orgsync.scripts import Every, Sync
from orgsync.scripts.discovery import Found, load_syncs
from orgsync.scripts.table_clashes import clashes_of

__all__ = ["Scripts"]

_Marks = frozenset[tuple[str, int, int]]


class Scripts:
    """The syncs of a project that have an `every`: its own ones, or those that are named, shipped ones too."""

    def __init__(self, folder: Path, names: Sequence[str] = ()) -> None:
        self.problems: list[OrgsyncError] = []
        self.clashes: list[RecordClassInvalid] = []
        self._folder = folder
        self._names = names
        self._good: dict[str, Found] = {}
        self._seen = self._read = _marks(folder)

    @property
    def syncs(self) -> Mapping[str, Sync[Record]]:
        """The syncs to be run, by name."""
        found = {name: each.sync for name, each in self._good.items()}
        return {name: sync for name, sync in found.items() if sync is not None and sync.every is not None}

    @property
    def rhythms(self) -> Mapping[str, Every]:
        """When each is due."""
        return {name: sync.every for name, sync in self.syncs.items() if sync.every is not None}

    def load(self) -> None:
        """Read the folder for the first time.

        Raises what keeps a sync that is named from being run, and NothingScheduled where there is nothing to run.
        """
        self._load()
        by_hand = [name for name in self._names if name in self._good and name not in self.syncs]
        if self._names and self.problems:
            raise self.problems[0]
        if by_hand:
            raise NothingScheduled(
                f"The sync {by_hand[0]} has no every=, so it is never due.",
                f'Give it one, @sync(every="15m"), or run it by hand: orgsync run {by_hand[0]}.',
            )
        if not self.syncs:
            raise (self.problems or [self._nothing()])[0]

    def reload(self) -> bool:
        """Read the folder again if a file of it has changed and is left alone since the last look; tell whether."""
        before, self._seen = self._seen, _marks(self._folder)
        if self._seen == self._read or self._seen != before:
            return False
        self._read = self._seen
        try:
            self._load()
        except OrgsyncError as problem:  # two syncs of one name: nothing of the folder can be told apart
            self.problems = [problem]
        return True

    def _load(self) -> None:
        found = load_syncs(self._folder, self._names)
        broken = [each for each in found if each.problem]
        places = {each.where for each in broken} | {each.name for each in broken}
        kept = {name: old for name, old in self._good.items() if name in places or old.where in places}
        self._good = kept | {each.name: each for each in found if each.sync is not None}
        syncs = [each.sync for each in self._good.values() if each.sync is not None]
        self.problems = [each.problem for each in broken if each.problem]
        self.clashes = [clash.problem for sync in syncs for clash in clashes_of(sync, syncs, {})]

    def _nothing(self) -> NothingScheduled:
        return NothingScheduled(
            f"No sync in {self._folder} has an every=, so nothing is ever due.",
            'Write @sync(every="15m"), or name a shipped sync: orgsync up --sync contacts.',
        )


def _marks(folder: Path) -> _Marks:
    """Describe every file that a script may be made of, by what an edit changes: place, time and size."""
    return frozenset(_files(str(folder)))


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir() and not entry.name.startswith((".", "__")):
                    yield from _files(entry.path)
                elif entry.name.endswith(".py"):
                    stat = entry.stat()
                    yield entry.path, stat.st_mtime_ns, stat.st_size
    except FileNotFoundError:  # the folder, or a file between being listed and being looked at
        return
