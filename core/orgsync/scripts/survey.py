"""Which syncs a project and installed packages have, without importing scripts that say so themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from orgsync.errors import OrgsyncError
from orgsync.object_entry import ObjectEntry
from orgsync.settings import PROJECT_FILE

from .object_plan import PlannedObject, planned_objects
from .outline import SyncOutline, outlines_of, script_paths
from .packages import SYNCS, provided
from .schedule import Every, Interval

if TYPE_CHECKING:
    from .discovery import DiscoveredSync

__all__ = ["SurveyedSync", "own_syncs", "survey"]


@dataclass(frozen=True, slots=True)
class SurveyedSync:
    """A sync, where it was found and what it declares; `problem` keeps it, or its whole script, from being run.

    Of a script that does not load only its name is known: `loads` is False.
    """

    name: str
    where: str
    every: Every | None = None
    reconcile: Interval | None = None
    formulas: Interval | None = None
    summary: str = ""
    tables: tuple[str, ...] = ()
    problem: OrgsyncError | None = None
    shipped: bool = False
    loads: bool = True


def own_syncs(folder: Path, objects: Sequence[ObjectEntry] = ()) -> list[SurveyedSync]:
    """List the syncs of a project's folder, its scripts that cannot be imported, and objects that need no script.

    Raises ScriptNotLoaded if two define syncs of the same name, and SettingInvalid as `planned_objects` does.
    """
    planned = planned_objects(objects)
    outlined = _outlined(folder)
    if outlined is not None and not {each.name for each in outlined} & {each.entry.name for each in planned}:
        return [*outlined, *map(_planned, planned)]
    from .discovery import list_own

    return [_surveyed(each) for each in list_own(folder, objects)]


def survey(folder: Path, objects: Sequence[ObjectEntry] = ()) -> list[SurveyedSync]:
    """List every sync: the project's, its scripts that cannot be imported, and what packages provide."""
    own = own_syncs(folder, objects)
    return [*own, *_shipped({each.name for each in own})]


def _outlined(folder: Path) -> list[SurveyedSync] | None:
    """Return the folder's syncs by the source of its scripts, None where that does not decide all of them."""
    found: list[SurveyedSync] = []
    for path in script_paths(folder):
        outlines = outlines_of(path)
        if outlines is None:
            return None
        found += [_declared(each, str(path)) for each in outlines]
    unique = len({each.name for each in found}) == len(found)
    return found if unique else None


def _shipped(taken: Collection[str]) -> list[SurveyedSync]:
    return [_shipped_sync(point) for name, point in provided(SYNCS).items() if name not in taken]


def _shipped_sync(point: EntryPoint) -> SurveyedSync:
    spec = find_spec(point.module)
    outlines = outlines_of(Path(spec.origin)) if spec and spec.origin else None
    outline = next((each for each in outlines or () if each.function == point.attr), None)
    if outline is not None:
        return _declared(outline, point.module, name=point.name, shipped=True)
    from .discovery import load_shipped

    return _surveyed(load_shipped(point))


def _planned(planned: PlannedObject) -> SurveyedSync:
    """Return what is known of an object without its org."""
    entry = planned.entry
    return SurveyedSync(
        entry.name,
        PROJECT_FILE,
        planned.every,
        planned.reconcile,
        planned.formulas,
        summary=planned.summary,
        tables=(entry.kept_in,),
    )


def _declared(outline: SyncOutline, where: str, *, name: str = "", shipped: bool = False) -> SurveyedSync:
    return SurveyedSync(
        name or outline.name,
        where,
        outline.every,
        outline.reconcile,
        outline.formulas,
        outline.summary,
        outline.tables,
        shipped=shipped,
    )


def _surveyed(found: "DiscoveredSync") -> SurveyedSync:
    """Return what an imported script has."""
    sync = found.sync
    if sync is None:
        return SurveyedSync(found.name, found.where, problem=found.problem, shipped=found.shipped, loads=False)
    return SurveyedSync(
        found.name,
        found.where,
        sync.every,
        sync.reconcile,
        sync.formulas,
        sync.summary,
        sync.tables,
        problem=found.problem or sync.problem,
        shipped=found.shipped,
    )
