"""Which field a path of a query means, and how to read it from a row."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from .fields import Derived, Field, Lookup, Row, Scope, SObject
from .functions import function_of
from .grammar import at_place, malformed
from .refusal import Refusal
from .schema import Schema
from .syntax import Aggregate, Call, Operand, Path

DEEPEST = 5
Read = Callable[[Row], Derived]


@dataclass(frozen=True, slots=True)
class Column:
    """A field as a query reads it: through which parents, which field, and how."""

    parents: tuple[Field, ...]
    field: Field
    read: Read

    @property
    def name(self) -> str:
        """The path as the schema spells it, such as `Account.Name`."""
        return ".".join([*(parent.relationship or "" for parent in self.parents), self.field.name])


class Resolver:
    """Finds the fields that a query's paths name, as the user sees them; formulas see more, by their scope."""

    def __init__(self, text: str, schema: Schema, visible: Lookup, scope: Scope) -> None:
        self._text = text
        self._schema = schema
        self._visible = visible
        self._scope = scope

    def sobject(self, name: str, at: int) -> SObject:
        """Return the object that FROM names."""
        sobject = self._schema.sobject(name)
        if sobject is None:
            message = (
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
                "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
                "appropriate names."
            )
            raise at_place(self._text, at, "INVALID_TYPE", message)
        return sobject

    def column(self, sobject: SObject, path: Operand, alias: str | None) -> Column:
        """Return what a path of the query, or a function of one, means on an object."""
        if isinstance(path, Aggregate):
            raise malformed(self._text, path.at, f"unexpected token: '{path.function}'")
        if isinstance(path, Call):
            return self._called(sobject, path, alias)
        parts = list(path.parts)
        if len(parts) > 1 and parts[0].lower() in {(alias or sobject.name).lower(), sobject.name.lower()}:
            parts = parts[1:] if self._schema.relationship(sobject, parts[0]) is None else parts
        parents: list[Field] = []
        entity = sobject
        for part in parts[:-1]:
            reference = self._schema.relationship(entity, part)
            if reference is None or reference.refers_to is None:
                raise self._no_relationship(path, part)
            parents.append(reference)
            entity = self._schema.everything(reference.refers_to)
        if len(parents) > DEEPEST:
            raise at_place(self._text, path.at, "MALFORMED_QUERY", "Relationship path is too deep; at most 5 levels")
        field = self._schema.fields(entity).get(parts[-1].lower())
        if field is None:
            raise self._no_column(path, parts[-1], entity)
        return Column(tuple(parents), field, self._reader(tuple(parents), field))

    def _called(self, sobject: SObject, call: Call, alias: str | None) -> Column:
        inner = self.column(sobject, call.operand, alias)
        kind, apply = function_of(self._text, call, inner.field)
        own = self.own_reader(inner.field)

        def derive(row: Row, scope: Scope) -> Derived:
            return apply(own(row))

        field = replace(inner.field, type=kind, length=0, scale=0, derive=derive)
        return Column(inner.parents, field, self._reader(inner.parents, field))

    def child(self, sobject: SObject, name: str, at: int) -> tuple[SObject, Field]:
        """Return the children that a sub-select's FROM names."""
        for child, field in self._schema.children(sobject):
            if field.child_relationship and field.child_relationship.lower() == name.lower():
                return child, field
        raise self._no_relationship(Path((name,), at), name)

    def parent(self, row: Row, reference: Field) -> Row | None:
        """Return the row that a reference points to."""
        pointed = row.get(reference.name) if reference.derive is None else reference.derive(row, self._scope)
        return None if isinstance(pointed, dict) else self._visible(reference.refers_to or "", pointed)

    def _reader(self, parents: tuple[Field, ...], field: Field) -> Read:
        own = self.own_reader(field)
        if not parents:
            return own

        def read(row: Row) -> Derived:
            for reference in parents:
                parent = self.parent(row, reference)
                if parent is None:
                    return None
                row = parent
            return own(row)

        return read

    def own_reader(self, field: Field) -> Read:
        """Return how to read a field from a row of its own object."""
        name, derive, scope = field.name, field.derive, self._scope
        if derive is None:
            return lambda row: row.get(name)
        return lambda row: derive(row, scope)

    def _no_relationship(self, path: Path, name: str) -> Refusal:
        message = (
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name. Please reference your "
            "WSDL or the describe call for the appropriate names."
        )
        return at_place(self._text, path.at, "INVALID_FIELD", message)

    def _no_column(self, path: Path, name: str, entity: SObject) -> Refusal:
        message = (
            f"No such column '{name}' on entity '{entity.name}'. If you are attempting to use a custom field, be "
            "sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call "
            "for the appropriate names."
        )
        return at_place(self._text, path.at, "INVALID_FIELD", message)


def sort_key(
    column: Column, *, descending: bool = False, nulls_last: bool = False
) -> Callable[[Row], tuple[int, Derived]]:
    """Return the key to sort rows by, for a sort that is reversed where it descends."""
    read, folded = column.read, column.field.is_text
    absent = 0 if nulls_last == descending else 2

    def key(row: Row) -> tuple[int, Derived]:
        value = read(row)
        if value is None:
            return absent, 0
        return 1, value.casefold() if folded and isinstance(value, str) else value

    return key
