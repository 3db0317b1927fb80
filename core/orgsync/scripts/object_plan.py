"""Objects that are copied without a script, as settings name them: checked, with their schedules."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orgsync.errors import NameTaken, ScriptNotLoaded, SettingInvalid
from orgsync.object_entry import ObjectEntry
from orgsync.settings import PROJECT_FILE

from .schedule import Every, Interval, parse_every, parse_interval

__all__ = ["PlannedObject", "planned_objects", "written_by_script"]


@dataclass(frozen=True, slots=True)
class PlannedObject:
    """An object, when it is due, how often its copies' Ids are compared with the org's, and its formulas read again."""

    entry: ObjectEntry
    every: Every | None = None
    reconcile: Interval | None = None
    formulas: Interval | None = None

    @classmethod
    def of(cls, entry: ObjectEntry) -> "PlannedObject":
        """Parse the schedule of an entry; raises SettingInvalid for what is none."""
        try:
            return cls(
                entry,
                None if entry.every is None else parse_every(entry.every),
                None if entry.reconcile is None else parse_interval(entry.reconcile, of="reconcile"),
                None if entry.formulas is None else parse_interval(entry.formulas, of="formulas"),
            )
        except ScriptNotLoaded as problem:
            cause = re.sub(r"^(every|reconcile|formulas)=", r"\1 = ", problem.cause)
            raise SettingInvalid(f"The object {entry.name}: {cause}", problem.remedy) from None

    @property
    def summary(self) -> str:
        """Say in a few words what is copied."""
        entry = self.entry
        fields = f"{len(entry.fields)} field{'s' if len(entry.fields) > 1 else ''}" if entry.fields else "Every field"
        return f"{fields} of {entry.name}{f', where {entry.where}' if entry.where else ''}"


def planned_objects(entries: Iterable[ObjectEntry]) -> list[PlannedObject]:
    """Return the objects of a project; raises SettingInvalid for one that is named twice, and for a wrong schedule."""
    found = [PlannedObject.of(each) for each in entries]
    names = _twice(each.entry.name for each in found)
    for name in names:
        raise SettingInvalid(f"{PROJECT_FILE} names the object {name} twice.", "Remove one of the two.")
    for table in _twice(each.entry.kept_in for each in found):
        both = " and ".join(each.entry.name for each in found if each.entry.kept_in == table)
        raise SettingInvalid(
            f"The objects {both} would be kept in the same table, {table}.",
            f'Give one of them another in {PROJECT_FILE}: table = "...".',
        )
    return found


def written_by_script(entry: ObjectEntry, sync: str, where: str) -> NameTaken:
    """Return the error for an object whose table a sync in a script writes."""
    return NameTaken(
        f"The sync {sync} ({where}) writes the table {entry.kept_in} already, which {entry.name} would be kept in.",
        f"Run it: orgsync run {sync}. Or give the object a table of its own in {PROJECT_FILE}: [[objects]] with "
        f'name = "{entry.name}" and table = "...".',
    )


def _twice(names: Iterable[str]) -> Iterator[str]:
    """Yield what occurs a second time, in any case."""
    seen = set[str]()
    for name in names:
        if name.lower() in seen:
            yield name
        seen.add(name.lower())
