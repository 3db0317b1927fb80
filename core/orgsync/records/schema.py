"""The schema of a record class: its object, its table and its columns, as data.

It imports no database library: a process that decodes rows beside this one begins fast and is small.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from orgsync.errors import BatchInvalid

if TYPE_CHECKING:
    from sqlmodel import SQLModel

__all__ = ["BOOKKEEPING", "FEED_NUMBER", "Column", "Row", "Schema", "StoredValue"]

StoredValue: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[StoredValue, ...]
"""One row in stored form, in the order of `Schema.columns`."""

BOOKKEEPING = frozenset({"connection", "sync_change", "sync_number", "sync_changed_at", "sync_first_seen_at"})
"""Columns that the store fills."""

FEED_NUMBER = "sync_seq"
"""How a table's change feed names `sync_number`, so no field may have this name either."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a record class: its name, the field's path from the object, and its Python type.

    The path of a local column, which the script fills, is "". The path of a `mapped` one is its connection's.
    `mask` is how values are replaced before they are stored, "" for not at all; once a connection's key is known, it
    names the key as well. An `extra` column has no path, but the `fields` that its connection maps to it. `formula`
    says that the field changes without a stamp.
    """

    name: str
    path: str
    type: type
    optional: bool = False
    nullable: bool = True
    local: bool = False
    index: bool = False
    mapped: bool = False
    mask: str = ""
    extra: bool = False
    fields: tuple[str, ...] = ()
    formula: bool = False

    @property
    def parts(self) -> "tuple[Column, ...]":
        """A column for each field that fills this one: itself, or one for each of its extra fields."""
        return tuple(replace(self, path=each, type=object) for each in self.fields) if self.extra else (self,)


@dataclass(frozen=True, slots=True)
class Schema:
    """A record class as data. The first three columns are always id, system_modstamp and is_deleted.

    `object_name` is None for data that is not Salesforce's; `optional` says that an org may lack the object.
    """

    model: "type[SQLModel]"
    object_name: str | None
    table: str
    columns: tuple[Column, ...]
    optional: bool = False

    @property
    def sobject(self) -> str:
        """The name of the object; raises BatchInvalid for data that is not Salesforce's."""
        if self.object_name is None:
            name = self.model.__name__
            raise BatchInvalid(
                f"{name} is not Salesforce's data (its __sobject__ is None), so it cannot be read from an org.",
                f"Yield its rows yourself: yield Batch({name}, rows).",
            )
        return self.object_name

    @property
    def fields(self) -> tuple[Column, ...]:
        """The columns that the class itself declares."""
        return self.columns[3:]

    @property
    def org_fields(self) -> tuple[Column, ...]:
        """The columns that the class itself declares and Salesforce fills; one for each extra field."""
        return tuple(part for column in self.fields if not column.local for part in column.parts)

    @property
    def selected(self) -> tuple[Column, ...]:
        """The columns that Salesforce fills, those too that every class has; one for each extra field."""
        return (*self.columns[:3], *self.org_fields)

    def paths(self, *, without: Sequence[str] = ()) -> list[str]:
        """Return the paths of Salesforce fields, each once, in order, except those that the org does not have."""
        return [path for path in dict.fromkeys(each.path for each in self.selected) if path not in without]
