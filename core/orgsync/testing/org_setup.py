"""Adding the objects and fields that a script reads to a demo org that lacks them.

Record classes name them. What only a hand-written query or a condition names is learnt from the requests that the org
refused: a query's text shows which fields it needs.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal

from orgsync.demo_org import DemoOrg, Refusal, Request
from orgsync.demo_org.fields import Field, SObject
from orgsync.demo_org.functions import DATE_FUNCTIONS
from orgsync.demo_org.grammar import parse
from orgsync.demo_org.objects import NAME
from orgsync.demo_org.syntax import (
    Aggregate,
    Boolean,
    Call,
    Comparison,
    Literal,
    Moment,
    Named,
    Number,
    Path,
    Query,
    SemiJoin,
    conditions,
)
from orgsync.records import Column, Record, schema_of

__all__ = ["Provided", "Wanted", "provide", "refused_queries", "wanted_of"]

_TYPES: dict[type, str] = {
    str: "string",
    bool: "boolean",
    int: "int",
    float: "double",
    Decimal: "currency",
    date: "date",
    datetime: "datetime",
}
_PEOPLE = {"Owner", "CreatedBy", "LastModifiedBy", "Manager", "User"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a script requested and the org lacks: queries, and names of objects."""

    queries: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()

    def __or__(self, other: "Wanted") -> "Wanted":
        """Return what either needs, in order."""
        queries, objects = (*self.queries, *other.queries), (*self.objects, *other.objects)
        return Wanted(tuple(dict.fromkeys(queries)), tuple(dict.fromkeys(objects)))


@dataclass(frozen=True, slots=True)
class Provided:
    """The objects that a script reads, parents first, and the columns that record classes make of their fields."""

    sobjects: dict[str, None] = field(default_factory=dict[str, None])
    columns: dict[tuple[str, str], Column] = field(default_factory=dict[tuple[str, str], Column])


def refused_queries(requests: Iterable[Request]) -> list[str]:
    """Return the SOQL that was refused, that of Bulk jobs too."""
    refused = [request for request in requests if request.status == 400]
    jobs = [json.loads(request.body) for request in refused if request.path.endswith("/jobs/query")]
    queries = [request.query["q"] for request in refused if "q" in request.query]
    return list(dict.fromkeys([*queries, *(str(job.get("query", "")) for job in jobs)]))


def wanted_of(requests: Iterable[Request]) -> Wanted:
    """Return what requests need that the org lacks."""
    requests = list(requests)
    missing = [request.path.partition("/sobjects/")[2] for request in requests if request.status == 404]
    objects = [path.partition("/")[0] for path in missing if path]
    return Wanted(tuple(refused_queries(requests)), tuple(dict.fromkeys(objects)))


def provide(org: DemoOrg, models: Iterable[type[Record]], wanted: Wanted) -> Provided:
    """Add to a demo org what the record classes and the refused requests name; what it has stays as it is."""
    provided = Provided()
    schemas = [schema for model in models if (schema := schema_of(model)).object_name is not None]
    for name in [*(schema.sobject for schema in schemas), *wanted.objects]:
        _object(org, name, provided)
    for schema in schemas:
        # Paths through parents come first: they show that a field such as Region__c is a lookup.
        for column in sorted(schema.org_fields, key=lambda each: "." not in each.path):
            owner, added = _give(org, schema.sobject, column.path, _TYPES.get(column.type, "string"), provided)
            provided.columns[owner.name, added] = column
    for text in wanted.queries:
        with suppress(Refusal):  # what does not parse names nothing
            _give_queried(org, parse(text), provided)
    return provided


def _give_queried(org: DemoOrg, query: Query, provided: Provided, source: str = "") -> None:
    sobject = source or _object(org, query.source, provided).name
    for item in query.select:
        if isinstance(item, Query):
            child = _child(org, sobject, item.source)
            if child:
                _give_queried(org, item, provided, child)
    for condition in conditions(query.where) if query.where else ():
        if isinstance(condition, SemiJoin):
            _give_queried(org, condition.query, provided)
    for path, type in _paths(query):
        parts = path.parts[1:] if path.parts[0] in (query.alias, query.source) and path.parts[1:] else path.parts
        _give(org, sobject, ".".join(parts), type, provided)


def _paths(node: object) -> Iterator[tuple[Path, str]]:
    """Yield the paths of a query's tree with the type that each is compared as, those of sub-selects left out."""
    if isinstance(node, Path):
        yield node, "string"
    elif isinstance(node, Comparison) and isinstance(node.path, Path):
        yield node.path, _type_of(node.literals[0])
    elif isinstance(node, Call):
        of_dates = node.function in DATE_FUNCTIONS or node.function == "converttimezone"
        inner = next((path for path, _ in _paths(node.operand)), None)
        if inner is not None:
            yield inner, "datetime" if of_dates else "string" if node.function == "tolabel" else "currency"
    elif isinstance(node, Aggregate) and node.path is not None:
        yield node.path, "double" if node.function in {"sum", "avg"} else "string"
    elif isinstance(node, SemiJoin):
        yield node.path, "string"
    elif isinstance(node, tuple):
        for part in node:  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(part, Query):
                yield from _paths(part)  # pyright: ignore[reportUnknownArgumentType]
    elif is_dataclass(node):
        # Conditions come first: they show a field's type.
        for name in sorted((each.name for each in fields(node)), key=lambda each: each != "where"):
            yield from _paths(getattr(node, name))


def _type_of(literal: Literal) -> str:
    if isinstance(literal, Number):
        return "double"
    if isinstance(literal, Boolean):
        return "boolean"
    if isinstance(literal, Moment):
        return "datetime" if isinstance(literal.value, datetime) else "date"
    return "date" if isinstance(literal, Named) else "string"


def _give(org: DemoOrg, sobject: str, path: str, type: str, provided: Provided) -> tuple[SObject, str]:
    """Add the field at the end of a path, and the lookups before it; return the field's object and name."""
    *parents, name = path.split(".")
    owner = _known(org)[sobject.lower()]
    for parent in parents:
        owner = _follow(org, owner, parent, provided)
    found = next((each for each in owner.fields if each.name.lower() == name.lower()), None)
    if found is not None or owner is NAME:
        return owner, found.name if found else name
    target = name.removesuffix("Id")
    if type == "string" and target != name and (target.lower() in _known(org) or target in _PEOPLE):
        org.add_lookup(owner.name, name, _parent_of(owner, target, _known(org)))
    else:
        org.add_field(owner.name, name, type=type)
    return owner, name


def _follow(org: DemoOrg, owner: SObject, relationship: str, provided: Provided) -> SObject:
    """Return the parent behind a relationship, adding the lookup and the parent where they are missing."""
    found = _reference(owner, relationship)
    if found is not None and found.kinds:
        return NAME  # what all kinds share, to which no field can be added
    if found is None or found.refers_to is None:
        custom = relationship.endswith("__r")
        parent = _parent_of(owner, f"{relationship[:-1]}c" if custom else relationship, _known(org))
        _object(org, parent, provided)
        org.add_lookup(owner.name, f"{relationship[:-1]}c" if custom else f"{relationship}Id", parent)
        return _object(org, parent, provided)
    return _object(org, found.refers_to, provided)


def _parent_of(owner: SObject, name: str, known: dict[str, SObject]) -> str:
    if name.lower() in known:
        return known[name.lower()].name
    return "User" if name in _PEOPLE else owner.name if name == "Parent" else name


def _reference(owner: SObject, relationship: str) -> Field | None:
    return next((each for each in owner.fields if (each.relationship or "").lower() == relationship.lower()), None)


def _child(org: DemoOrg, sobject: str, relationship: str) -> str | None:
    """Return the name of the object whose rows a sub-select reads."""
    for each in org.objects():
        for reference in each.fields:
            if reference.refers_to == sobject and (reference.child_relationship or "").lower() == relationship.lower():
                return each.name
    return None


def _object(org: DemoOrg, name: str, provided: Provided) -> SObject:
    """Return an object, adding it where the org lacks it, and note that the script reads it."""
    if name.lower() not in _known(org):
        org.add_object(name)
    found = _known(org)[name.lower()]
    provided.sobjects[found.name] = None
    return found


def _known(org: DemoOrg) -> dict[str, SObject]:
    return {each.name.lower(): each for each in org.objects()}
