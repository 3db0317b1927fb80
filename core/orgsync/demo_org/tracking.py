"""What a change of a record leaves behind in other objects: history of tracked fields, and the owner's share."""

from collections.abc import Iterator
from datetime import date

from .fields import Field, Row, SObject, Value

Values = dict[str, Value]
TRACKED = {
    "Account": ("Name", "OwnerId", "ParentId", "Phone", "Rating"),
    "Contact": ("AccountId", "Email", "LastName", "OwnerId", "Phone", "Title"),
    "Opportunity": ("AccountId", "Amount", "CloseDate", "Name", "OwnerId", "StageName"),
}
HISTORIES = {"Opportunity": "OpportunityFieldHistory"}
"""The objects that hold histories, where their name is not the parent's with `History` behind it."""

_DATA_TYPES = {"reference": "EntityId", "picklist": "DynamicEnum"}


def history_of(definition: SObject, before: Row | None, after: Row) -> Iterator[Values]:
    """Return the rows that a change writes into the object's history; a new record leaves one row, `created`.

    Salesforce writes two rows for a lookup, of its name and of its id; here it is one.
    """
    tracked = TRACKED.get(definition.name, ())
    own = {f"{definition.name}Id": after["Id"]}
    if before is None:
        if tracked:
            yield {**own, "Field": "created", "DataType": "Text"}
        return
    for name in tracked:
        field, old, new = definition.stored[name.lower()], before.get(name), after.get(name)
        if old != new:
            kind = _DATA_TYPES.get(field.type, "Text")
            yield {**own, "Field": _told(field), "DataType": kind, "OldValue": _text(old), "NewValue": _text(new)}


def owner_share(account: Row) -> Values:
    """Return the sharing row of an account's owner."""
    return {
        "AccountId": account["Id"], "UserOrGroupId": account["OwnerId"], "AccountAccessLevel": "All",
        "OpportunityAccessLevel": "Edit", "CaseAccessLevel": "Edit", "ContactAccessLevel": "Edit",
        "RowCause": "Owner",
    }  # fmt: skip


def _told(field: Field) -> str:
    return field.name.removesuffix("Id") if field.is_id else field.name


def _text(value: Value) -> str | None:
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)
