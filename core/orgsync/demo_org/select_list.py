"""What a query selects: fields, fields of parents, TYPEOF, FIELDS() and rows of children."""

from collections.abc import Callable
from dataclasses import replace

from .fields import Derive, Derived, Row, Scope, SObject, Value
from .grammar import at_place, malformed
from .objects import NAME
from .render import JSON, Shape
from .resolve import Column, Resolver
from .syntax import Call, FieldsOf, Path, Query, TypeOf
from .view import QueryResult, View, limited

__all__ = ["SelectList"]

_GROUPS = {"STANDARD": (False,), "CUSTOM": (True,), "ALL": (False, True)}


class SelectList:
    """Compiles what a query selects; `child_rows` returns the rows of a sub-select, in order."""

    def __init__(
        self, text: str, view: View, resolver: Resolver, child_rows: Callable[[Query, SObject], list[Row]]
    ) -> None:
        self._text = text
        self._view = view
        self._resolver = resolver
        self._child_rows = child_rows

    def shape(self, query: Query, sobject: SObject) -> Shape:
        """Return the form of a query's records. Raises Refusal for what cannot be selected."""
        shape = Shape(sobject, self._view.base)
        for item in query.select:
            if isinstance(item, Path | Call):
                self._add(shape, sobject, item, query.alias)
            elif isinstance(item, TypeOf):
                self._add_typeof(shape, sobject, item)
            elif isinstance(item, FieldsOf):
                self._add_all(shape, sobject, item, query)
            elif isinstance(item, Query):
                self._add_children(shape, sobject, item)
        return shape

    def _add(self, shape: Shape, sobject: SObject, item: Path | Call, alias: str | None) -> None:
        column = self._resolver.column(sobject, item, alias)
        parents, field = column.parents, column.field
        if item.alias is not None:
            parents, field = (), replace(field, name=item.alias, derive=_from(column))
        if not shape.add(parents, field, self._view.schema.everything):
            raise at_place(self._text, item.at, "INVALID_FIELD", f"duplicate field selected: {item.spelled}")

    def _add_typeof(self, shape: Shape, sobject: SObject, item: TypeOf) -> None:
        """Add the parent that a reference to several objects points to, with the fields that its own object gets."""
        reference = self._view.schema.relationship(sobject, item.path.spelled)
        if reference is None or len(reference.kinds) < 2:
            message = f"TYPEOF takes a relationship to several objects; '{item.path.spelled}' is none"
            raise malformed(self._text, item.path.at, message)
        renderers: dict[str, Callable[[Row], JSON]] = {}
        for name, paths in item.whens:
            kind = self._resolver.sobject(name, item.path.at)
            if kind.name not in reference.kinds:
                message = f"'{item.path.spelled}' does not refer to '{name}'"
                raise malformed(self._text, item.path.at, message)
            renderers[kind.name] = self._renderer(kind, paths)
        otherwise = self._renderer(NAME, item.otherwise or ())

        def parent(row: Row) -> JSON | None:
            pointed = row.get(reference.name)
            named = self._view.visible(NAME.name, pointed)
            if named is None:
                return None
            kind = str(named["Type"])
            found = self._view.visible(kind, pointed)
            return renderers[kind](found) if found and kind in renderers else otherwise(named)

        if shape.parts.setdefault(reference.relationship or "", parent) is not parent:
            message = f"duplicate field selected: {item.path.spelled}"
            raise at_place(self._text, item.path.at, "INVALID_FIELD", message)

    def _renderer(self, sobject: SObject, paths: tuple[Path, ...]) -> Callable[[Row], JSON]:
        shape = Shape(sobject, self._view.base)
        for path in paths:
            self._add(shape, sobject, path, None)
        return shape.renderer(self._resolver)

    def _add_all(self, shape: Shape, sobject: SObject, item: FieldsOf, query: Query) -> None:
        if item.group not in _GROUPS:
            raise malformed(self._text, item.at, f"unexpected token: '{item.group}'")
        if item.group != "STANDARD" and (query.limit is None or query.limit > 200):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            raise malformed(self._text, item.at, message)
        for field in self._view.schema.fields(sobject).values():
            if field.custom in _GROUPS[item.group]:
                shape.add((), field, self._view.schema.everything)

    def _add_children(self, shape: Shape, sobject: SObject, query: Query) -> None:
        child, reference = self._resolver.child(sobject, query.source, query.source_at)
        render = self.shape(query, child).renderer(self._resolver)
        by_parent: dict[Value, list[Row]] = {}
        for row in self._child_rows(query, child):
            by_parent.setdefault(row[reference.name], []).append(row)

        def children(row: Row) -> JSON | None:
            rows = limited(by_parent.get(row["Id"], []), query)
            return self._view.nested(QueryResult(rows, render, len(rows))) if rows else None

        shape.parts[reference.child_relationship or query.source] = children

    def columns(self, query: Query, sobject: SObject, item: object) -> list[Column]:
        """Return the flat columns that an item selects."""
        if isinstance(item, Path | Call):
            return [self._resolver.column(sobject, item, query.alias)]
        if not isinstance(item, FieldsOf):
            return []
        fields = self._view.schema.fields(sobject).values()
        chosen = [field for field in fields if field.custom in _GROUPS[item.group]]
        return [Column((), field, self._resolver.own_reader(field)) for field in chosen]


def _from(column: Column) -> Derive:
    def derive(row: Row, scope: Scope) -> Derived:
        return column.read(row)

    return derive
