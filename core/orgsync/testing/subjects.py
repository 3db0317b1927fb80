"""The scripts that are tested: finding them, and getting a sync that shares no state with any other."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from orgsync.errors import OrgsyncError
from orgsync.fresh_import import PACKAGE
from orgsync.records import Record
from orgsync.script_detail import explained
from orgsync.scripts import Sync
from orgsync.scripts.action_discovery import list_own_actions
from orgsync.scripts.discovery import DiscoveredSync, list_syncs, load_syncs

from .script_home import Home, fresh_module

__all__ = ["Subject", "find_actions", "find_subjects", "fresh_sync"]

_NO_FOLDER = Path(__file__)


@dataclass(frozen=True, slots=True)
class Subject:
    """One sync or action to test, or why there is none: a script that does not import is named by its file."""

    name: str
    home: Home | None
    problem: str = ""


def find_subjects(folder: Path | None) -> list[Subject]:
    """Return the syncs of a project's folder, or of installed packages where there is none, in the order of names."""
    try:
        found = load_syncs(folder) if folder else [each for each in list_syncs(_NO_FOLDER) if each.sync]
    except OrgsyncError as problem:
        return [Subject(folder.name if folder else PACKAGE, None, str(problem))]
    except SystemExit as left:
        return [Subject(folder.name if folder else PACKAGE, None, _said(left))]
    return [_subject(each, folder) for each in found]


def find_actions(folder: Path) -> list[Subject]:
    """Return the actions of a project's folder; scripts that do not import are among its syncs."""
    try:
        found = [each for each in list_own_actions(folder) if each.loads]
    except OrgsyncError as problem:
        return [Subject(folder.name, None, str(problem))]
    except SystemExit:
        return []  # its syncs say so
    return [Subject(each.name, _home(each.name, each.where, folder)) for each in found]


def fresh_sync(home: Home) -> Sync[Record]:
    """Import the script again, and return its sync, which shares no state with any other."""
    values = vars(fresh_module(home)).values()
    return next(cast("Sync[Record]", each) for each in values if isinstance(each, Sync) and each.name == home.sync)


def _subject(found: DiscoveredSync, folder: Path | None) -> Subject:
    if found.sync is None:
        return Subject(found.name, None, explained(found.problem) if found.problem else "")
    if folder:
        return Subject(found.name, _home(found.name, found.where, folder))
    module = found.where
    return Subject(found.name, Home(found.name, module, str(sys.modules[module].__file__), ""))


def _home(name: str, where: str, folder: Path) -> Home:
    return Home(name, f"{PACKAGE}.{Path(where).stem}", where, str(folder))


def _said(left: SystemExit) -> str:
    return f"A script ends the process when it is imported: SystemExit({left.code!r})."
