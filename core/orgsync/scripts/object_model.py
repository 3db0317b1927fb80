"""The record class of an object that has no script, built from its describe.

A column keeps its field for good, on all connections: the first org that is read gives the names, and what another org
has besides gets names that are still free. So a column never holds one field's values in some rows and another's in
others, whatever fields an org gains, loses or hides. A field whose values no longer fit its column, since its type was
changed, or is another in another org, gets a second column: `tier`, and `tier_number`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from functools import lru_cache
from typing import NamedTuple

from orgsync.extract.state import Shape
from orgsync.object_entry import ObjectEntry
from orgsync.object_names import class_name
from orgsync.records import Column, Record, unseen_class
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe
from orgsync.store import ObjectColumn

from .field_names import field_names, varied
from .object_fields import copied_fields, kind_of

__all__ = ["BuiltColumn", "columns_of_object", "missing_columns", "object_model", "retyped", "wanted_fields"]

_WORDS: dict[type, str] = {
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    date: "date",
    datetime: "datetime",
    time: "time",
    dict: "json",
}
_KINDS = {kind.__name__: kind for kind in _WORDS}


class BuiltColumn(NamedTuple):
    """A column of the class: `path` is "" for one that stays empty from now on."""

    name: str
    path: str
    kind: type


def wanted_fields(
    described: ObjectDescribe, entry: ObjectEntry, before: Mapping[str, Shape]
) -> list[FieldDescribe]:  # fmt: skip
    """Return the fields to be copied; one that is named and has vanished since an earlier run is left out.

    Raises NameUnknown for a name that the object never had.
    """
    read = {shape.path.lower() for shape in before.values()}
    gone = [name for name in entry.fields if described.field(name) is None and name.lower() in read]
    named = [name for name in entry.fields if name not in gone]
    return copied_fields(described, named) if named or not gone else []


def missing_columns(
    table: str, described: ObjectDescribe, fields: Sequence[FieldDescribe], known: Sequence[ObjectColumn]
) -> list[ObjectColumn]:
    """Return the columns that a table needs for an object's fields beside those that it has."""
    columns = _Columns(known)
    lacking = [each for each in fields if columns.of(each) is None]
    if not lacking:
        return []
    held = {each.field: each.column for each in reversed(known)}
    names = field_names((each.name for each in described.fields.values()), held, [each.column for each in known])
    taken = {*(each.column for each in known), *names.values()}
    found: list[ObjectColumn] = []
    for each in lacking:
        kind = kind_of(each)
        name = varied(held[each.name], _WORDS[kind], taken) if each.name in held else names[each.name]
        taken.add(name)
        found.append(ObjectColumn(record_table=table, column=name, field=each.name, kind=kind.__name__))
    return found


def columns_of_object(
    described: ObjectDescribe,
    entry: ObjectEntry,
    fields: Sequence[FieldDescribe],
    known: Sequence[ObjectColumn],
    before: Mapping[str, Shape],
) -> tuple[BuiltColumn, ...]:
    """Return the columns of the class, for a connection whose rows have been read with the columns `before`.

    Those that this connection no longer fills stay among them, so that rows do not keep old values: a field that has
    vanished may come back, one whose values go to another column now leaves its old one empty.
    """
    by_field = _Columns(known)
    chosen = [(each, column) for each in fields if (column := by_field.of(each)) is not None]
    columns = [BuiltColumn(column.column, each.name, _KINDS[column.kind]) for each, column in chosen]
    present = {each.name for each in columns}
    named = {name.lower() for name in entry.fields}
    for each in known:
        if each.column in present or each.column not in before or (named and each.field.lower() not in named):
            continue
        path = each.field if described.field(each.field) is None else ""
        columns.append(BuiltColumn(each.column, path, _KINDS[each.kind]))
    return tuple(columns)


def retyped(known: Sequence[ObjectColumn], new: Sequence[ObjectColumn]) -> list[tuple[ObjectColumn, ObjectColumn]]:
    """Return new columns whose fields had a column before, each behind that one."""
    before = {each.field: each for each in reversed(known)}
    return [(before[each.field], each) for each in new if each.field in before]


@lru_cache(maxsize=500)
def object_model(sobject: str, table: str, columns: tuple[BuiltColumn, ...]) -> type[Record]:
    """Build the record class of an object; connections with the same columns share one.

    Every field is optional: one that vanishes, even while it is read, leaves its column empty.
    """
    made = [Column(each.name, each.path, each.kind, optional=bool(each.path), local=not each.path) for each in columns]
    return unseen_class(class_name(sobject), sobject, table, made)


class _Columns:
    """The columns of a table by their fields."""

    def __init__(self, known: Iterable[ObjectColumn]) -> None:
        self._by_field: dict[str, list[ObjectColumn]] = {}
        for each in known:
            self._by_field.setdefault(each.field.lower(), []).append(each)

    def of(self, field: FieldDescribe) -> ObjectColumn | None:
        """Return the column that a field's values go to: one of their own type, else one that takes them, or None."""
        kind = kind_of(field)
        own = self._by_field.get(field.name.lower(), ())
        fitting = (kind.__name__, "str", *(["float"] if kind is int else []))
        return next((column for wanted in fitting for column in own if column.kind == wanted), None)
