"""What an object is made of, as far as the connection's user may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from orgsync.errors import ObjectNotFound

from .answers import NotFound, unreadable
from .client import Client
from .http import Answer

__all__ = ["FieldDescribe", "ObjectDescribe", "describe"]


@dataclass(frozen=True, slots=True)
class FieldDescribe:
    """One field: its name, Salesforce's type, and for a reference the relationship and what it may point to."""

    name: str
    type: str
    relationship: str | None
    refers_to: tuple[str, ...]
    calculated: bool


@dataclass(frozen=True, slots=True)
class ObjectDescribe:
    """One object. `fields` is keyed by lower-case name, for SOQL does not mind case."""

    name: str
    replicateable: bool
    queryable: bool
    fields: Mapping[str, FieldDescribe]

    def field(self, name: str) -> FieldDescribe | None:
        """Find a field by its name, whatever its case."""
        return self.fields.get(name.lower())

    def parent(self, relationship: str) -> FieldDescribe | None:
        """Find the reference field behind a relationship: `Account` is behind `AccountId`."""
        wanted = relationship.lower()
        return next((f for f in self.fields.values() if (f.relationship or "").lower() == wanted), None)


async def describe(client: Client, sobject: str) -> ObjectDescribe:
    """Read an object's describe. Raises ObjectNotFound where it is absent or invisible to the user."""
    try:
        return await client.call("GET", f"sobjects/{quote(sobject, safe='')}/describe", _read)
    except NotFound:
        raise ObjectNotFound(
            f"The org has no object {sobject}, or the connection's user may not see it.",
            "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
        ) from None


def _read(answer: Answer) -> ObjectDescribe:
    body: Any = answer.json()
    try:
        fields = [_field(each) for each in body["fields"]]
        return ObjectDescribe(
            name=body["name"],
            replicateable=bool(body.get("replicateable", True)),
            queryable=bool(body.get("queryable", True)),
            fields={each.name.lower(): each for each in fields},
        )
    except (KeyError, TypeError, AttributeError):
        raise unreadable(answer) from None


def _field(body: Mapping[str, Any]) -> FieldDescribe:
    return FieldDescribe(
        name=body["name"],
        type=body["type"],
        relationship=body.get("relationshipName"),
        refers_to=tuple(body.get("referenceTo") or ()),
        calculated=bool(body.get("calculated")),
    )
