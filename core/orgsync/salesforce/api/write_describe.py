"""What of an object may be written, as its describe says to the connection's user."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from orgsync.errors import NotFound, ObjectNotFound
from orgsync.suggest import nearest

from ..errors.body import body_as
from ..http.messages import Response
from .client import Client
from .describe import list_objects

__all__ = ["WritableField", "WritableObject", "describe_writable"]


@dataclass(frozen=True, slots=True)
class WritableField:
    """One field: its name and Salesforce's type, and whether it may be set in new rows and changed in others.

    `is_key` says that it can find a row: an external id, or a field for lookups by value. `required` says that a new
    row has to have it. `length` is that of a text in characters, 0 where there is none. `values` are those of a
    restricted picklist, none where any text is allowed.
    """

    name: str
    type: str
    createable: bool
    updateable: bool
    is_key: bool
    required: bool
    length: int
    values: frozenset[str]
    relationship: str | None
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WritableObject:
    """One object; `fields` is keyed by lower-case name, for Salesforce does not mind case.

    `key_prefix` is what the Ids of its rows begin with, which objects may share; empty where describe does not say.
    """

    name: str
    createable: bool
    updateable: bool
    deletable: bool
    key_prefix: str
    fields: Mapping[str, WritableField]

    def field(self, name: str) -> WritableField | None:
        """Find a field by its name, whatever its case."""
        return self.fields.get(name.lower())

    def parent(self, relationship: str) -> WritableField | None:
        """Find the reference field behind a relationship: `Account` is behind `AccountId`."""
        wanted = relationship.lower()
        return next((each for each in self.fields.values() if (each.relationship or "").lower() == wanted), None)


async def describe_writable(client: Client, sobject: str) -> WritableObject:
    """Read an object's describe. Raises ObjectNotFound, with the nearest name, where it is absent or invisible."""
    try:
        return await client.call("GET", f"sobjects/{quote(sobject, safe='')}/describe", _read)
    except NotFound:
        raise ObjectNotFound(sobject, near=nearest(sobject, await list_objects(client))) from None


class _Choice(msgspec.Struct):
    value: str | None = None
    active: bool | None = None


class _FieldBody(msgspec.Struct, rename="camel"):
    """One field as a describe writes it."""

    name: str
    type: str
    createable: bool | None = None
    updateable: bool | None = None
    external_id: bool | None = None
    id_lookup: bool | None = None
    nillable: bool | None = None
    defaulted_on_create: bool | None = None
    length: int | None = None
    restricted_picklist: bool | None = None
    picklist_values: list[_Choice] | None = None
    relationship_name: str | None = None
    reference_to: list[str] | None = None


class _ObjectBody(msgspec.Struct, rename="camel"):
    """A describe, as far as it is read."""

    name: str
    fields: list[_FieldBody]
    createable: bool | None = None
    updateable: bool | None = None
    deletable: bool | None = None
    key_prefix: str | None = None


def _read(response: Response) -> WritableObject:
    body = body_as(response, _ObjectBody, strict=False)
    return WritableObject(
        name=body.name,
        createable=body.createable is not False,
        updateable=body.updateable is not False,
        deletable=body.deletable is not False,
        key_prefix=body.key_prefix or "",
        fields={each.name.lower(): _field(each) for each in body.fields},
    )


def _field(body: _FieldBody) -> WritableField:
    """Return a field; what the describe leaves out is allowed, so that Salesforce decides."""
    createable = body.createable is not False
    choices = body.picklist_values or [] if body.restricted_picklist else []
    return WritableField(
        name=body.name,
        type=body.type,
        createable=createable,
        updateable=body.updateable is not False,
        is_key=bool(body.external_id or body.id_lookup),
        required=createable and body.nillable is False and body.defaulted_on_create is False and body.type != "boolean",
        length=body.length or 0,
        values=frozenset(each.value for each in choices if each.value and each.active is not False),
        relationship=body.relationship_name,
        targets=tuple(body.reference_to or ()),
    )
