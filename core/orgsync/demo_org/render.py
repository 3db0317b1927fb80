"""Rows as the JSON objects of a query's response."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from .clock import rest_datetime
from .fields import Derived, Field, Row, SObject
from .objects import NAME
from .resolve import Resolver

JSON = dict[str, object]
Children = Callable[[Row], JSON | None]


def encode(value: Derived) -> object:
    """Return a value as JSON holds it."""
    if isinstance(value, datetime):
        return rest_datetime(value)
    return value.isoformat() if isinstance(value, date) else value


def content_url(url: str, name: str, row: Row) -> str | None:
    """Return what stands for a content: the address where it is downloaded."""
    return None if row.get(name) is None else f"{url}/{name}"


@dataclass(slots=True)
class Shape:
    """What to write of each row: own fields, parents and sub-selects, in the order of the select list."""

    sobject: SObject
    base: str
    parts: dict[str, "Field | Parent | Children"] = field(default_factory=dict["str", "Field | Parent | Children"])

    def add(self, parents: tuple[Field, ...], leaf: Field, entities: Callable[[str], SObject]) -> bool:
        """Add a field, through its parents; False where it was there."""
        if not parents:
            fresh = leaf.name not in self.parts
            self.parts[leaf.name] = leaf
            return fresh
        reference = parents[0]
        name = reference.relationship or ""
        parent = self.parts.get(name)
        if not isinstance(parent, Parent):
            parent = Parent(reference, Shape(entities(reference.refers_to or ""), self.base))
            self.parts[name] = parent
        return parent.shape.add(parents[1:], leaf, entities)

    def renderer(self, resolver: Resolver) -> Callable[[Row], JSON]:
        """Return the function that writes a row."""
        kind, own = self.sobject.name, f"{self.base}/sobjects/"
        named = kind == NAME.name  # what is shared by several kinds stands at the address of the record's own kind
        writers = [(name, _writer(part, resolver)) for name, part in self.parts.items()]
        contents = [name for name, part in self.parts.items() if isinstance(part, Field) and part.type == "base64"]

        def render(row: Row) -> JSON:
            url = f"{own}{row['Type'] if named else kind}/{row['Id']}"
            record: JSON = {"attributes": {"type": kind, "url": url}}
            for name, write in writers:
                record[name] = write(row)
            for name in contents:
                record[name] = content_url(url, name, row)
            return record

        return render


@dataclass(slots=True)
class Parent:
    """A parent's fields, nested in the child's object."""

    reference: Field
    shape: Shape


def _writer(part: "Field | Parent | Children", resolver: Resolver) -> Callable[[Row], object]:
    if isinstance(part, Field):
        name, read = part.name, resolver.own_reader(part)
        if part.derive is None and part.type not in {"date", "datetime"}:
            return lambda row: row.get(name)
        return lambda row: encode(read(row))
    if isinstance(part, Parent):
        reference, render = part.reference, part.shape.renderer(resolver)

        def nested(row: Row) -> object:
            parent = resolver.parent(row, reference)
            return render(parent) if parent is not None else None

        return nested
    return part
