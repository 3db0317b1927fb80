"""What an object allows, learnt from its describe: which fields there are, and how its changes can be read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orgsync.errors import FieldNotFound, ObjectNotFound, RecordClassInvalid
from orgsync.records import Column, Schema, parse_instant, to_stored
from orgsync.salesforce.client import Client
from orgsync.salesforce.describe import ObjectDescribe, describe
from orgsync.soql import parents_of

__all__ = ["Facts", "learn"]

_CURSORS = ("SystemModstamp", "LastModifiedDate", "CreatedDate", "LoginTime")
"""Fields that changes can be read by, best first: History objects have CreatedDate only, Share LastModifiedDate."""

_KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one object allows one user.

    `absent` are paths that the org lacks: optional fields, and IsDeleted where the object has none. `parents` are
    the relationships whose own changes have to be looked for; `judged_by` those that a condition looks through.
    """

    cursor: str
    replicateable: bool
    absent: tuple[str, ...]
    parents: tuple[str, ...]
    judged_by: tuple[str, ...]
    learnt_at: datetime

    def is_stale(self, now: datetime) -> bool:
        """Tell whether to look again: a permission or a field may have come."""
        return now - self.learnt_at > _KEPT_FOR

    def to_json(self) -> dict[str, Any]:
        """Write the facts for the checkpoint."""
        return {
            "cursor": self.cursor,
            "replicateable": self.replicateable,
            "absent": list(self.absent),
            "parents": list(self.parents),
            "judged_by": list(self.judged_by),
            "learnt_at": to_stored(self.learnt_at),
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
        )


async def learn(client: Client, schema: Schema, where: str | None, warn: Callable[[str], None]) -> Facts:
    """Describe the object and the parents that the class reads, and check every field of the class.

    Costs one call for the object and one for each object it looks through. Raises FieldNotFound and ObjectNotFound,
    which name what is missing.
    """
    return await _Lesson(client, schema, warn).learn(where)


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
        absent = [column.path for column in self.schema.fields if not await self.has(own, column)]
        paths = [column.path for column in self.schema.fields if column.path not in absent]
        judged_by = parents_of(where, own.name)
        return Facts(
            cursor=_cursor(own),
            replicateable=own.replicateable,
            absent=(*absent, *(() if own.field("IsDeleted") else ("IsDeleted",))),
            parents=await self.watched(own, [*_parents(paths), *judged_by]),
            judged_by=await self.watched(own, judged_by),
            learnt_at=self.client.now,
        )

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


def _cursor(own: ObjectDescribe) -> str:
    for name in _CURSORS:
        if own.field(name):
            return name
    raise ObjectNotFound(
        f"{own.name} has no field that its changes can be read by ({', '.join(_CURSORS)}).",
        "Read it with ctx.query and yield batches of your own.",
    )
