"""Which of an object's fields a copy has, and how the object is read, from its describe.

A copy has every field that a query returns and that repeats no other: not the compound fields whose parts are there,
no binary ones, none that Salesforce has hidden. The name comes first and the stamps last, the others stay in the org's
order.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time

from orgsync.errors import ArgumentInvalid, NameUnknown, ObjectNotFound
from orgsync.extract.query_rules import cursor_of, demands_filter, instead_of_changes
from orgsync.object_names import class_name
from orgsync.salesforce.api.client import Client
from orgsync.salesforce.api.describe import FieldDescribe, ObjectDescribe, describe, list_objects
from orgsync.suggest import nearest

__all__ = [
    "KNOWN_FILTERS",
    "copied_fields",
    "described_object",
    "kind_of",
    "left_out_of",
    "read_by_changes",
]

_KINDS: dict[str, type] = {
    "boolean": bool,
    "int": int,
    "long": int,
    "double": float,
    "currency": float,
    "percent": float,
    "date": date,
    "datetime": datetime,
    "time": time,
    "address": dict,
    "location": dict,
}
"""The Python types of Salesforce's; all others are str, which takes every value."""

KNOWN_FILTERS = {"ContentDocumentLink": "ContentDocumentId IN (SELECT Id FROM ContentDocument)"}
"""Conditions for objects that demand a filter; those of other objects only the author knows."""

_IN_EVERY_RECORD = frozenset({"Id", "SystemModstamp", "IsDeleted"})
_LAST = ("CreatedDate", "LastModifiedDate")


async def described_object(client: Client, sobject: str) -> ObjectDescribe:
    """Describe an object to be copied.

    Raises NameUnknown for one that the org does not show (with the nearest that it does), which costs a second call,
    and ArgumentInvalid for what queries cannot read.
    """
    try:
        described = await describe(client, sobject)
    except ObjectNotFound as problem:
        raise _unknown_object(sobject, await list_objects(client), problem) from None
    if not described.queryable or described.field("Id") is None:
        raise ArgumentInvalid(
            f"{described.name} cannot be copied: queries return no rows of it, or rows without an Id.",
            "Name another object; nothing was written.",
        )
    if not read_by_changes(described) and described.name.lower().endswith("__b"):
        instead = instead_of_changes(described.name, class_name(described.name))
        raise ArgumentInvalid(f"{described.name} is a big object, which can be read only by its index.", instead)
    return described


def read_by_changes(described: ObjectDescribe) -> bool:
    """Return whether an object's changes can be read; of any other, each run reads all."""
    return bool(cursor_of(described)) and not demands_filter(described.name)


def kind_of(field: FieldDescribe) -> type:
    """Return the Python type of a field's values."""
    return _KINDS.get(field.type, str)


def left_out_of(described: ObjectDescribe) -> dict[str, str]:
    """Return why fields are not copied unless they are named: compound, binary, or deprecated and hidden.

    An account's Name is described as a part of itself: where there are person accounts, it stays beside its parts, for
    companies have no other name.
    """
    fields = [each for each in described.fields.values() if each.name not in _IN_EVERY_RECORD]
    wholes = {each.compound for each in described.fields.values() if not each.hidden}
    made_of_parts = wholes - {each.name for each in fields if each.compound == each.name}
    kinds = {each.name: "compound" for each in fields if each.name in made_of_parts}
    kinds |= {each.name: "binary" for each in fields if each.type == "base64"}
    kinds |= {each.name: "deprecated" for each in fields if each.hidden}
    return {each.name: kinds[each.name] for each in fields if each.name in kinds}


def copied_fields(described: ObjectDescribe, only: Sequence[str] = ()) -> list[FieldDescribe]:
    """Return the fields of a copy, beside those that every record has; those that are named alone where any are.

    Raises NameUnknown for a name that the object does not have, ArgumentInvalid for a field that cannot be copied.
    """
    reasons = left_out_of(described)
    chosen = {_field_asked_for(described, name, reasons).name for name in only}
    fields = [each for each in described.fields.values() if each.name not in _IN_EVERY_RECORD]
    fields = [each for each in fields if (each.name in chosen if only else each.name not in reasons)]
    fields.sort(key=lambda each: -1 if each.named else 1 + _LAST.index(each.name) if each.name in _LAST else 0)
    return fields


def _unknown_object(sobject: str, known: Sequence[str], problem: ObjectNotFound) -> NameUnknown:
    spellings = {spelling: name for name in known for spelling in (class_name(name), name)}
    near = nearest(sobject, spellings)
    return NameUnknown(f"{problem.cause} Did you mean {spellings[near]}?" if near else problem.cause, problem.remedy)


def _field_asked_for(described: ObjectDescribe, name: str, reasons: Mapping[str, str]) -> FieldDescribe:
    """Return a field that was named; compound ones are allowed then."""
    found = described.field(name)
    if found is None:
        near = nearest(name, [each.name for each in described.fields.values()])
        hint = f"Did you mean {near}?" if near else "Name fields of the object itself, by their API names."
        raise NameUnknown(f"{described.name} has no field {name}, or the connection's user may not see it.", hint)
    if reasons.get(found.name, "compound") != "compound":
        raise ArgumentInvalid(
            f"{described.name}.{found.name} cannot be copied: it is {reasons[found.name]}.", "Leave it out."
        )
    return found
