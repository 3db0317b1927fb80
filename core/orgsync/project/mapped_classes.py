"""The record classes of a project's scripts, as a field mapping names them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orgsync.errors import MappingInvalid
from orgsync.field_mapping import MappedColumn
from orgsync.records import Record, Schema, schema_of
from orgsync.scripts import Sync
from orgsync.scripts.discovery import DiscoveredSync, list_syncs
from orgsync.scripts.loading import classes_of
from orgsync.settings import Settings
from orgsync.suggest import folded, nearest

__all__ = ["MappableClasses", "unknown_columns"]

_NO_CLASS = "Write a script with a record class first: orgsync new sync OBJECT."


@dataclass(frozen=True, slots=True)
class MappableClasses:
    """The classes of Salesforce's data that scripts have, the project's own first, and the scripts that do not load."""

    schemas: Sequence[Schema]
    broken: Sequence[str]

    @classmethod
    def of(cls, settings: Settings) -> "MappableClasses":
        """Read the project's scripts and the shipped ones."""
        return cls.among(list_syncs(settings.syncs_folder))

    @classmethod
    def among(cls, found: Sequence[DiscoveredSync]) -> "MappableClasses":
        """Take the classes of these syncs."""
        own_first = sorted(found, key=lambda each: each.shipped)
        schemas = dict.fromkeys(schema for each in own_first if each.sync for schema in _schemas(each.sync))
        return cls([*schemas], sorted({each.where for each in found if each.sync is None}))

    def find(self, name: str, column: str) -> Schema:
        """Return the class of this name or table; of two that share a table, the one that has the column.

        Raises MappingInvalid for a name that no class has, with the nearest, and for one that several tables fit.
        """
        same = [each for each in self.schemas if each.model.__name__ == name]
        same = same or [each for each in self.schemas if each.table.lower() == name.lower()]
        if not same:
            raise self._unknown(name)
        tables = sorted({each.table for each in same})
        if len(tables) > 1:
            raise MappingInvalid(
                f"{len(tables)} record classes are called {name}.",
                f"Name the table in place of the class: {f'.{column} or '.join(tables)}.{column}.",
            )
        return next((each for each in same if column in {one.name for one in each.fields}), same[0])

    def _unknown(self, name: str) -> MappingInvalid:
        names = sorted({each.model.__name__ for each in self.schemas})
        reading = next((each.model.__name__ for each in self.schemas if folded(each.sobject) == folded(name)), None)
        near = reading or nearest(name, names) or nearest(name, [each.table for each in self.schemas])
        guess = f" Did you mean {near}{f', which reads {name}' if reading else ''}?" if near else ""
        unread = f" {', '.join(self.broken)} cannot be loaded." if self.broken else ""
        return MappingInvalid(
            f"No script has a record class {name}.{guess}",
            f"There are: {', '.join(names)}.{unread}" if names else f"{_NO_CLASS}{unread}",
        )


def unknown_columns(
    connection: str, mapping: Sequence[MappedColumn], found: Sequence[DiscoveredSync]
) -> list[MappingInvalid]:
    """Return an error for each mapped column whose class no script has any more; runs look at their own classes."""
    classes = MappableClasses.among(found)
    tables = {each.table.lower() for each in classes.schemas}
    return [
        MappingInvalid(
            f"{each.model}.{each.column} is mapped to {each.text}, but no script has a class with the table "
            f"{each.table}.",
            f"Take it away: orgsync connections map {connection} --unmap {each.model}.{each.column}.",
        )
        for each in mapping
        if each.table.lower() not in tables
    ]


def _schemas(sync: Sync[Record]) -> Iterator[Schema]:
    for model in (*sync.reads, *sync.models, *classes_of(sync)):
        if "__orgsync_schema__" in model.__dict__ and (schema := schema_of(model)).object_name is not None:
            yield schema
