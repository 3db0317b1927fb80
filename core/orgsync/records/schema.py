"""The schema of a record class: its object, its table and its columns."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, Union, cast, get_args, get_origin

from pydantic.fields import FieldInfo
from sqlalchemy import JSON, Boolean, Date, Float, Integer, String
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from orgsync.errors import BatchInvalid, RecordClassInvalid

from .declaration import require_extra, require_index_or_nothing, require_maskable, require_path
from .field import options_of, path_of
from .types import StoredDecimal, StoredTime, UtcDateTime

__all__ = ["BOOKKEEPING", "COLUMN_TYPES", "FEED_NUMBER", "Column", "Row", "Schema", "StoredValue", "column_of"]

StoredValue: TypeAlias = str | int | float | bool | None
Row: TypeAlias = tuple[StoredValue, ...]
"""One row in stored form, in the order of `Schema.columns`."""

COLUMN_TYPES: dict[type, type[TypeEngine[Any]]] = {
    str: String,
    bool: Boolean,
    int: Integer,
    float: Float,
    Decimal: StoredDecimal,
    datetime: UtcDateTime,
    date: Date,
    time: StoredTime,
    dict: JSON,
    list: JSON,
}

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

    model: type[SQLModel]
    object_name: str | None
    table: str
    columns: tuple[Column, ...]
    optional: bool = False

    @property
    def sobject(self) -> str:
        """The name of the object; raises ScriptProblem for data that is not Salesforce's."""
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


def column_of(owner: str, name: str, info: FieldInfo) -> Column:
    """Return the column of a field; raise RecordClassInvalid for a type that no column can hold."""
    kind, nullable = _kind(info.annotation)
    if kind not in COLUMN_TYPES:
        known = ", ".join(sorted(each.__name__ for each in COLUMN_TYPES))
        raise RecordClassInvalid(
            f"{owner}.{name} has a type that no column can hold: {info.annotation!r}.",
            f"Use one of {known}, with `| None` where Salesforce may leave it empty.",
        )
    given = options_of(info)
    if given.local and (given.path is not None or given.optional or given.formula):
        raise RecordClassInvalid(
            f"{owner}.{name} is local and has a Salesforce field at the same time.",
            "A local column has no Salesforce field: write field(local=True), or leave local=True out.",
        )
    path = "" if given.local else given.path or path_of(name)
    require_path(owner, name, given.path)
    if given.extra:
        require_extra(owner, name, kind, given, nullable=nullable)
        return Column(name, "", dict, given.optional, extra=True)
    index = require_index_or_nothing(owner, name, info) or given.index
    require_maskable(owner, name, kind, path, given)
    return Column(
        name, path, kind, given.optional, nullable, given.local, index, mask=given.mask or "", formula=given.formula
    )


def _kind(annotation: Any) -> tuple[Any, bool]:
    """Reduce an annotation to the class that determines the column, and whether None is allowed."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        options = [arg for arg in get_args(annotation) if arg is not type(None)]
        nullable = len(options) < len(get_args(annotation))
        return (_kind(options[0])[0] if len(options) == 1 else annotation), nullable
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin is Literal:
        kinds: list[Any] = list({type(arg) for arg in get_args(annotation)})
        return (kinds[0] if len(kinds) == 1 else annotation), False
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict, False
    return cast("Any", origin or annotation), False
