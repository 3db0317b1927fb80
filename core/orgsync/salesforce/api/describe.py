"""What an object is made of, as far as the connection's user may see."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar
from urllib.parse import quote

import msgspec

from orgsync.errors import NotFound, ObjectNotFound
from orgsync.printable import excerpt

from ..errors.body import body_as
from ..http.messages import Response
from .client import Client

__all__ = ["FieldDescribe", "ObjectDescribe", "changed_since", "describe", "list_objects"]


_DIGITS_OF_A_DOUBLE = 15
_LONGEST_DATE = 100  # characters

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

    `last_modified` is the response's Last-Modified unchanged, for `changed_since`; None where it had none that can be
    sent back.
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
    """Return the names of all objects that the connection's user may see."""
    return await client.call("GET", "sobjects", _read_names)


async def changed_since(client: Client, sobject: str, last_modified: str) -> ObjectDescribe | None:
    """Read an object's describe if it is another than at `last_modified`; None where it is still the same.

    An unchanged one costs a call, but no body (304). Raises as `describe` does.
    """
    if _sendable(last_modified) is None:
        return await describe(client, sobject)
    return await _asked(client, sobject, {"If-Modified-Since": last_modified}, _read_if_changed)


async def _asked(client: Client, sobject: str, headers: Mapping[str, str], read: Callable[[Response], T]) -> T:
    try:
        return await client.call("GET", f"sobjects/{quote(sobject, safe='')}/describe", read, headers=headers)
    except NotFound:
        raise ObjectNotFound(sobject) from None


def _read_if_changed(response: Response) -> ObjectDescribe | None:
    return None if response.status == 304 else _read(response)


_Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z]\w{0,254}\Z")]
"""A name of Salesforce's: it is written into scripts and messages, so it holds no line end and no quote."""


class _FieldBody(msgspec.Struct, rename="camel"):
    """One field as a describe writes it."""

    name: _Name
    type: _Name
    relationship_name: _Name | None = None
    reference_to: list[_Name] | None = None
    calculated: bool | None = None
    nillable: bool | None = None
    compound_field_name: _Name | None = None
    name_field: bool | None = None
    deprecated_and_hidden: bool | None = None
    filterable: bool | None = None
    sortable: bool | None = None
    scale: int | None = None
    precision: int | None = None


class _ObjectBody(msgspec.Struct, rename="camel"):
    """A describe, as far as it is read."""

    name: _Name
    fields: list[_FieldBody]
    replicateable: bool | None = None
    queryable: bool | None = None
    label_plural: str | None = None


class _NamedBody(msgspec.Struct):
    name: _Name


class _ObjectsBody(msgspec.Struct):
    """The list of objects, as far as it is read."""

    sobjects: list[_NamedBody]


def _read(response: Response) -> ObjectDescribe:
    body = body_as(response, _ObjectBody, strict=False)
    fields = [_field(each) for each in body.fields]
    return ObjectDescribe(
        name=body.name,
        replicateable=body.replicateable is not False,
        queryable=body.queryable is not False,
        fields={each.name.lower(): each for each in fields},
        last_modified=_sendable(response.headers.get("last-modified")),
        plural=excerpt(body.label_plural or "", addresses=True),
    )


def _sendable(last_modified: str | None) -> str | None:
    """Return a Last-Modified that a header of ours can hold; None for any other, with which nothing can be asked."""
    fits = last_modified and last_modified.isascii() and last_modified.isprintable()
    return last_modified if fits and len(last_modified or "") <= _LONGEST_DATE else None


def _read_names(response: Response) -> list[str]:
    return [each.name for each in body_as(response, _ObjectsBody).sobjects]


def _field(body: _FieldBody) -> FieldDescribe:
    return FieldDescribe(
        name=body.name,
        type=body.type,
        relationship=body.relationship_name,
        refers_to=tuple(body.reference_to or ()),
        calculated=bool(body.calculated),
        nillable=body.nillable is not False,
        compound=body.compound_field_name,
        named=bool(body.name_field),
        hidden=bool(body.deprecated_and_hidden),
        filterable=body.filterable is not False,
        sortable=body.sortable is not False,
        scale=body.scale,
        precision=body.precision or 0,
    )
