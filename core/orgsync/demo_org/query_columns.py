"""What `query?columns=true` answers: the columns of a query, parents and sub-selects as columns with columns.

The keys and their values for fields, parents, sub-selects and aggregates are those that Salesforce's own command line
tests itself with.
"""

from dataclasses import replace
from typing import cast

from .fields import NUMBER_TYPES, Field, Scope, SObject
from .grammar import parse
from .query import run
from .refusal import not_implemented
from .resolve import Column, Resolver
from .syntax import Aggregate, Call, FieldsOf, Path, Query
from .view import View

JSON = dict[str, object]
_APEX_TYPES = {
    "id": "Id", "reference": "Id", "boolean": "Boolean", "int": "Integer", "double": "Double", "currency": "Double",
    "percent": "Double", "date": "Date", "datetime": "Datetime", "address": "Address", "anyType": "Object",
}  # fmt: skip
_FIELDS_OF = {"STANDARD": (False,), "CUSTOM": (True,), "ALL": (False, True)}


def query_columns(text: str, view: View) -> JSON:
    """Return the columns of a query, in the order of its select list.

    Raises:
        Refusal: as the query itself is refused.
    """
    run(text, view)
    query = parse(text)
    resolver = Resolver(text, view.schema, view.visible, Scope(view.find, view.today))
    sobject = resolver.sobject(query.source, query.source_at)
    columns = _Columns(resolver, view).of(query, sobject)
    return {
        "columnMetadata": columns, "entityName": sobject.name, "groupBy": bool(query.group),
        "idSelected": any(column["columnName"] == "Id" for column in columns), "keyPrefix": sobject.prefix,
    }  # fmt: skip


class _Columns:
    def __init__(self, resolver: Resolver, view: View) -> None:
        self._resolver = resolver
        self._view = view

    def of(self, query: Query, sobject: SObject) -> list[JSON]:
        found: list[JSON] = []
        for item in query.select:
            if isinstance(item, Path | Call):
                column = self._resolver.column(sobject, item, query.alias)
                if item.alias is not None:
                    column = replace(column, parents=(), field=replace(column.field, name=item.alias))
                _place(found, column)
            elif isinstance(item, FieldsOf):
                found += self._all(sobject, item)
            elif isinstance(item, Aggregate):
                found.append(self._aggregate(item, sobject, query, found))
            elif isinstance(item, Query):
                found.append(self._children(item, sobject))
            else:
                raise not_implemented(f"describe the columns of {type(item).__name__} in a query")
        return found

    def _all(self, sobject: SObject, item: FieldsOf) -> list[JSON]:
        fields = self._view.schema.fields(sobject).values()
        return [_field(field) for field in fields if field.custom in _FIELDS_OF[item.group]]

    def _aggregate(self, item: Aggregate, sobject: SObject, query: Query, found: list[JSON]) -> JSON:
        unnamed = sum(str(column["columnName"]).startswith("expr") for column in found)
        path = ".".join(item.path.parts) if item.path else ""
        numeric = item.function not in {"min", "max"}
        if item.path and not numeric:
            numeric = self._resolver.column(sobject, item.path, query.alias).field.type in NUMBER_TYPES
        name = item.alias or f"expr{unnamed}"
        return _column(name, display=f"{item.function}({path})", aggregate=True, number=numeric)

    def _children(self, item: Query, sobject: SObject) -> JSON:
        child, reference = self._resolver.child(sobject, item.source, item.source_at)
        name = reference.child_relationship or item.source
        return _column(name, aggregate=True, columns=self.of(item, child))


def _place(found: list[JSON], column: Column) -> None:
    """Add a field; that of a parent goes among the columns of its parent."""
    for reference in column.parents:
        name = reference.relationship or ""
        parent = next((each for each in found if each["columnName"] == name), None)
        if parent is None:
            parent = _column(name, foreign_key=reference.name)
            found.append(parent)
        found = cast(list[JSON], parent["joinColumns"])
    found.append(_field(column.field))


def _field(field: Field) -> JSON:
    apex = _APEX_TYPES.get(field.type, "String")
    return {
        **_column(field.name, number=field.type in NUMBER_TYPES), "apexType": apex,
        "booleanType": field.type == "boolean", "custom": field.custom, "insertable": field.createable,
        "textType": apex == "String", "updatable": field.updateable,
    }  # fmt: skip


def _column(
    name: str,
    *,
    display: str | None = None,
    aggregate: bool = False,
    number: bool = False,
    foreign_key: str | None = None,
    columns: list[JSON] | None = None,
) -> JSON:
    return {
        "aggregate": aggregate, "apexType": None, "booleanType": False, "columnName": name, "custom": False,
        "displayName": display or name, "foreignKeyName": foreign_key, "insertable": False,
        "joinColumns": [] if columns is None else columns, "numberType": number, "textType": False, "updatable": False,
    }  # fmt: skip
