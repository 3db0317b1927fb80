"""A record class as one connection reads it: some columns are filled from other fields than the class names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orgsync.errors import MappingInvalid
from orgsync.field_mapping import MappedColumn
from orgsync.suggest import nearest

from .declaration import is_key
from .schema import Column, Schema

__all__ = ["mapped", "require_mappable"]

_EXTRA = "{}: dict[str, Any] | None = field(extra=True)"


def mapped(schema: Schema, mapping: Sequence[MappedColumn]) -> Schema:
    """Return the schema with the paths that a connection's mapping gives; names and types stay those of the class.

    Raises MappingInvalid for a column that the class does not have, or that no field may fill.
    """
    own = {each.column: each for each in mapping if each.is_of(schema.table)}
    if not own:
        return schema
    for each in own.values():
        require_mappable(schema, each)
    return replace(schema, columns=tuple(_mapped(column, own) for column in schema.columns))


def _mapped(column: Column, own: Mapping[str, MappedColumn]) -> Column:
    if column.name not in own:
        return column
    fields = own[column.name].fields
    if column.extra:
        return replace(column, fields=fields, mapped=True)
    return replace(column, path=fields[0], mapped=True)


def require_mappable(schema: Schema, given: MappedColumn) -> None:
    """Raise MappingInvalid unless the class has the column, and fields of Salesforce's may fill it."""
    name, columns = schema.model.__name__, {column.name: column for column in schema.fields}
    found = columns.get(given.column)
    if found is None:
        raise _no_column(schema, given)
    if found.local:
        raise MappingInvalid(
            f"{name}.{given.column} is local: its script fills it, so no field can be mapped to it.",
            "Map a column of Salesforce's, or declare this one without local=True.",
        )
    if found.mask and any(map(is_key, given.fields)):
        raise MappingInvalid(
            f"{name}.{given.column} is masked, and rows are found and compared by {given.text}, which cannot be.",
            "Map another field.",
        )
    twice = next((each for at, each in enumerate(given.fields) if each.lower() in _lower(given.fields[:at])), None)
    if twice is not None:
        raise MappingInvalid(f"{name}.{given.column} names {twice} twice.", "Name each field once.")
    if len(given.fields) != 1 and not found.extra:
        raise MappingInvalid(
            f"{name}.{given.column} takes one field, but {given.text} names {len(given.fields)}.",
            f"Name one field; a column of several is declared {_EXTRA.format(given.column)}.",
        )


def _no_column(schema: Schema, given: MappedColumn) -> MappingInvalid:
    name, near = schema.model.__name__, _near(given.column, schema)
    there = ", ".join(column.name for column in schema.fields)
    others = f"Map one of these: {there}." if there else f"{name} declares no column that could be mapped."
    if near is None and given.column in {column.name for column in schema.columns}:
        return MappingInvalid(
            f"{name}.{given.column} is in every record class and always means the same field, so it is not mapped.",
            others,
        )
    if near is None and (len(given.fields) > 1 or given.column == "extra"):
        others = f"Declare it in {name}: {_EXTRA.format(given.column)}."
    return MappingInvalid(f"{name} has no column {given.column}.{f' Did you mean {near}?' if near else ''}", others)


def _lower(names: Sequence[str]) -> list[str]:
    return [each.lower() for each in names]


def _near(column: str, schema: Schema) -> str | None:
    """Return the column that was meant, also by the Salesforce name of its field."""
    by_path = {each.path.lower(): each.name for each in schema.org_fields}
    return by_path.get(column.lower()) or nearest(column, [each.name for each in schema.fields])
