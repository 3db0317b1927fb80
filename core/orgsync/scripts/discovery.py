"""Finding the syncs of a project and of installed packages, by name or all of them."""

import sys
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, cast

from orgsync.errors import NameUnknown, OrgsyncError, RecordClassInvalid, ScriptNotLoaded
from orgsync.object_entry import ObjectEntry
from orgsync.records import Record, schema_of
from orgsync.settings import PROJECT_FILE

from .action_survey import survey_actions
from .loading import Script, by_name, load_scripts, record_classes
from .object_plan import written_by_script
from .object_sync import ObjectSync, object_syncs
from .packages import SYNCS, provided
from .sync import Sync

__all__ = ["DiscoveredSync", "find_sync", "list_own", "list_syncs", "load_shipped", "load_syncs", "required"]


@dataclass(frozen=True, slots=True)
class DiscoveredSync:
    """A sync and where it was found; for a shipped one that was not imported, or a broken script, `sync` is None."""

    name: str
    where: str
    sync: Sync[Record] | None
    problem: OrgsyncError | None = None
    shipped: bool = False


Objects: TypeAlias = Sequence[ObjectEntry]
"""The objects that settings name: they are copied without a script."""


def find_sync(name: str, folder: Path, objects: Objects = ()) -> Sync[Record]:
    """Find a sync by its name: the project's, else an installed package's.

    Raises ScriptNotLoaded for an unknown name (with the most similar one that is known), and for a script of the
    project that may define it but cannot be imported; RecordClassInvalid when two classes claim one table.
    """
    return _Project.load(folder, objects).find(name)[0]


def load_syncs(
    folder: Path, names: Sequence[str] = (), objects: Objects = (), *, also: Sequence[str] = ()
) -> list[DiscoveredSync]:
    """Load the project's own syncs, or those that are named, also shipped ones, after reading the folder once.

    `also` names shipped ones to load beside the project's own; one that does not exist is left out. What cannot run is
    listed with its problem. Raises ScriptNotLoaded if two scripts define syncs of the same name.
    """
    project = _Project.load(folder, objects)
    broken = [] if names else project.broken()
    beside = [] if names else [name for name in also if name not in project.own and name in provided(SYNCS)]
    return [project.found(name) for name in names or [*project.own, *beside]] + broken


def required(found: DiscoveredSync) -> Sync[Record]:
    """Return the sync that was found, or raise the error that keeps it from being run."""
    if found.sync is None:
        raise found.problem or ScriptNotLoaded(f"{found.name} cannot be loaded.", f"Look at {found.where}.")
    return found.sync


def list_own(folder: Path, objects: Objects = ()) -> list[DiscoveredSync]:
    """List the project's syncs, and its scripts that cannot be imported."""
    project = _Project.load(folder, objects)
    return [DiscoveredSync(name, project.place(sync), sync) for name, sync in project.own.items()] + project.broken()


def list_syncs(folder: Path, objects: Objects = ()) -> list[DiscoveredSync]:
    """List every sync: the project's, its scripts that cannot be imported, and what packages provide."""
    listed = list_own(folder, objects)
    taken = {found.name for found in listed}
    return [*listed, *(load_shipped(point) for name, point in provided(SYNCS).items() if name not in taken)]


def load_shipped(point: EntryPoint) -> DiscoveredSync:
    """Import a sync that a package provides."""
    return DiscoveredSync(point.name, point.module, _import(point)[0], shipped=True)


@dataclass(frozen=True, slots=True)
class _Project:
    """One reading of the folder: its scripts, and their syncs by name."""

    folder: Path
    scripts: list[Script]
    own: dict[str, Sync[Record]]

    @classmethod
    def load(cls, folder: Path, objects: Objects = ()) -> "_Project":
        scripts = load_scripts(folder)
        own = {name: found for name, (found, _) in by_name("sync", scripts, _syncs).items()}
        for each in object_syncs(objects):
            if each.name in own:
                raise ScriptNotLoaded(
                    f"Two syncs are called {each.name}: in {PROJECT_FILE}, and in {_place(own[each.name], scripts)}.",
                    "Rename the one in the script: @sync(name=...).",
                )
            own[each.name] = each
        return cls(folder, scripts, own)

    def find(self, name: str) -> tuple[Sync[Record], str]:
        """Find a sync and its place; raise the error that keeps it from being run."""
        named = self.own.get(name)
        if isinstance(named, ObjectSync):
            self._require_own_table(named)
            return named, self.place(named)
        if name in self.own:
            home = next(s for s in self.scripts if self.own[name] in s.syncs)
            if home.module is not None:
                _require_own_tables(home.module, self.modules)
            return self.own[name], str(home.path)
        shipped = provided(SYNCS)
        if script := self.suspect(name, shipped):
            raise script.problem or _unknown(name, [*self.own, *shipped], self.folder)
        if name in shipped:
            found, module = _import(shipped[name])
            _require_own_tables(module, self.modules)
            return found, module.__name__
        raise _unknown(name, [*self.own, *shipped], self.folder)

    def found(self, name: str) -> DiscoveredSync:
        """Find a sync by its name, or the error that keeps it from being run."""
        try:
            sync, where = self.find(name)
        except OrgsyncError as problem:
            broken = self.suspect(name, ())
            where = self.place(self.own[name]) if name in self.own else str(broken.path) if broken else name
            return DiscoveredSync(name, where, None, problem)
        return DiscoveredSync(name, where, sync, shipped=name not in self.own)

    def broken(self) -> list[DiscoveredSync]:
        """List the scripts that cannot be imported."""
        return [DiscoveredSync(s.path.stem, str(s.path), None, s.problem) for s in self.scripts if s.problem]

    def place(self, sync: Sync[Record]) -> str:
        """Return the first file that defines a sync of the project; of an object, the file that names it."""
        return _place(sync, self.scripts)

    def _require_own_table(self, copied: ObjectSync) -> None:
        """Raise NameTaken where a script of the project writes the table of an object."""
        [table] = copied.tables
        for sync in self.own.values():
            if not isinstance(sync, ObjectSync) and table in sync.tables:
                raise written_by_script(copied.entry, sync.name, self.place(sync))

    def suspect(self, name: str, shipped: Container[str]) -> Script | None:
        """Find a broken script that may be why a name is missing.

        A script of that name takes precedence over a shipped sync; without one, any broken script may be the reason.
        """
        broken = [script for script in self.scripts if script.problem]
        named = [script for script in broken if script.path.stem == name]
        return next(iter(named or ([] if name in shipped else broken)), None)

    @property
    def modules(self) -> list[ModuleType]:
        """The modules of the scripts that import."""
        return [script.module for script in self.scripts if script.module is not None]


def _place(sync: Sync[Record], scripts: Sequence[Script]) -> str:
    """Return the first file that defines a sync of the project; of an object, the settings may."""
    return next((str(script.path) for script in scripts if sync in script.syncs), PROJECT_FILE)


def _syncs(script: Script) -> list[Sync[Record]]:
    return script.syncs


def _require_own_tables(home: ModuleType, others: Iterable[ModuleType]) -> None:
    """Raise RecordClassInvalid if another script has another record class for a table of this one."""
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
        raise ScriptNotLoaded(f"{point.value} is not a sync.", f"Report it to the package that provides {point.name}.")
    return cast("Sync[Record]", loaded), sys.modules[point.module]


def _unknown(name: str, known: list[str], folder: Path) -> NameUnknown:
    hint = ""
    if name[:1].isupper() and name.replace("_", "").isalnum():
        hint = f"An object without a script: orgsync run --object {name}."
    if name in {each.name for each in survey_actions(folder)}:
        hint = f"{name} is an action: orgsync do {name}."
    place = f"Scripts are read from {folder}; for another project, set ORGSYNC_PROJECT to its folder."
    return NameUnknown.among(
        "sync", name, known, none_yet="Write one: orgsync new sync OBJECT.", hint=hint, where=place
    )
