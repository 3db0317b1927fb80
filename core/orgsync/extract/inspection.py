"""Inspecting an object before it is read: its describe and its parents', for a record class and a condition."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from orgsync.errors import FieldNotFound, ObjectNotFound, ObjectNotQueryable
from orgsync.records import Column, Schema
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe, describe
from orgsync.soql import Condition, SemiJoin, condition_of, relationships_of
from orgsync.suggest import nearest

from .object_facts import ObjectFacts, is_behind
from .query_rules import cursor_of, demands_filter, not_by_bulk

__all__ = ["Inspection", "inspect"]

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_COMPOUNDS = frozenset({"address", "location"})
_BOOLEANS = frozenset({"boolean"})
_ANY_TYPE = frozenset({"anyType"})
_INSTANTS = frozenset({"datetime"})

_PARTS = (
    *("street", "city", "state", "stateCode", "postalCode", "country", "countryCode"),
    *("latitude", "longitude", "geocodeAccuracy"),
)
"""The keys of a compound field's value, each of which is also a field: BillingAddress has BillingCity."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of inspecting an object: its facts, and the field for each path of the class that exists.

    A field is None if no describe contains it, as behind a parent that may be of several kinds.
    """

    facts: ObjectFacts
    fields: Mapping[str, FieldDescribe | None]


async def inspect(
    client: Client,
    schema: Schema,
    where: str | None,
    warn: Callable[[str], None],
    *,
    without: Collection[str] = (),
    described: dict[str, ObjectDescribe] | None = None,
) -> Inspection:
    """Describe the object and the parents that the class reads, and check every field of the class.

    Costs one call for the object and one for each parent. `without` are paths of the class that a query was refused
    for, although no describe showed it; `described` is filled with what is read. Raises FieldNotFound and
    ObjectNotFound, which name what is missing.
    """
    return await _Inspector(client, schema, warn, without, {} if described is None else described).inspect(where)


@dataclass(slots=True)
class _Inspector:
    """One inspection, with the describes that it has read."""

    client: Client
    schema: Schema
    warn: Callable[[str], None]
    without: Collection[str]
    described: dict[str, ObjectDescribe]
    refused: set[str] = field(default_factory=set[str])
    warned: set[str] = field(default_factory=set[str])

    async def inspect(self, where: str | None) -> Inspection:
        own = await self.describe(self.schema.sobject)
        self.require_queryable(own, where)
        absent = [column.path for column in self.schema.org_fields if not await self.has(own, column)]
        columns = [column for column in self.schema.org_fields if column.path not in absent]
        fields = {column.path: await self.field(own, column.path) for column in columns}
        spelled = {path: await self.spelling(own, path) for path in fields}
        condition = condition_of(where, own.name)
        joined = await self.joined(own, condition)
        await self.warn_of_drift(own, condition, joined)
        compared = [f"{relationship}.{path}" for relationship, inner in joined.items() for path in ("Id", *inner.paths)]
        judged_by = await self.watched(own, relationships_of([*condition.paths, *compared]))
        read = relationships_of(spelled.values())
        parents = await self.watched(own, [*read, *judged_by])
        compounds = {
            spelled[path]: await self.parts(own, path) for path, each in fields.items() if _is(each, _COMPOUNDS)
        }
        cursor = cursor_of(own)
        facts = ObjectFacts(
            cursor=cursor,
            replicateable=own.replicateable,
            absent=(*absent, *(() if own.field("IsDeleted") else ("IsDeleted",))),
            parents=parents,
            judged_by=judged_by,
            inspected_at=self.client.now,
            spelled={path: real for path, real in spelled.items() if path != real},
            numbers=_paths_of(_NUMBERS, fields, spelled),
            booleans=_paths_of(_BOOLEANS, fields, spelled),
            instants=tuple(spelled[path] for path, each in fields.items() if each is None or _is(each, _INSTANTS)),
            any_type=_paths_of(_ANY_TYPE, fields, spelled),
            wide=tuple(spelled[path] for path, each in fields.items() if each is not None and each.is_wide),
            undescribed=tuple(path for path, each in fields.items() if each is None),
            compounds=compounds,
            drifting=tuple(
                path
                for path, each in fields.items()
                if (each is not None and each.calculated) or is_behind(spelled[path], set(read) - set(parents))
            ),
            rest_only=not_by_bulk(columns, fields, {path: compounds.get(spelled[path]) for path in fields}),
            delete_log=own.replicateable and cursor == "SystemModstamp",
            described={name: each.last_modified for name, each in self.described.items()},
        )
        return Inspection(facts, fields)

    def require_queryable(self, own: ObjectDescribe, where: str | None) -> None:
        if not own.queryable:
            raise ObjectNotQueryable(own.name)
        if demands_filter(own.name) and where is None:
            self.warn(f"{own.name} can only be queried with a certain filter; give it with where=.")

    def warn_once(self, sentence: str) -> None:
        if sentence not in self.warned:
            self.warned.add(sentence)
            self.warn(sentence)

    async def field(self, own: ObjectDescribe, path: str) -> FieldDescribe | None:
        """Find the describe of an existing field at the end of its path; None if no describe contains it."""
        relationship, _, name = path.rpartition(".")
        holder = await self.holder(own, relationship) if relationship else own
        return holder.field(name) if isinstance(holder, ObjectDescribe) else None

    async def spelling(self, own: ObjectDescribe, path: str) -> str:
        """Return a path as Salesforce spells it in responses; SOQL accepts any case."""
        *relationships, name = path.split(".")
        holder: ObjectDescribe | _Unknown | str = own
        spelled: list[str] = []
        for each in relationships:
            reference = holder.parent(each) if isinstance(holder, ObjectDescribe) else None
            spelled.append((reference.relationship if reference else None) or each)
            holder = await self.holder(own, ".".join(spelled))
        last = holder.field(name) if isinstance(holder, ObjectDescribe) else None
        return ".".join([*spelled, last.name if last else name])

    async def parts(self, own: ObjectDescribe, path: str) -> dict[str, str]:
        """Return the fields that a compound field is made of, by the keys of its value."""
        relationship, _, name = (await self.spelling(own, path)).rpartition(".")
        holder = await self.holder(own, relationship) if relationship else own
        if not isinstance(holder, ObjectDescribe):
            return {}
        before, after = (name.removesuffix("c"), "__s") if name.endswith("__c") else (name.removesuffix("Address"), "")
        fields = {key: holder.field(f"{before}{key}{after}") for key in _PARTS}
        prefix = f"{relationship}." if relationship else ""
        return {key: f"{prefix}{each.name}" for key, each in fields.items() if each is not None}

    async def describe(self, sobject: str) -> ObjectDescribe:
        if sobject not in self.described:
            self.described[sobject] = await describe(self.client, sobject)
        return self.described[sobject]

    async def has(self, own: ObjectDescribe, column: Column) -> bool:
        """Return whether the field exists; False only for an optional one, raise FieldNotFound for any other."""
        relationship, _, name = column.path.rpartition(".")
        holder = await self.holder(own, relationship) if relationship else own
        if column.path in self.without:
            return self.missing(column, f"an object that {relationship} of {own.name} may lead to", name)
        if isinstance(holder, ObjectDescribe):
            return holder.field(name) is not None or self.missing(
                column, holder.name, name, nearest(name, [each.name for each in holder.fields.values()])
            )
        return isinstance(holder, _Unknown) or self.missing(column, own.name, holder)

    def missing(self, column: Column, sobject: str, name: str, near: str | None = None) -> bool:
        if not column.optional:
            needed_by = f"{self.schema.model.__name__}.{column.name}"
            raise FieldNotFound(sobject, name, needed_by=needed_by, near=near, mapped=column.mapped)
        self.warn_once(
            f"{self.schema.model.__name__}.{column.name} stays empty: {sobject} has no visible field {name}."
        )
        return False

    async def holder(self, own: ObjectDescribe, relationship: str) -> "ObjectDescribe | _Unknown | str":
        """Follow a relationship to the object at its end; return the name of the part that does not exist."""
        for name in relationship.split("."):
            reference = own.parent(name)
            if reference is None:
                return name
            if len(reference.refers_to) != 1:
                return _Unknown(has_stamp=False)
            parent = await self.parent(reference.refers_to[0])
            if isinstance(parent, _Unknown):
                return parent
            own = parent
        return own

    async def parent(self, sobject: str) -> "ObjectDescribe | _Unknown":
        """Describe a parent; if that is refused, the query itself will show whether its fields can be read."""
        if sobject not in self.refused:
            try:
                return await self.describe(sobject)
            except ObjectNotFound:
                self.refused.add(sobject)
        return _Unknown(has_stamp=True)

    async def joined(self, own: ObjectDescribe, condition: Condition) -> dict[str, Condition]:
        """Return the relationships that a condition's semi-joins look through, with their own conditions.

        Warns of semi-joins that follow no relationship.
        """
        found: dict[str, Condition] = {}
        for join in condition.semi_joins:
            relationship = await self.relationship_of(own, join)
            if relationship is None:
                self.warn_once(
                    f"The condition depends on {join.sobject or f'another query ({join.path} IN ...)'}, whose changes "
                    f"do not show on {own.name}: rows that match or stop matching by them are found when Ids are "
                    "compared. "
                    f"{_RECONCILE}"
                )
                continue
            known = found.get(relationship, Condition())
            found[relationship] = Condition(paths=(*known.paths, *join.inner.paths))
        return found

    async def relationship_of(self, own: ObjectDescribe, join: SemiJoin) -> str | None:
        """Return the relationship behind `AccountId IN (SELECT Id FROM Account ...)`; None for any other semi-join."""
        before, _, name = join.path.rpartition(".")
        holder = await self.holder(own, before) if before else own
        reference = holder.field(name) if isinstance(holder, ObjectDescribe) else None
        if reference is None or reference.relationship is None or join.selected.lower() != "id":
            return None
        if [each.lower() for each in reference.refers_to] != [join.sobject.lower()]:
            return None
        return f"{before}.{reference.relationship}" if before else reference.relationship

    async def warn_of_drift(self, own: ObjectDescribe, condition: Condition, joined: Mapping[str, Condition]) -> None:
        """Warn of what makes rows match a condition, or not, while no stamp moves."""
        causes = list(condition.relative_dates)
        inner = [f"{relationship}.{path}" for relationship, each in joined.items() for path in each.paths]
        for path in (*condition.paths, *inner):
            found = await self.field(own, path)
            if found is not None and found.calculated:
                causes.append(path)
        if causes:
            self.warn_once(
                f"The condition depends on {', '.join(causes)}, which changes without showing on {own.name}: rows "
                f"that match or stop matching by it are found when Ids are compared. {_RECONCILE}"
            )

    async def watched(self, own: ObjectDescribe, relationships: list[str]) -> tuple[str, ...]:
        """Return the relationships whose parents have a stamp of their changes."""
        watched: list[str] = []
        for relationship in dict.fromkeys(relationships):
            holder = await self.holder(own, relationship)
            if isinstance(holder, ObjectDescribe):
                stamp = holder.field("SystemModstamp")
                has_stamp = stamp is not None and stamp.filterable
            else:
                has_stamp = isinstance(holder, _Unknown) and holder.has_stamp
            if has_stamp:
                watched.append(relationship)
            else:
                self.warn_once(
                    f"{own.name} reads fields of {relationship}, whose changes cannot be queried: "
                    f"they arrive when the {own.name} row itself changes."
                )
        return tuple(watched)


_RECONCILE = 'Give the sync reconcile="1d", or run it with --reconcile.'


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The unknown end of a relationship: it leads to several objects, or to one whose describe is refused.

    What several objects have in common has no SystemModstamp.
    """

    has_stamp: bool


def _is(described: FieldDescribe | None, types: frozenset[str]) -> bool:
    return described is not None and described.type in types


def _paths_of(
    types: frozenset[str], fields: Mapping[str, FieldDescribe | None], spelled: Mapping[str, str]
) -> tuple[str, ...]:
    return tuple(spelled[path] for path, each in fields.items() if _is(each, types))
