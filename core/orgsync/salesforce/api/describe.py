"""What an object is made of, as far as the connection's user may see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from orgsync.errors import NotFound, ObjectNotFound

from ..errors.judge import unreadable
from ..http.messages import Response
from .client import Client

__all__ = ["FieldDescribe", "ObjectDescribe", "changed_since", "describe", "list_objects"]


_DIGITS_OF_A_DOUBLE = 15

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FieldDescribe:
    """One field: its name, Salesforce's type, and for a reference the relationship and what it may point to.

    `compound` is the field that this one is a part of; `named` says that it is the object's name field, `hidden` that
    it is deprecated and hidden; one that is not `filterable` or `sortable` cannot stand in WHERE or ORDER BY.
    `precision` is the number of a number's digits, `scale` that of its decimals.
    """

    name: str
    type: str
    relationship: str | None
    refers_to: tuple[str, ...]
    calculated: bool
    nillable: bool = True
    compound: str | None = None
    named: bool = False
    hidden: bool = False
    filterable: bool = True
    sortable: bool = True
    scale: int | None = None
    precision: int | None = None

    @property
    def is_wide(self) -> bool:
        """Whether it is a number that may have more digits than a double keeps."""
        return (self.precision or 0) > _DIGITS_OF_A_DOUBLE


@dataclass(frozen=True, slots=True)
class ObjectDescribe:
    """One object. `fields` is keyed by lower-case name, for SOQL does not mind case; `plural` is its label.

    `last_modified` is the answer's Last-Modified as it came, for `changed_since`; None where it had none.
    """

    name: str
    replicateable: bool
    queryable: bool
    fields: Mapping[str, FieldDescribe]
    last_modified: str | None = None
    plural: str = ""

    def field(self, name: str) -> FieldDescribe | None:
        """Find a field by its name, whatever its case."""
        return self.fields.get(name.lower())

    def parent(self, relationship: str) -> FieldDescribe | None:
        """Find the reference field behind a relationship: `Account` is behind `AccountId`."""
        wanted = relationship.lower()
        return next((f for f in self.fields.values() if (f.relationship or "").lower() == wanted), None)


async def describe(client: Client, sobject: str) -> ObjectDescribe:
    """Read an object's describe. Raises ObjectNotFound where it is absent or invisible to the user."""
    return await _asked(client, sobject, {}, _read)


async def list_objects(client: Client) -> list[str]:
    """Name every object that the connection's user may see."""
    return await client.call("GET", "sobjects", _read_names)


async def changed_since(client: Client, sobject: str, last_modified: str) -> ObjectDescribe | None:
    """Read an object's describe if it is another than at `last_modified`; None where it is still the same.

    An unchanged one costs a call, but no body (304). Raises as `describe` does.
    """
    return await _asked(client, sobject, {"If-Modified-Since": last_modified}, _read_if_changed)


async def _asked(client: Client, sobject: str, headers: Mapping[str, str], read: Callable[[Response], T]) -> T:
    try:
        return await client.call("GET", f"sobjects/{quote(sobject, safe='')}/describe", read, headers=headers)
    except NotFound:
        raise ObjectNotFound(
            f"The org has no object {sobject}, or the connection's user may not see it.",
            "Check the spelling (custom objects end in __c), and that a permission set of the user gives Read on it.",
        ) from None


def _read_if_changed(answer: Response) -> ObjectDescribe | None:
    return None if answer.status == 304 else _read(answer)


def _read(answer: Response) -> ObjectDescribe:
    body: Any = answer.json()
    try:
        fields = [_field(each) for each in body["fields"]]
        return ObjectDescribe(
            name=body["name"],
            replicateable=bool(body.get("replicateable", True)),
            queryable=bool(body.get("queryable", True)),
            fields={each.name.lower(): each for each in fields},
            last_modified=answer.headers.get("last-modified"),
            plural=body.get("labelPlural") or "",
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise unreadable(answer) from None


def _read_names(answer: Response) -> list[str]:
    body: Any = answer.json()
    try:
        return [str(each["name"]) for each in body["sobjects"]]
    except (KeyError, TypeError):
        raise unreadable(answer) from None


def _field(body: Mapping[str, Any]) -> FieldDescribe:
    return FieldDescribe(
        name=body["name"],
        type=body["type"],
        relationship=body.get("relationshipName"),
        refers_to=tuple(body.get("referenceTo") or ()),
        calculated=bool(body.get("calculated")),
        nillable=bool(body.get("nillable", True)),
        compound=body.get("compoundFieldName"),
        named=bool(body.get("nameField")),
        hidden=bool(body.get("deprecatedAndHidden")),
        filterable=bool(body.get("filterable", True)),
        sortable=bool(body.get("sortable", True)),
        scale=body.get("scale"),
        precision=int(body.get("precision") or 0),
    )
