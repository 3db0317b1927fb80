"""A record class as one connection reads it: some columns are filled from other fields than the class names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from orgsync.errors import MappingInvalid
from orgsync.field_mapping import MappedColumn
from orgsync.suggest import nearest

from .declaration import is_key
from .schema import Column, Schema

__all__ = ["mapped", "require_mappable"]


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
    return replace(column, path=own[column.name].fields[0], mapped=True) if column.name in own else column


def require_mappable(schema: Schema, given: MappedColumn) -> None:
    """Raise MappingInvalid unless the class has the column, and fields of Salesforce's may fill it."""
    name, columns = schema.model.__name__, {column.name: column for column in schema.fields}
    found = columns.get(given.column)
    if found is None:
        near = _near(given.column, schema)
        if near is None and given.column in {column.name for column in schema.columns}:
            raise MappingInvalid(
                f"{name}.{given.column} is in every record class and always means the same field, so it is not mapped.",
                f"Map another column: {', '.join(columns) or f'{name} declares none'}.",
            )
        raise MappingInvalid(
            f"{name} has no column {given.column}.{f' Did you mean {near}?' if near else ''}",
            f"Map one of these: {', '.join(columns) or f'{name} declares none'}.",
        )
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
    if len(given.fields) != 1:
        raise MappingInvalid(
            f"{name}.{given.column} takes one field, but {given.text} names {len(given.fields)}.", "Name one field."
        )


def _near(column: str, schema: Schema) -> str | None:
    """Return the column that was meant, also by the Salesforce name of its field."""
    by_path = {each.path.lower(): each.name for each in schema.org_fields}
    return by_path.get(column.lower()) or nearest(column, [each.name for each in schema.fields])
