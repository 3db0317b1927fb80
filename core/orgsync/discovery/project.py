"""Which syncs there are, and which one a name means."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from orgsync.context import Sync
from orgsync.errors import OrgsyncError, RecordClassInvalid, ScriptNotLoaded
from orgsync.records import Record, schema_of

from .scripts import Script, load_scripts, record_classes

__all__ = ["Found", "find_sync", "list_syncs"]

_GROUP = "orgsync.syncs"
"""The entry point group by which a package brings syncs; one is imported only when its name is asked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sync and where it was found; for a shipped one that was not imported, or a broken script, `sync` is None."""

    name: str
    where: str
    sync: Sync[Record] | None
    problem: OrgsyncError | None = None


def find_sync(name: str, folder: Path) -> Sync[Record]:
    """Find a sync by its name: the project's, else an installed package's.

    Raises ScriptNotLoaded for a name that nothing has (with the nearest that something has), and for a script of
    the project that may have had it but does not import; RecordClassInvalid when two classes claim one table.
    """
    scripts = load_scripts(folder)
    own = _by_name(scripts)
    if name in own:
        home = next(s.module for s in scripts if s.module is not None and own[name] in s.syncs)
        _require_own_tables(home, _modules(scripts))
        return own[name]
    shipped = {point.name: point for point in entry_points(group=_GROUP)}
    broken = [script for script in scripts if script.problem]
    # A broken script that bears the name must not give way to a shipped one; any may be the one that is missing.
    to_blame = [script for script in broken if script.path.stem == name] or (broken if name not in shipped else [])
    for script in to_blame:
        if script.problem:
            raise script.problem
    if name in shipped:
        found, module = _import(shipped[name])
        _require_own_tables(module, _modules(scripts))
        return found
    raise _unknown(name, [*own, *shipped], folder)


def list_syncs(folder: Path) -> list[Found]:
    """List every sync: the project's, what does not import there, and what packages bring."""
    scripts = load_scripts(folder)
    own = _by_name(scripts)
    places = {sync.name: script.path for script in scripts for sync in script.syncs}
    listed = [Found(name, str(places[name]), sync) for name, sync in own.items()]
    listed += [Found(s.path.stem, str(s.path), None, s.problem) for s in scripts if s.problem]
    taken = {found.name for found in listed}
    shipped = sorted(entry_points(group=_GROUP), key=lambda point: point.name)
    listed += [Found(p.name, p.value.partition(":")[0], _import(p)[0]) for p in shipped if p.name not in taken]
    return listed


def _by_name(scripts: list[Script]) -> dict[str, Sync[Record]]:
    """Key the project's syncs by name; a sync that one script imports from another is the same one."""
    found: dict[str, tuple[Sync[Record], Path]] = {}
    for script in scripts:
        for sync in script.syncs:
            earlier = found.setdefault(sync.name, (sync, script.path))
            if earlier[0] is not sync:
                raise ScriptNotLoaded(
                    f"Two syncs are called {sync.name}: in {earlier[1]} and in {script.path}.",
                    "Rename one, or give it a name: @sync(name=...).",
                )
    return {name: sync for name, (sync, _) in found.items()}


def _modules(scripts: list[Script]) -> list[ModuleType]:
    return [script.module for script in scripts if script.module is not None]


def _require_own_tables(home: ModuleType, others: Iterable[ModuleType]) -> None:
    """Raise RecordClassInvalid when another script has another record class for a table of this one."""
    own = {schema_of(model).table: model for model in record_classes(home)}
    for module in (home, *others):
        for model in record_classes(module):
            table = schema_of(model).table
            if own.get(table, model) is not model:
                raise RecordClassInvalid(
                    f"Two record classes claim the table {table}: {own[table].__name__} in {home.__file__} and "
                    f"{model.__name__} in {module.__file__}.",
                    'Import one from the other script, or give one a table of its own: __tablename__ = "...".',
                )


def _import(point: EntryPoint) -> tuple[Sync[Record], ModuleType]:
    loaded: Any = point.load()
    if not isinstance(loaded, Sync):
        raise ScriptNotLoaded(f"{point.value} is not a sync.", f"Tell the package that brings {point.name}.")
    return cast("Sync[Record]", loaded), sys.modules[point.module]


def _unknown(name: str, known: list[str], folder: Path) -> ScriptNotLoaded:
    near = get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}."
    return ScriptNotLoaded(f"There is no sync called {name}.", f"{hint} Scripts are read from {folder}.")
