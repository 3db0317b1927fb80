"""What an object allows, learnt from its describe: which fields there are, and how it can be read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from orgsync.errors import FieldNotFound, ObjectNotFound, RecordClassInvalid
from orgsync.records import Column, Reading, Schema, parse_instant, to_stored
from orgsync.salesforce.client import Client
from orgsync.salesforce.describe import FieldDescribe, ObjectDescribe, changed_since, describe
from orgsync.soql import parents_of

__all__ = ["Facts", "learn", "refreshed"]

_CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
"""Fields that changes can be read by, best first: History objects have CreatedDate only, Share LastModifiedDate."""

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_COMPOUNDS = frozenset({"address", "location"})
_NOT_IN_BULK = frozenset({"base64", "json", "complexvalue"})

_PARTS = (
    *("street", "city", "state", "stateCode", "postalCode", "country", "countryCode"),
    *("latitude", "longitude", "geocodeAccuracy"),
)
"""The keys of a compound field's value, each of which is a field of its own, too: BillingAddress has BillingCity."""

_KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one object allows one user.

    `cursor` is the field that changes can be read by, "" where there is none. `absent` are paths that the org lacks:
    optional fields, and IsDeleted where the object has none. `parents` are the relationships whose own changes have
    to be looked for; `judged_by` those that a condition looks through. `drifts` says that a field gets other values
    without a stamp that could be asked for: a formula, or a field of a parent that may be of several kinds.
    `rest_only` says why Bulk cannot read the fields, `bulk_refused` why it did not read the object; "" where it may.
    `delete_log` says that getDeleted covers the object, `log_refused` that it was refused. What was refused is tried
    again after a day. `described` keeps when each describe last changed, for asking whether it has changed since.
    """

    cursor: str
    replicateable: bool
    absent: tuple[str, ...]
    parents: tuple[str, ...]
    judged_by: tuple[str, ...]
    learnt_at: datetime
    numbers: tuple[str, ...] = ()
    compounds: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    drifts: bool = False
    rest_only: str = ""
    delete_log: bool = False
    bulk_refused: str = ""
    log_refused: bool = False
    described: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])

    def is_stale(self, now: datetime) -> bool:
        """Tell whether to look again: a permission or a field may have come."""
        return now - self.learnt_at > _KEPT_FOR

    @property
    def not_by_bulk(self) -> str:
        """Why Bulk is not to be asked; "" where it may be."""
        return self.rest_only or self.bulk_refused

    @property
    def reading(self) -> Reading:
        """What decoding has to know."""
        return Reading(self.cursor, self.absent, self.numbers, self.compounds)

    def to_json(self) -> dict[str, Any]:
        """Write the facts for the checkpoint."""
        return {
            "cursor": self.cursor,
            "replicateable": self.replicateable,
            "absent": list(self.absent),
            "parents": list(self.parents),
            "judged_by": list(self.judged_by),
            "learnt_at": to_stored(self.learnt_at),
            "numbers": list(self.numbers),
            "compounds": {path: dict(parts) for path, parts in self.compounds.items()},
            "drifts": self.drifts,
            "rest_only": self.rest_only,
            "delete_log": self.delete_log,
            "bulk_refused": self.bulk_refused,
            "log_refused": self.log_refused,
            "described": dict(self.described),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> "Facts":
        """Read the facts back."""
        return cls(
            cursor=saved["cursor"],
            replicateable=saved["replicateable"],
            absent=tuple(saved["absent"]),
            parents=tuple(saved["parents"]),
            judged_by=tuple(saved["judged_by"]),
            learnt_at=parse_instant(saved["learnt_at"]),
            numbers=tuple(saved["numbers"]),
            compounds=saved["compounds"],
            drifts=saved["drifts"],
            rest_only=saved["rest_only"],
            delete_log=saved["delete_log"],
            bulk_refused=saved["bulk_refused"],
            log_refused=saved["log_refused"],
            described=saved["described"],
        )


async def learn(client: Client, schema: Schema, where: str | None, warn: Callable[[str], None]) -> Facts:
    """Describe the object and the parents that the class reads, and check every field of the class.

    Costs one call for the object and one for each object it looks through. Raises FieldNotFound and ObjectNotFound,
    which name what is missing.
    """
    return await _Lesson(client, schema, warn).learn(where)


async def refreshed(client: Client, facts: Facts) -> Facts | None:
    """Ask whether the describes are still what they were; None where one has changed, has gone, or cannot tell."""
    for sobject, last_modified in facts.described.items():
        try:
            if last_modified is None or await changed_since(client, sobject, last_modified) is not None:
                return None
        except ObjectNotFound:
            return None
    return replace(facts, learnt_at=client.now, bulk_refused="", log_refused=False)


class _Lesson:
    """One learning of an object's facts; keeps the describes it has read."""

    def __init__(self, client: Client, schema: Schema, warn: Callable[[str], None]) -> None:
        self.client, self.schema, self.warn = client, schema, warn
        self.described: dict[str, ObjectDescribe] = {}
        self.refused: set[str] = set()

    async def learn(self, where: str | None) -> Facts:
        own = await self.describe(self.schema.sobject)
        if not own.queryable:
            raise ObjectNotFound(f"{own.name} cannot be queried.", "Salesforce gives no rows of this object.")
        absent = [column.path for column in self.schema.org_fields if not await self.has(own, column)]
        columns = [column for column in self.schema.org_fields if column.path not in absent]
        described = {column.path: await self.field(own, column.path) for column in columns}
        judged_by = parents_of(where, own.name)
        cursor = next((name for name in _CURSORS if own.field(name)), "")
        parents = await self.watched(own, [*_parents(list(described)), *judged_by])
        compounds = {path: await self.parts(own, path) for path, each in described.items() if _is(each, _COMPOUNDS)}
        return Facts(
            cursor=cursor,
            replicateable=own.replicateable,
            absent=(*absent, *(() if own.field("IsDeleted") else ("IsDeleted",))),
            parents=parents,
            judged_by=await self.watched(own, judged_by),
            learnt_at=self.client.now,
            numbers=tuple(path for path, each in described.items() if _is(each, _NUMBERS)),
            compounds=compounds,
            drifts=any(each is not None and each.calculated for each in described.values())
            or bool(set(_parents(list(described))) - set(parents)),
            rest_only=_only_rest(columns, described, compounds),
            delete_log=own.replicateable and cursor == "SystemModstamp",
            described={name: each.last_modified for name, each in self.described.items()},
        )

    async def field(self, own: ObjectDescribe, path: str) -> FieldDescribe | None:
        """Find the describe of a field that is there, at the end of its path; None where describes do not tell."""
        relationship, _, name = path.rpartition(".")
        holder = await self.holder(own, relationship) if relationship else own
        return holder.field(name) if isinstance(holder, ObjectDescribe) else None

    async def parts(self, own: ObjectDescribe, path: str) -> dict[str, str]:
        """Name the fields that a compound field is made of, by the keys of its value."""
        relationship, _, name = path.rpartition(".")
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
        """Tell whether the field is there; False only for an optional one, any other raises FieldNotFound."""
        relationship, _, name = column.path.rpartition(".")
        holder = await self.holder(own, relationship) if relationship else own
        if isinstance(holder, ObjectDescribe):
            found = holder.field(name)
            if found is not None and found.name != name:
                raise RecordClassInvalid(
                    f"{self.schema.model.__name__}.{column.name} reads {column.path}, which Salesforce spells "
                    f"{found.name}.",
                    f'Write field("{column.path.removesuffix(name)}{found.name}").',
                )
            if found is None:
                return self.missing(column, holder.name, name)
        return isinstance(holder, ObjectDescribe | _Unknown) or self.missing(column, own.name, holder)

    def missing(self, column: Column, sobject: str, name: str) -> bool:
        if not column.optional:
            raise FieldNotFound(
                f"{sobject} has no field {name}, or the connection's user may not see it; "
                f"{self.schema.model.__name__}.{column.name} needs it.",
                f"Check the spelling, and that a permission set of the user gives Read on {sobject}.{name}; "
                "or declare it with field(optional=True).",
            )
        self.warn(f"{self.schema.model.__name__}.{column.name} stays empty: {sobject} has no visible field {name}.")
        return False

    async def holder(self, own: ObjectDescribe, relationship: str) -> "ObjectDescribe | _Unknown | str":
        """Follow a relationship to the object it ends at; a name where there is no such relationship."""
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
        """Describe a parent; where that is refused, the query itself will say whether its fields can be read."""
        if sobject not in self.refused:
            try:
                return await self.describe(sobject)
            except ObjectNotFound:
                self.refused.add(sobject)
        return _Unknown(has_stamp=True)

    async def watched(self, own: ObjectDescribe, relationships: list[str]) -> tuple[str, ...]:
        """Keep the relationships whose parents say when they changed."""
        watched: list[str] = []
        for relationship in dict.fromkeys(relationships):
            holder = await self.holder(own, relationship)
            if isinstance(holder, ObjectDescribe):
                has_stamp = holder.field("SystemModstamp") is not None
            else:
                has_stamp = isinstance(holder, _Unknown) and holder.has_stamp
            if has_stamp:
                watched.append(relationship)
            else:
                self.warn(
                    f"{own.name} reads fields of {relationship}, whose changes cannot be queried for: "
                    f"they arrive when the {own.name} row itself changes."
                )
        return tuple(watched)


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The end of a relationship that describes do not tell: it leads to several objects, or to one without a describe.

    What several objects have in common has no SystemModstamp.
    """

    has_stamp: bool


def _parents(paths: list[str]) -> list[str]:
    """Name every relationship on the way: `Account.Owner.Name` passes `Account` and `Account.Owner`."""
    found: list[str] = []
    for path in paths:
        names = path.split(".")[:-1]
        found += [".".join(names[: depth + 1]) for depth in range(len(names))]
    return found


def _is(described: FieldDescribe | None, types: frozenset[str]) -> bool:
    return described is not None and described.type in types


def _only_rest(
    columns: list[Column], described: Mapping[str, FieldDescribe | None], compounds: Mapping[str, Mapping[str, str]]
) -> str:
    """Say which field Bulk cannot read; "" where it can read them all."""
    for column in columns:
        if column.type is list or _is(described[column.path], _NOT_IN_BULK) or compounds.get(column.path) == {}:
            return f"{column.path} cannot be read by it"
    return ""
